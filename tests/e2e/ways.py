"""The ways that lead from landing files to PnL: runs of each hour, backfills, a rebuild."""

import os
from typing import Any

from tests.e2e.hourly_runs import HOUR, RUNS
from tests.e2e.platform import Platform
from tests.factories import Database
from tools.history import History

HOURS = int(os.environ.get("HISTORY_HOURS", "3"))
_TIMEOUT_SECONDS = 120.0 + 30 * HOURS


def hourly_runs(platform: Platform, history: History) -> None:
    """One after the other, as the schedule would have started them."""
    for number in range(HOURS):
        at = history.start_at + number * HOUR
        run = platform.call("POST", RUNS, {"logical_date": at.isoformat()})
        platform.wait_for_run("hourly_pnl", run["dag_run_id"], seconds=_TIMEOUT_SECONDS)


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
    runs = platform.call("GET", f"{RUNS}?limit=1000&{hours}")["dag_runs"]
    assert [run["state"] for run in runs] == ["success"] * HOURS


def rebuild(platform: Platform, history: History) -> None:
    """From the first delivery day that was traded to the last."""
    days = {"from": str(history.first_delivery_day), "to": str(history.last_delivery_day)}
    run = platform.call("POST", "dags/rebuild_pnl/dagRuns", {"logical_date": None, "conf": days})
    platform.wait_for_run("rebuild_pnl", run["dag_run_id"], seconds=_TIMEOUT_SECONDS)


def catch_up(platform: Platform) -> None:
    """The next run of the intraday DAG, after which it is known up to when nothing was captured."""
    platform.wait_for(lambda: platform.call("PATCH", "dags/refresh_pnl", {"is_paused": False}), 60)
    platform.refresh()
    platform.stop_following()


def forget_everything(database: Database) -> None:
    """As if the warehouse were new; the budget that was spent stays spent."""
    tables = database.value(
        "SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables"
        " WHERE schemaname IN ('raw', 'curated', 'staging', 'ops') AND tablename <> 'provider_requests'"
    )
    database.rows(f"TRUNCATE {tables}")


def is_idle(platform: Platform) -> bool:
    """Whether hourly_pnl has run, and no run is under way."""
    found = platform.call("GET", RUNS)
    return bool(found and found["dag_runs"]) and all(
        run["state"] in ("success", "failed") for run in found["dag_runs"]
    )
