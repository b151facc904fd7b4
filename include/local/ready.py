"""What `make run` waits for once its processes are up: health, DAGs, the first priced PnL."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from include.errors import TransientError
from include.local.airflow import Api
from include.warehouse.probe import fetch_row
from include.warehouse.queries import load_queries

QUERIES = load_queries("local/queries.sql")

_REPORT_EVERY_SECONDS = 20.0
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
        self, attempt: Callable[[], T | None], missing: Callable[[], str], give_up_seconds: float = 0
    ) -> T | None:
        """Tries again until the attempt returns something; None after `give_up_seconds`, 0 meaning never."""
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


def wait_for_dags(api: Api, dags: Path, progress: Progress) -> None:
    """Returns when every DAG file has been read, and tells of those that are broken."""
    expected = len(list(dags.glob("*.py")))

    def attempt() -> list[str] | None:
        found = api.dags()
        return found if len(found) + len(api.import_errors()) >= expected else None

    progress.wait(attempt, lambda: f"for {expected} DAG files to be read", _PARSE_SECONDS)
    for error in api.import_errors():
        progress.say(f"this DAG file is broken: {error}")
    progress.say(f"DAGs: {', '.join(api.dags()) or 'none'}")


def wait_for_priced_pnl(api: Api, warehouse_url: str, progress: Progress) -> None:
    """Starts a first refresh and returns when `curated.pnl_hourly` has a row with a price."""
    if _FIRST_DAG not in api.dags():
        progress.say(f"there is no DAG {_FIRST_DAG}: no PnL will be built")
        return

    def trigger() -> bool:
        api.trigger(_FIRST_DAG)
        return True

    def attempt() -> bool | None:
        return True if _query(warehouse_url, QUERIES["is_priced"])[0] else None

    def missing() -> str:
        try:
            trades, prices, rows = _query(warehouse_url, QUERIES["so_far"])
        except TransientError as error:
            return str(error)
        return (
            f"for the first priced PnL; so far {trades} trades, {prices} prices, {rows} rows;"
            f" the runs are on {api.url}/dags/{_FIRST_DAG}"
        )

    progress.wait(trigger, lambda: f"to start {_FIRST_DAG}")
    progress.say("waiting for the first priced PnL")
    progress.wait(attempt, missing)
    progress.say("curated.pnl_hourly has rows with prices")


def _query(warehouse_url: str, statement: str) -> tuple[Any, ...]:
    row = fetch_row(warehouse_url, statement, timeout_seconds=_QUERY_SECONDS)
    assert row is not None
    return row
