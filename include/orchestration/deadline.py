"""Notifies people of a scheduled run that misses its deadline, which Airflow's scheduler checks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from asgiref.sync import sync_to_async

from include.health.notices import Notice
from include.orchestration.connections import airflow_settings


async def report_missed_deadline(context: Mapping[str, Any]) -> None:
    """The callback of a DeadlineAlert: the deadline has passed and the run has not succeeded.

    The triggerer calls it; in an executor the callback could not read the connection with the channels. Failed
    runs are not reported, since FailureNotifier does that, nor are manual runs and backfills, which may wait
    for hours and have somebody watching them.

    Args:
        context: The run as Airflow's API describes it (`dag_run`) and the `deadline`; no task context.
    """
    notice = missed_deadline_notice(context)
    if notice is not None:
        await sync_to_async(_send)(notice)


def missed_deadline_notice(context: Mapping[str, Any]) -> Notice | None:
    """The notice of the run; None if none is needed."""
    run = context["dag_run"]
    if run["run_type"] != "scheduled" or run["state"] == "failed":
        return None
    dag_id, state = run["dag_id"], run["state"]
    start, end = (datetime.fromisoformat(run[f"data_interval_{edge}"]) for edge in ("start", "end"))
    window = f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
    return Notice(
        about=f"deadline of {dag_id} {run['dag_run_id']}",
        kind="task_failed",
        title=f"LATE {dag_id}",
        text=f"{dag_id} of {window} is not done in time; its state is {state}."
        f" What to do: docs/runbook.md, section {dag_id}",
        details={"dag_id": dag_id, "run_id": run["dag_run_id"], "window": window, "state": state},
    )


def _send(notice: Notice) -> None:
    from include.health.notify import notify  # a DAG file needs no database driver

    notify(airflow_settings(notifying=True), notice)
