"""What `make run` waits for once its processes are up: health, DAGs, the first priced PnL."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from include.errors import TransientError
from include.local.airflow import DAGS, Api
from include.settings import Settings
from include.warehouse.probe import fetch_row
from include.warehouse.queries import load_queries

QUERIES = load_queries("local/queries.sql")

_REPORT_EVERY_SECONDS = 20.0
_EAGER_SECONDS = 60.0
"""How long PnL is asked for twice a second, later every ten: an exchange may be silent for days."""
_PARSE_SECONDS = 90.0
_QUERY_SECONDS = 15.0
_FIRST_DAG = "refresh_pnl"

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """How a wait looks to the user.

    Attributes:
        say: Tells a line.
        watch: Sleeps some seconds and looks after the processes meanwhile.
    """

    say: Callable[[str], None]
    watch: Callable[[float], None]

    def wait(
        self,
        attempt: Callable[[], T | None],
        missing: Callable[[], str],
        give_up_seconds: float = 0,
        eager_seconds: float = math.inf,
    ) -> T | None:
        """Tries again until the attempt returns something; None after `give_up_seconds`, 0 meaning never.

        After `eager_seconds` it tries every ten seconds only.
        """
        started_at = reported_at = time.monotonic()
        while True:
            try:
                found = attempt()
            except TransientError:
                found = None
            if found is not None:
                return found
            now = time.monotonic()
            if give_up_seconds and now - started_at > give_up_seconds:
                return None
            if now - reported_at > _REPORT_EVERY_SECONDS:
                reported_at = now
                self.say(f"still waiting: {missing()}")
            for _ in range(1 if now - started_at < eager_seconds else 20):
                self.watch(0.5)


def wait_for_airflow(api: Api, progress: Progress) -> None:
    """Returns when every component of Airflow is healthy and the API has let us in."""
    unhealthy = ["the api-server"]

    def attempt() -> bool | None:
        unhealthy[:] = [name for name, status in api.health().items() if status not in ("healthy", "None")]
        if unhealthy:
            return None
        api.login()
        return True

    progress.wait(attempt, lambda: f"for {', '.join(unhealthy)}")


def wait_for_dags(api: Api, progress: Progress) -> None:
    """Returns when every DAG file has been read, and tells of those that are broken."""
    expected = {path.stem for path in DAGS.glob("*.py")}  # a file makes the DAG of its name, perhaps others

    def attempt() -> list[str] | None:
        found = api.dags()
        return found if len(expected - set(found)) <= len(api.import_errors()) else None

    progress.wait(attempt, lambda: f"for {len(expected)} DAG files to be read", _PARSE_SECONDS)
    errors = api.import_errors()
    for error in errors:
        progress.say(f"this DAG file is broken: {error}")
    missing = sorted(expected - set(api.dags()))
    if len(missing) > len(errors):
        progress.say(f"there are no DAGs {', '.join(missing)}: see dag-processor.log")
    progress.say(f"DAGs: {', '.join(api.dags()) or 'none'}")


def wait_for_priced_pnl(api: Api, settings: Settings, progress: Progress) -> None:
    """Starts a first refresh of a market and returns when `curated.pnl_hourly` has a row of it with a price."""
    dag_id = f"{_FIRST_DAG}{settings.dag_suffix}"
    if dag_id not in api.dags():
        progress.say(f"there is no DAG {dag_id}: no PnL will be built")
        return

    def trigger() -> bool:
        api.trigger(dag_id)
        return True

    def attempt() -> bool | None:
        return True if _query(settings, QUERIES["is_priced"])[0] else None

    def missing() -> str:
        try:
            trades, prices, rows = _query(settings, QUERIES["so_far"])
        except TransientError as error:
            return str(error)
        return (
            f"for the first priced PnL; so far {trades} trades, {prices} prices, {rows} rows;"
            f" the runs are on {api.url}/dags/{dag_id}"
        )

    progress.wait(trigger, lambda: f"to start {dag_id}")
    market = f" of market {settings.market.market}" if settings.own_suffix else ""
    progress.say(f"waiting for the first priced PnL{market}")
    progress.wait(attempt, missing, eager_seconds=_EAGER_SECONDS)
    progress.say(f"curated.pnl_hourly has rows with prices{market}")


def _query(settings: Settings, statement: str) -> tuple[Any, ...]:
    market = {"market": settings.market.market}
    row = fetch_row(settings.warehouse_url, statement, market, timeout_seconds=_QUERY_SECONDS)
    assert row is not None
    return row
