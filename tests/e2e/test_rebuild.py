"""The same hours by hourly runs, by a parallel and a reversed backfill, and by a rebuild: the same tables.

`HISTORY_HOURS=48 HISTORY_PER_MINUTE=100 make test ARGS="tests/e2e/test_rebuild.py -o log_cli=true"` does it for
two days of ordinary traffic.
"""

import logging
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.load import audit
from include.simulator.exchange import Exchange
from include.simulator.market import SimulatedMarket
from include.simulator.provider import Provider
from tests.e2e.platform import Platform, running_platform
from tests.factories import Database
from tests.messages import deal, landed, write_landing_file
from tools.fingerprint import fingerprint
from tools.history import History, write_history

HOURS = int(os.environ.get("HISTORY_HOURS", "3"))
HOUR = timedelta(hours=1)
_TIMEOUT_SECONDS = 120.0 + 30 * HOURS
_PER_MINUTE = int(os.environ.get("HISTORY_PER_MINUTE", "20"))
_DAG = "dags/hourly_pnl"

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600 + 150 * HOURS)]


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider(SimulatedMarket()) as provider:
        yield provider


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Platform]:
    """Everything is up, nothing is traded now, and only the hours that a test asks for are loaded."""
    with Exchange(SimulatedMarket(), rate_per_second=0) as exchange:
        servers = {"EXCHANGE_URL": exchange.url, "MARKET_DATA_URL": provider.url}
        with running_platform(tmp_path_factory.mktemp("rebuild") / "state", servers) as platform:
            platform.wait_for(lambda: platform.has_refreshed() and ended(platform, "hourly_pnl"), 240)
            platform.stop_following()  # it would load the history at once, whatever the hour
            yield platform


@pytest.fixture(scope="module")
def history(platform: Platform) -> History:
    """Two lines with outages, a gap, duplicates, conflicts and late trades; all prices are landed."""
    start_at = datetime.now(UTC).replace(hour=20, minute=0, second=0, microsecond=0) - timedelta(days=10)
    root = platform.settings().landing_root
    history = write_history(root, start_at, HOURS, per_minute=_PER_MINUTE)
    assert history.conflict_count or HOURS < 3
    return history


@pytest.fixture
def database(platform: Platform) -> Iterator[Database]:
    with platform.database() as database:
        yield database


def test_every_way_leads_to_the_same_tables(platform: Platform, history: History, database: Database) -> None:
    ways = {
        "hourly runs": hourly_runs,
        "parallel backfill": lambda *given: backfill(*given, max_active_runs=3),
        "reversed backfill": lambda *given: backfill(*given, max_active_runs=2, run_backwards=True),
        "rebuild_pnl": rebuild,
    }
    found = {}
    for name, way in ways.items():
        platform.wait_for(lambda: ended(platform, "hourly_pnl"), 120)  # of the hour that ended meanwhile
        forget_everything(database)
        began, asked = time.monotonic(), requests(database, history)
        way(platform, history)
        seconds = time.monotonic() - began
        assert database.value("SELECT count(*) FROM raw.trades") == history.trade_count
        catch_up(platform)
        found[name] = fingerprint(database, "delivery_day <= %s", (history.last_delivery_day,))
        rows, digest = found[name]["curated.pnl_hourly"]
        log.warning(
            "%s: %d hours in %.0f s, %d trades, %d rows of PnL %s, %d requests to the provider",
            *(name, HOURS, seconds, history.trade_count, rows, digest, requests(database, history) - asked),
        )
    first = found["hourly runs"]
    assert first["raw.trades"][0] == history.trade_count
    assert {name: changed(first, other) for name, other in found.items()} == {name: {} for name in ways}
    assert not [problem for file in audit.run(platform.settings()) for problem in file.problems]


def test_wrong_prices_of_yesterday_are_asked_for_again(
    platform: Platform, database: Database, provider: Provider
) -> None:
    """The engineer on call: the provider published wrong prices for yesterday and has corrected them."""
    at = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0) - 24 * HOUR
    day = str(at.date())
    deals = [
        deal(id=f"{day}-{n}", delivery_day=day, delivery_hour=f"{15 + n % 2}-{16 + n % 2}") for n in range(40)
    ]
    write_landing_file(platform.settings().landing_root, landed(deals, at), hour=at)
    provider.faults.raw_value = "999.99"
    run = platform.call("POST", f"{_DAG}/dagRuns", {"logical_date": at.isoformat()})
    wait_for_run(platform, "hourly_pnl", run["dag_run_id"])
    provider.faults.raw_value = ""
    shown = "SELECT delivery_hour, reference_price_eur_per_mwh::text, price_status, pnl_eur FROM"
    wrong = database.rows(f"{shown} curated.pnl_hourly WHERE delivery_day = %s ORDER BY 1", (day,))
    assert [row[:3] for row in wrong] == [("15-16", "999.99", "final"), ("16-17", "999.99", "final")]
    before = database.value("SELECT clock_timestamp()")

    conf = {"from": day, "to": day, "force_prices": True}
    run = platform.call("POST", "dags/rebuild_pnl/dagRuns", {"logical_date": None, "conf": conf})
    wait_for_run(platform, "rebuild_pnl", run["dag_run_id"])

    right = database.rows(f"{shown} curated.pnl_hourly WHERE delivery_day = %s ORDER BY 1", (day,))
    assert all(row[1] != "999.99" and row[2] == "final" for row in right)
    changes = database.rows(
        "SELECT delivery_hour, causes, previous_reference_price_eur_per_mwh::text, pnl_change_eur"
        " FROM curated.pnl_hourly_changes WHERE delivery_day = %s AND changed_at > %s ORDER BY 1",
        (day, before),
    )
    assert changes == [
        (old[0], ["price revision"], "999.99", new[3] - old[3]) for old, new in zip(wrong, right, strict=True)
    ]
    then = database.rows(
        f"{shown} curated.pnl_hourly_as_of(%s) WHERE delivery_day = %s ORDER BY 1", (before, day)
    )
    assert then == wrong
    log.warning("what changed: %s", changes)


def test_a_range_that_makes_no_sense_is_refused_by_the_first_task(
    platform: Platform, database: Database
) -> None:
    conf = {"from": "2026-03-02", "to": "garbage"}
    answer = platform.answer("POST", "dags/rebuild_pnl/dagRuns", {"logical_date": None, "conf": conf})
    if answer.status_code == 200:  # Airflow 3.3 takes what its own trigger form would refuse
        run_id = answer.json()["dag_run_id"]
        wait_for_run(platform, "rebuild_pnl", run_id, "failed")
        ((task_id, error),) = database.rows(
            "SELECT task_id, error FROM ops.task_runs WHERE run_id = %s", (run_id,)
        )
        assert task_id == "check_range"
        assert "to must be a delivery day like 2026-03-02, not 'garbage'" in error


def requests(database: Database, history: History) -> int:
    """What the provider was asked about the days of the history, ever."""
    return int(
        database.value(
            "SELECT count(*) FROM ops.provider_requests WHERE delivery_day <= %s", (history.last_delivery_day,)
        )
    )


def catch_up(platform: Platform) -> None:
    """The next run of the intraday DAG, after which it is known up to when nothing was captured."""
    platform.wait_for(lambda: platform.call("PATCH", "dags/refresh_pnl", {"is_paused": False}), 60)
    platform.refresh()
    platform.stop_following()


def changed(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Tables that differ."""
    return {name: (one[name], other[name]) for name in one if one[name] != other[name]}


def forget_everything(database: Database) -> None:
    """As if the warehouse were new; the budget that was spent stays spent."""
    tables = database.value(
        "SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables"
        " WHERE schemaname IN ('raw', 'curated', 'staging', 'ops') AND tablename <> 'provider_requests'"
    )
    database.rows(f"TRUNCATE {tables}")


def hourly_runs(platform: Platform, history: History) -> None:
    """One after the other, as the schedule would have started them."""
    for number in range(HOURS):
        at = history.start_at + number * HOUR
        run = platform.call("POST", f"{_DAG}/dagRuns", {"logical_date": at.isoformat()})
        wait_for_run(platform, "hourly_pnl", run["dag_run_id"])


def backfill(platform: Platform, history: History, **options: Any) -> None:
    """All hours, over runs that are done."""
    asked = {
        "dag_id": "hourly_pnl",
        "from_date": history.start_at.isoformat(),
        "to_date": (history.start_at + (HOURS - 1) * HOUR).isoformat(),
        "reprocess_behavior": "completed",
        **options,
    }
    started = platform.wait_for(lambda: platform.call("POST", "backfills", asked), 60)

    def is_over() -> bool:
        found = platform.call("GET", f"backfills/{started['id']}")
        return bool(found and found["completed_at"])

    platform.wait_for(is_over, _TIMEOUT_SECONDS)
    # the schedule may have started a run of the hour that ended meanwhile
    hours = f"logical_date_gte={asked['from_date']}&logical_date_lte={asked['to_date']}".replace("+", "%2B")
    runs = platform.call("GET", f"{_DAG}/dagRuns?limit=1000&{hours}")["dag_runs"]
    assert [run["state"] for run in runs] == ["success"] * HOURS


def rebuild(platform: Platform, history: History) -> None:
    """From the first delivery day that was traded to the last."""
    days = {"from": str(history.first_delivery_day), "to": str(history.last_delivery_day)}
    run = platform.call("POST", "dags/rebuild_pnl/dagRuns", {"logical_date": None, "conf": days})
    wait_for_run(platform, "rebuild_pnl", run["dag_run_id"])


def wait_for_run(platform: Platform, dag_id: str, run_id: str, expected: str = "success") -> None:
    def state() -> str | None:
        found = platform.call("GET", f"dags/{dag_id}/dagRuns/{run_id}")
        return found["state"] if found and found["state"] in ("success", "failed") else None

    assert platform.wait_for(state, _TIMEOUT_SECONDS) == expected


def ended(platform: Platform, dag_id: str) -> bool:
    """Whether the DAG has run, and no run is under way."""
    found = platform.call("GET", f"dags/{dag_id}/dagRuns")
    return bool(found and found["dag_runs"]) and all(
        run["state"] in ("success", "failed") for run in found["dag_runs"]
    )
