"""A set of DAGs for each market: the first market has the plain ids, another one `hourly_pnl__fi`."""

from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Any

from airflow import sdk

from include.errors import TerminalError
from include.settings import Settings


def dag(*, schedule: Any, **arguments: Any) -> Callable[[Callable[..., None]], Callable[[], list[sdk.DAG]]]:
    """Like Airflow's `@dag`, but calling the decorated function makes a DAG of each market.

    The function may take the settings of the market, for assets that are the market's own. Which market a task
    works for follows from the id of its DAG: `settings_of`.

    Args:
        schedule: Of Airflow's `@dag`, or a function that makes it from the settings of a market.
        arguments: The others of it, without `dag_id`, which is the function's name.
    """

    def decorate(function: Callable[..., None]) -> Callable[[], list[sdk.DAG]]:
        def make() -> list[sdk.DAG]:
            made = []
            markets = Settings.of_markets()
            for settings in markets:
                tags = [*arguments.get("tags", ()), *([settings.market.market] if len(markets) > 1 else [])]
                of_market = arguments | {"dag_id": f"{function.__name__}{settings.dag_suffix}", "tags": tags}
                own = schedule(settings) if callable(schedule) else schedule
                bound = partial(function, settings) if signature(function).parameters else function
                built = sdk.dag(schedule=own, **of_market)(bound)()
                built.fileloc = function.__code__.co_filename  # and not this module, which called it
                made.append(built)
            return made

        return make

    return decorate


def settings_of(dag_id: str) -> Settings:
    """The environment's settings of the market of a DAG.

    Raises:
        TerminalError: A setting is wrong, or the market is not in MARKETS_FILE any more.
    """
    suffix = "".join(dag_id.partition("__")[1:])
    for settings in Settings.of_markets():
        if settings.dag_suffix == suffix:
            return settings
    raise TerminalError(f"the market of the DAG {dag_id} is not in MARKETS_FILE")
