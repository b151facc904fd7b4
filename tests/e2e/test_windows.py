"""Which hour each kind of run does on a real Airflow, and a backfill over all of them."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from include.local import leftovers
from include.simulator.exchange import Exchange
from include.simulator.faults import ProviderFaults
from include.simulator.market import SimulatedMarket
from include.simulator.provider import Provider
from tests.e2e.platform import Platform, running_platform
from tests.messages import deal, landed, write_landing_file

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

HOUR = timedelta(hours=1)
_AHEAD = 12 * HOUR
RUNS = "dags/hourly_pnl/dagRuns"
_WINDOW = re.compile(r"the window is (\S+ [0-9:+]+) to (\S+ [0-9:+]+)")

Window = tuple[datetime, datetime]


@pytest.fixture(scope="module")
def midnight() -> datetime:
    """Of yesterday: its hours have ended, and the schedule never gets there."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, midnight: datetime) -> Iterator[Platform]:
    """Silent servers, and landing files of yesterday's first seven hours; the schedule of hourly_pnl is on."""
    with (
        Exchange(SimulatedMarket(), rate_per_second=0) as exchange,
        Provider(SimulatedMarket(), faults=ProviderFaults(permissive=True)) as provider,
    ):
        environment = {
            "EXCHANGE_URL": exchange.url,
            "MARKET_DATA_URL": provider.url + "/v1",
            "REFERENCE_PRICE_PER_MINUTE": "10000",
            "REFERENCE_PRICE_PER_HOUR": "10000",
        }
        with running_platform(tmp_path_factory.mktemp("windows") / "state", environment) as platform:
            platform.wait_for(platform.has_refreshed, 180)
            platform.stop_following()  # it would load our files, whatever their hour
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


def triggered(platform: Platform, logical_date: datetime | None, **body: Any) -> Any:
    """A new manual run, as the trigger form and REST start it."""
    date = None if logical_date is None else logical_date.isoformat()
    response = platform.answer("POST", RUNS, {"logical_date": date, **body})
    assert response.ok, response.text
    return response.json()


def ended(platform: Platform, run: Any, expected: str = "success") -> Any:
    """The run when it has ended as expected."""
    path = f"{RUNS}/{run['dag_run_id']}"

    def found() -> Any:
        now = platform.call("GET", path)
        return now if now and now["state"] in ("success", "failed") else None

    run = platform.wait_for(found, 240)
    assert run["state"] == expected, run
    return run


def attempts(platform: Platform, run: Any) -> dict[str, int]:
    """Task to the number of its last attempt."""
    tasks = platform.call("GET", f"{RUNS}/{run['dag_run_id']}/taskInstances")["task_instances"]
    return {task["task_id"]: task["try_number"] for task in tasks}


def log(platform: Platform, run: Any, task: str = "load_trades") -> str:
    """Of the last attempt."""
    path = f"{RUNS}/{run['dag_run_id']}/taskInstances/{task}/logs/{attempts(platform, run)[task]}"
    content = platform.wait_for(lambda: platform.call("GET", path), 30)["content"]
    return "\n".join(str(entry) for entry in content)


def window(platform: Platform, run: Any) -> Window:
    """What the run's tasks say it is about; all of them say the same."""
    windows = set()
    for task in ("load_trades", "pull_reference_prices", "build_pnl"):
        match = _WINDOW.search(log(platform, run, task))
        assert match is not None
        windows.add(match.groups())
    ((start, end),) = windows
    return datetime.fromisoformat(start), datetime.fromisoformat(end)


def last_complete_hour(run: Any) -> Window:
    end = datetime.fromisoformat(run["run_after"]).replace(minute=0, second=0, microsecond=0)
    return end - HOUR, end


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


def command_line_trigger(platform: Platform, date: datetime) -> Any:
    """Starts `airflow dags trigger` beside everything else; the function returned waits for its run."""
    (scheduler, *_) = [p for p in leftovers.find(platform.state) if "scheduler" in p.cmdline()]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "airflow", "dags", "trigger", "hourly_pnl"),
            *("--logical-date", date.isoformat(), "--run-id", "from-the-command-line"),
        ],
        env=scheduler.environ(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )

    def run() -> Any:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        return {"dag_run_id": "from-the-command-line"}

    return run


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


def observations(database: Any, delivery_start_at: datetime) -> int:
    count = (
        "SELECT count(*) FROM raw.reference_prices JOIN raw.delivery_periods"
        " USING (delivery_day, delivery_hour) WHERE delivery_start_at = %s"
    )
    return int(database.value(count, (delivery_start_at,)))


def overlaps(runs: list[Any]) -> Iterator[int]:
    """At the start of each run: how many are under way."""
    for run in runs:
        yield sum(other["start_date"] <= run["start_date"] < other["end_date"] for other in runs)
