"""What goes and what stays in a real database of Airflow, with rows that are older than what is kept."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from include.settings import PROJECT_ROOT
from tests.factories import Database

NOW = datetime.now(UTC)
YEAR = timedelta(days=365)
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def metadata_url(postgres: str) -> str:
    """URL of an empty database for Airflow's rows."""
    with closing(psycopg2.connect(postgres)) as connection:
        connection.autocommit = True
        connection.cursor().execute("CREATE DATABASE airflow_rows")
    return postgres.rsplit("/", 1)[0] + "/airflow_rows"


@pytest.fixture(scope="module")
def command(metadata_url: str, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Runs a Python module with Airflow's environment; the database is migrated."""
    home = tmp_path_factory.mktemp("airflow-home")
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "airflow-db-not-allowed:///",  # as in a task
        "AIRFLOW_DATABASE_URL": metadata_url.replace("postgresql://", "postgresql+psycopg2://"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(PROJECT_ROOT),
    }

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", *arguments]
        done = subprocess.run(
            line, cwd=PROJECT_ROOT, env=environment | variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done

    url = environment["AIRFLOW_DATABASE_URL"]
    run("airflow", "db", "migrate", AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=url)
    return run


@pytest.fixture
def airflow(command: Command, metadata_url: str) -> Iterator[Database]:
    """The database's tables, without rows of an earlier test."""
    with closing(Database(metadata_url)) as database:
        database.rows("TRUNCATE dag, dag_run, log, job CASCADE")
        yield database


def add_dag(airflow: Database, dag_id: str) -> None:
    airflow.rows("INSERT INTO dag_bundle (name) VALUES ('dags') ON CONFLICT DO NOTHING")
    airflow.rows(
        "INSERT INTO dag (dag_id, is_paused, is_stale, bundle_name, timetable_type, max_active_tasks,"
        " max_consecutive_failed_dag_runs, has_task_concurrency_limits, fail_fast, partition_mapper_info)"
        " VALUES (%s, false, false, 'dags', 't', 1, 0, false, false, '{}') ON CONFLICT DO NOTHING",
        (dag_id,),
    )


def add_run(
    airflow: Database,
    dag_id: str,
    run_id: str,
    state: str,
    started_at: datetime,
    task_state: str | None = "success",
    ended_at: datetime | None = None,
    run_type: str = "manual",
) -> None:
    """A run with one task that began when it did, and an XCom."""
    add_dag(airflow, dag_id)
    run = airflow.insert(
        "dag_run",
        dag_id=dag_id,
        run_id=run_id,
        run_type=run_type,
        run_after=started_at,
        start_date=None if state == "queued" else started_at,
        end_date=ended_at,
        state=state,
    )
    task = {"task_id": "task", "dag_id": dag_id, "run_id": run_id}
    airflow.insert(
        "task_instance",
        id=str(uuid.uuid4()),
        try_number=1,
        pool="default_pool",
        pool_slots=1,
        start_date=started_at,
        state=task_state,
        **task,
    )
    airflow.insert("xcom", dag_run_id=run, key="return_value", timestamp=started_at, **task)


def left(airflow: Database, table: str) -> set[tuple[Any, ...]]:
    return set(airflow.rows(f"SELECT dag_id, run_id FROM {table}"))


def test_what_has_not_ended_stays_however_old_it_is(airflow: Database, command: Command) -> None:
    add_run(airflow, "capture_trades", "endless", "running", NOW - YEAR, "running")
    # cleared, and not yet running again: Airflow leaves the old start date
    add_run(airflow, "hourly_pnl", "cleared", "running", NOW - YEAR, None)
    add_run(airflow, "hourly_pnl", "waits for its backfill", "queued", NOW - YEAR, None)
    add_run(airflow, "hourly_pnl", "was long", "success", NOW - YEAR, ended_at=NOW - timedelta(days=29))
    everything = left(airflow, "dag_run")
    command("include.orchestration.clean_up")
    assert left(airflow, "dag_run") == left(airflow, "task_instance") == left(airflow, "xcom") == everything


def test_what_ended_long_ago_goes_with_all_that_belongs_to_it(airflow: Database, command: Command) -> None:
    month, days = NOW - timedelta(days=31), NOW - timedelta(days=4)
    add_run(airflow, "hourly_pnl", "last scheduled", "success", month, ended_at=month, run_type="scheduled")
    add_run(airflow, "hourly_pnl", "old", "success", month, ended_at=month)
    add_run(airflow, "hourly_pnl", "old and red", "failed", NOW - YEAR, "failed", ended_at=NOW - YEAR)
    add_run(airflow, "capture_trades", "ended", "failed", NOW - YEAR, "failed", ended_at=month)
    add_run(airflow, "hourly_pnl", "young", "success", days, ended_at=days)
    for at in (NOW - YEAR, NOW):
        airflow.insert("log", event="e", dttm=at)
        airflow.insert("job", job_type="SchedulerJob", latest_heartbeat=at)
    done = command("include.orchestration.clean_up")
    assert json.loads(done.stdout)["runs"] == 3
    kept = {("hourly_pnl", "last scheduled"), ("hourly_pnl", "young")}
    assert left(airflow, "dag_run") == left(airflow, "task_instance") == left(airflow, "xcom") == kept
    assert airflow.value("SELECT count(*) FROM log WHERE event = 'e'") == 1
    assert airflow.value("SELECT count(*) FROM job") == 1
    assert airflow.rows("SELECT tablename FROM pg_tables WHERE tablename LIKE '%deleted%'") == []


def test_logs_live_as_long_as_their_runs(airflow: Database, command: Command, tmp_path: Path) -> None:
    add_run(airflow, "capture_trades", "endless", "running", NOW - YEAR, "running")
    old = (NOW - YEAR).timestamp()
    for run_id in ("endless", "gone"):
        log = tmp_path / "dag_id=capture_trades" / f"run_id={run_id}" / "task_id=task" / "attempt=1.log"
        log.parent.mkdir(parents=True)
        log.touch()
        os.utime(log, (old, old))
    done = command("include.orchestration.clean_up", AIRFLOW__LOGGING__BASE_LOG_FOLDER=str(tmp_path))
    assert json.loads(done.stdout) == {"runs": 0, "log_files": 1}
    assert [path.name for path in (tmp_path / "dag_id=capture_trades").iterdir()] == ["run_id=endless"]
