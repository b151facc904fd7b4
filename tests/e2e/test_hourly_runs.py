"""Hourly runs, backfills and rebuilds on a real Airflow: which hour each is about; all ways to the same tables.

`HISTORY_HOURS=48 HISTORY_PER_MINUTE=100 make test ARGS="tests/e2e/test_hourly_runs.py -o log_cli=true"` takes
the ways with two days of ordinary traffic.
"""

import logging
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from include.load import audit
from include.local import leftovers
from include.simulator.exchange import Exchange
from include.simulator.market import SimulatedMarket
from include.simulator.provider import Provider
from tests.e2e.hourly_runs import (
    HOUR,
    RUNS,
    attempts,
    command_line_trigger,
    ended,
    last_complete_hour,
    log,
    observations,
    overlaps,
    triggered,
    window,
)
from tests.e2e.platform import Platform, running_platform
from tests.e2e.ways import HOURS, backfill, catch_up, forget_everything, hourly_runs, is_idle, rebuild
from tests.factories import Database
from tests.messages import deal, landed, write_landing_file
from tools.fingerprint import fingerprint
from tools.history import History, write_history

_AHEAD = 12 * HOUR
_PER_MINUTE = int(os.environ.get("HISTORY_PER_MINUTE", "20"))

logger = logging.getLogger(__name__)
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600 + 150 * HOURS)]


@pytest.fixture(scope="module")
def midnight() -> datetime:
    """Of the day before yesterday: its hours have ended, and the schedule never gets there."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider(SimulatedMarket()) as provider:
        yield provider


@pytest.fixture(scope="module")
def platform(
    tmp_path_factory: pytest.TempPathFactory, provider: Provider, midnight: datetime
) -> Iterator[Platform]:
    """Nothing is traded now; landing files of seven hours; only the hours that a test asks for are loaded."""
    with Exchange(SimulatedMarket(), rate_per_second=0) as exchange:
        servers = {"EXCHANGE_URL": exchange.url, "MARKET_DATA_URL": provider.url}
        with running_platform(tmp_path_factory.mktemp("hourly") / "state", servers) as platform:
            platform.wait_for(platform.has_refreshed, 180)
            platform.stop_following()  # it would load the files at once, whatever their hour
            for number in range(7):
                at = midnight + number * HOUR
                write_landing_file(platform.settings().landing_root, landed(deals(at), at), hour=at)
            yield platform


def deals(at: datetime) -> list[str]:
    """Ten trades of this hour of receipt, delivered twelve hours later: never when the clocks change."""
    local = (at + _AHEAD).astimezone(ZoneInfo("Europe/Berlin"))
    return [
        deal(
            id=f"{at:%H}-{number}",
            delivery_day=f"{local:%Y-%m-%d}",
            delivery_hour=f"{local:%H}-{local.hour + 1:02}",
            execution_time=at.isoformat(),
        )
        for number in range(10)
    ]


@pytest.fixture(scope="module")
def history(platform: Platform) -> History:
    """Two lines with outages, a gap, duplicates, conflicts and late trades; all prices are landed."""
    start_at = datetime.now(UTC).replace(hour=20, minute=0, second=0, microsecond=0) - timedelta(days=10)
    root = platform.settings().landing_root
    history = write_history(root, start_at, HOURS, per_minute=_PER_MINUTE)
    assert history.conflict_count or HOURS < 3
    return history


def test_each_way_to_start_a_run(platform: Platform, midnight: datetime) -> None:
    hours = [midnight + number * HOUR for number in range(8)]
    now = datetime.now(UTC)
    explicit = {"data_interval_start": hours[0].isoformat(), "data_interval_end": hours[2].isoformat()}
    half_past = timedelta(minutes=30)
    runs = {
        "now": triggered(platform, now),
        "null": triggered(platform, None),
        "on the hour": triggered(platform, hours[2]),
        "in mid-hour": triggered(platform, hours[3] + half_past),
        "explicit interval": triggered(platform, now - half_past, **explicit),
        "param": triggered(platform, None, conf={"hour": (hours[4] + half_past).isoformat()}),
    }
    refused = {
        "garbage": triggered(platform, None, conf={"hour": "garbage"}),
        "unfinished": triggered(platform, None, conf={"hour": (now + HOUR).isoformat()}),
        "another's place": triggered(platform, hours[5], **explicit),
    }
    again = platform.answer("POST", RUNS, {"logical_date": hours[2].isoformat()})
    assert again.status_code == 409, "one run for each logical date"
    by_command_line = command_line_trigger(platform, hours[6] + half_past)

    expected = {
        "now": last_complete_hour(runs["now"]),
        "null": last_complete_hour(runs["null"]),
        "on the hour": (hours[2], hours[3]),
        "in mid-hour": (hours[3], hours[4]),
        "explicit interval": (hours[0], hours[2]),
        "param": (hours[4], hours[5]),
    }
    for run in runs.values():
        ended(platform, run)
    assert {kind: window(platform, run) for kind, run in runs.items()} == expected
    assert window(platform, ended(platform, by_command_line())) == (hours[6], hours[7])

    says = {
        "garbage": "hour must be a moment",
        "unfinished": "has not ended",
        "another's place": "would be passed over",
    }
    for kind, run in refused.items():
        ended(platform, run, "failed")
        assert says[kind] in log(platform, run)
        assert attempts(platform, run)["load_trades"] == 1, "no retry"

    with platform.database() as database:
        received = "SELECT DISTINCT date_trunc('hour', received_at) FROM raw.trades"
        assert {hour for (hour,) in database.rows(received)} == {*hours[:5], hours[6]}


def test_the_schedule_does_the_hour_that_has_just_ended(platform: Platform) -> None:
    runs = platform.wait_for(lambda: platform.call("GET", RUNS + "?run_type=scheduled")["dag_runs"], 60)
    run = ended(platform, runs[0])
    assert window(platform, run) == last_complete_hour(run)


def test_the_scheduler_preloads(platform: Platform) -> None:
    (scheduler, *_) = [p for p in leftovers.find(platform.state) if "scheduler" in p.cmdline()]
    assert any("/pandas/" in mapped.path for mapped in scheduler.memory_maps())


def test_the_place_of_an_hour_to_come_cannot_be_taken(platform: Platform) -> None:
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for date in (this_hour, this_hour + HOUR, this_hour + timedelta(days=3, minutes=5)):
        response = platform.answer("POST", RUNS, {"logical_date": date.isoformat()})
        assert (response.status_code, "has not ended" in response.json()["detail"]) == (400, True)


def test_a_cleared_run_does_its_hour_again(platform: Platform, midnight: datetime) -> None:
    at = f"{midnight + 2 * HOUR:%Y-%m-%dT%H:%M:%SZ}"
    (run,) = platform.call("GET", f"{RUNS}?logical_date_gte={at}&logical_date_lte={at}")["dag_runs"]
    assert platform.answer("POST", f"{RUNS}/{run['dag_run_id']}/clear", {"dry_run": False}).ok
    assert window(platform, ended(platform, run)) == (midnight + 2 * HOUR, midnight + 3 * HOUR)
    assert attempts(platform, run)["load_trades"] == 2


def test_backfill(platform: Platform, midnight: datetime) -> None:
    """Reversed and parallel, over an hour that is done and the place of a run that was about something else."""
    hours = [midnight + number * HOUR for number in range(6)]
    backfill = {
        "dag_id": "hourly_pnl",
        "from_date": hours[0].isoformat(),
        "to_date": hours[-1].isoformat(),
        "max_active_runs": 3,
        "run_backwards": True,
        "reprocess_behavior": "completed",
        "dag_run_conf": {"force_prices": True},
    }
    only_new = backfill | {"reprocess_behavior": "none"}
    assert platform.answer("POST", "backfills/dry_run", only_new).json()["total_entries"] == 4
    assert platform.answer("POST", "backfills/dry_run", backfill).json()["total_entries"] == 6
    with platform.database() as database:
        before = observations(database, hours[2])

    response = platform.answer("POST", "backfills", backfill)
    assert response.ok, response.text
    assert platform.answer("POST", "backfills", backfill).status_code == 409, "one at a time"

    def done() -> Any:
        runs = platform.call("GET", f"{RUNS}?run_type=backfill&limit=50")["dag_runs"]
        return runs if len(runs) == 6 and all(run["state"] in ("success", "failed") for run in runs) else None

    runs = sorted(platform.wait_for(done, 300), key=lambda run: run["logical_date"])
    assert [run["state"] for run in runs] == ["success"] * 6
    assert [window(platform, run) for run in runs] == [(hour, hour + HOUR) for hour in hours]
    assert max(overlaps(runs)) in (2, 3)
    assert max(runs, key=lambda run: run["end_date"]) in runs[:3], "the oldest hours come last"

    with platform.database() as database:
        counts = "SELECT trade_count, price_status FROM curated.pnl_hourly WHERE delivery_start_at = ANY(%s)"
        assert database.rows(counts, ([hour + _AHEAD for hour in hours],)) == [(10, "final")] * 6
        assert observations(database, hours[2]) == before + 1, "asked again for a final price"


def test_the_hours_of_a_cancelled_backfill_are_done_by_the_next(platform: Platform, midnight: datetime) -> None:
    """As docs/runbook.md says: runs that were cleared wait for ever, unless they are marked failed."""
    hours = [midnight + number * HOUR for number in (12, 13, 14)]
    backfill = {
        "dag_id": "hourly_pnl",
        "from_date": hours[0].isoformat(),
        "to_date": hours[-1].isoformat(),
        "max_active_runs": 1,
        "reprocess_behavior": "failed",
    }

    ids: dict[datetime, str] = {}

    def states() -> list[str]:
        """Of the three runs, in the order of their hours; fewer while the API does not answer."""
        answer = platform.call("GET", f"{RUNS}?run_type=backfill&limit=50") or {"dag_runs": []}
        runs = {datetime.fromisoformat(run["logical_date"]): run for run in answer["dag_runs"]}
        ids.update({hour: runs[hour]["dag_run_id"] for hour in hours if hour in runs})
        return [runs[hour]["state"] for hour in hours if hour in runs]

    def start() -> Any:
        return platform.wait_for(lambda: platform.call("POST", "backfills", backfill), 120)

    cancelled = start()
    platform.wait_for(lambda: "running" in states(), 60)
    assert platform.answer("PUT", f"backfills/{cancelled['id']}/cancel").ok
    platform.wait_for(lambda: states() == ["success", "failed", "failed"], 120)
    last = f"{RUNS}/{ids[hours[-1]]}"
    assert platform.answer("POST", f"{last}/clear", {"dry_run": False}).ok
    start()
    platform.wait_for(lambda: states() == ["success", "success", "queued"], 120)
    platform.wait_for(lambda: platform.call("PATCH", last, {"state": "failed"}), 60)
    start()
    platform.wait_for(lambda: states() == ["success"] * 3, 120)


def test_every_way_leads_to_the_same_tables(platform: Platform, history: History, database: Database) -> None:
    ways = {
        "hourly runs": hourly_runs,
        "parallel backfill": lambda *given: backfill(*given, max_active_runs=3),
        "reversed backfill": lambda *given: backfill(*given, max_active_runs=2, run_backwards=True),
        "rebuild_pnl": rebuild,
    }
    found = {}
    for name, way in ways.items():
        platform.wait_for(lambda: is_idle(platform), 120)  # of the hour that ended meanwhile
        forget_everything(database)
        began, asked = time.monotonic(), requests(database, history)
        way(platform, history)
        seconds = time.monotonic() - began
        trades = "SELECT count(*) FROM raw.trades WHERE delivery_day <= %s"
        assert database.value(trades, (history.last_delivery_day,)) == history.trade_count
        catch_up(platform)
        found[name] = fingerprint(database, "delivery_day <= %s", (history.last_delivery_day,))
        rows, digest = found[name]["curated.pnl_hourly"]
        logger.warning(
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
    run = platform.call("POST", RUNS, {"logical_date": at.isoformat()})
    platform.wait_for_run("hourly_pnl", run["dag_run_id"])
    provider.faults.raw_value = ""
    shown = "SELECT delivery_hour, reference_price_eur_per_mwh::text, price_status, pnl_eur FROM"
    wrong = database.rows(f"{shown} curated.pnl_hourly WHERE delivery_day = %s ORDER BY 1", (day,))
    assert [row[:3] for row in wrong] == [("15-16", "999.99", "final"), ("16-17", "999.99", "final")]
    before = database.value("SELECT clock_timestamp()")

    conf = {"from": day, "to": day, "force_prices": True}
    run = platform.call("POST", "dags/rebuild_pnl/dagRuns", {"logical_date": None, "conf": conf})
    platform.wait_for_run("rebuild_pnl", run["dag_run_id"])

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
    logger.warning("what changed: %s", changes)


def test_a_range_that_makes_no_sense_is_refused_by_the_first_task(
    platform: Platform, database: Database
) -> None:
    conf = {"from": "2026-03-02", "to": "garbage"}
    answer = platform.answer("POST", "dags/rebuild_pnl/dagRuns", {"logical_date": None, "conf": conf})
    if answer.status_code == 200:  # Airflow 3.3 takes what its own trigger form would refuse
        run_id = answer.json()["dag_run_id"]
        platform.wait_for_run("rebuild_pnl", run_id, "failed")
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


def changed(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Tables that differ."""
    return {name: (one[name], other[name]) for name in one if one[name] != other[name]}
