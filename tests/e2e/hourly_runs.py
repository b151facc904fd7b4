"""Runs of hourly_pnl on a real Airflow: how they are started, which hour they are about, what they say."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from include.local import leftovers
from tests.e2e.platform import Platform
from tests.factories import Database

HOUR = timedelta(hours=1)
RUNS = "dags/hourly_pnl/dagRuns"
_WINDOW = re.compile(r"the window is (\S+ [0-9:+]+) to (\S+ [0-9:+]+)")

Window = tuple[datetime, datetime]


def triggered(platform: Platform, logical_date: datetime | None, **body: Any) -> Any:
    """A new manual run, as the trigger form and REST start it."""
    date = None if logical_date is None else logical_date.isoformat()
    response = platform.answer("POST", RUNS, {"logical_date": date, **body})
    assert response.ok, response.text
    return response.json()


def ended(platform: Platform, run: Any, expected: str = "success") -> Any:
    """The run when it has ended as expected."""
    return platform.wait_for_run("hourly_pnl", run["dag_run_id"], expected)


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


def command_line_trigger(platform: Platform, date: datetime) -> Callable[[], Any]:
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


def observations(database: Database, delivery_start_at: datetime) -> int:
    count = (
        "SELECT count(*) FROM raw.reference_prices JOIN raw.delivery_periods"
        " USING (delivery_day, delivery_hour) WHERE delivery_start_at = %s"
    )
    return int(database.value(count, (delivery_start_at,)))


def overlaps(runs: list[Any]) -> Iterator[int]:
    """At the start of each run: how many are under way."""
    for run in runs:
        yield sum(other["start_date"] <= run["start_date"] < other["end_date"] for other in runs)
