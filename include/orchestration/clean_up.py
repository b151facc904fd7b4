"""Deletes runs that ended long ago from Airflow's database, with their task logs.

`python -m include.orchestration.clean_up [--days 30]`, in a process of its own with Airflow's environment:
Airflow gives its tasks no access to its database. `airflow db clean` is not safe for the tables dag_run and
task_instance: it goes by the start date alone. So it removes the row of an endless task that is running, whose
next heartbeat is answered 404 and which is then killed, and the rows of an old run that was cleared and waits.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

from include.errors import TerminalError
from include.settings import Settings

KEEP_DAYS = 30
MAX_DAYS = 36_500

TABLES = ("asset_event", "celery_taskmeta", "celery_tasksetmeta", "job", "log", "revoked_token")
"""Tables of which nothing that runs needs an old row, and whose removal cascades to no run: by age alone.
`log` is the audit log, who did what in the UI."""

RUNS_PER_TRANSACTION = 500

Run = tuple[str, str]
"""DAG id and run id."""


def clean_up(now: datetime, days: int = KEEP_DAYS) -> dict[str, int]:
    """Removes runs that ended long enough ago, with their tasks, XComs and logs; then other old rows.

    A run that has not ended stays, however old it is, and so does each DAG's last scheduled run.

    Returns:
        Counts: runs and log_files.
    """
    # here and not above: Airflow reads the address of its database when it is imported
    from airflow.configuration import conf
    from airflow.utils.db_cleanup import run_cleanup
    from pendulum import instance

    runs = _remove_runs(now, days)
    run_cleanup(
        clean_before_timestamp=instance(now - timedelta(days=days)),
        table_names=list(TABLES),
        confirm=False,
        skip_archive=True,
        error_on_cleanup_failure=True,
    )
    logs = Path(conf.get("logging", "base_log_folder"))
    return {"runs": runs, "log_files": remove_logs(logs, _known_runs(), now, days)}


def _remove_runs(now: datetime, days: int) -> int:
    """Airflow's database removes what belongs to a run together with it (ON DELETE CASCADE)."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunType
    from sqlalchemy import delete, func, select

    last_scheduled = (
        select(func.max(DagRun.id)).where(DagRun.run_type == DagRunType.SCHEDULED).group_by(DagRun.dag_id)
    )
    old = (
        select(DagRun.id)
        .where(
            DagRun.state.in_((DagRunState.SUCCESS, DagRunState.FAILED)),
            DagRun.end_date < now - timedelta(days=days),
            DagRun.id.not_in(last_scheduled),
        )
        .limit(RUNS_PER_TRANSACTION)
    )
    count = 0
    while True:
        with create_session() as session:
            ids = session.scalars(old.with_for_update(skip_locked=True)).all()
            if not ids:
                return count
            session.execute(
                delete(DagRun).where(DagRun.id.in_(ids)).execution_options(synchronize_session=False)
            )
            count += len(ids)


def _known_runs() -> set[Run]:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return {(dag_id, run_id) for dag_id, run_id in session.execute(select(DagRun.dag_id, DagRun.run_id))}


def remove_logs(folder: Path, known: Collection[Run], now: datetime, days: int = KEEP_DAYS) -> int:
    """Removes the logs of runs that Airflow no longer knows, and old logs of its components.

    Args:
        folder: Airflow's base_log_folder.
        known: The runs whose logs stay, however old: an endless task may have said nothing for long.
        days: A file that was written to later than this stays in any case.

    Returns:
        The number of files.
    """
    count, before = 0, (now - timedelta(days=days)).timestamp()
    for run_folder in folder.glob("dag_id=*/run_id=*"):
        dag_id, run_id = (part.split("=", 1)[1] for part in run_folder.parts[-2:])
        files = list(_files(run_folder))
        if (dag_id, run_id) not in known and all(_written_at(file) < before for file in files):
            shutil.rmtree(run_folder, ignore_errors=True)
            count += len(files)
    for component in folder.iterdir() if folder.is_dir() else ():
        if component.is_dir() and not component.name.startswith("dag_id="):
            for file in _files(component):
                if _written_at(file) < before:
                    file.unlink(missing_ok=True)
                    count += 1
    return count


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _written_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def main(arguments: list[str] | None = None) -> int:
    """Cleans up and prints the counts as one line of JSON; what Airflow says goes to standard error."""
    parser = argparse.ArgumentParser(prog="python -m include.orchestration.clean_up", description=__doc__)
    parser.add_argument("--days", type=int, default=KEEP_DAYS, help="how long runs that ended are kept (30)")
    days = parser.parse_args(arguments).days
    if not 1 <= days <= MAX_DAYS:
        parser.error(f"--days: from 1 to {MAX_DAYS:,}")
    try:
        if url := Settings.from_environment().airflow_database_url:
            # in a task the variable of Airflow holds no address that could be used
            os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = url  # noqa: TID251
    except TerminalError as error:
        print(f"clean_up: {error}", file=sys.stderr)  # noqa: T201
        return 1
    with redirect_stdout(sys.stderr):
        summary = clean_up(datetime.now(UTC), days)
    print(json.dumps(summary))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
