"""Notifies people of failed tasks; off until ALERT_URLS or the connection alerts is set."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from include.health.notices import Notice
from include.health.wording import presentable
from include.orchestration.connections import airflow_settings
from include.orchestration.outcomes import what_failed

if TYPE_CHECKING:
    from airflow.sdk import Context

REPEAT_AFTER = timedelta(minutes=60)
"""A task that fails in every run is reported once an hour."""

_MAX_ERROR_CHARACTERS = 500


class FailureNotifier(BaseNotifier):
    """An `on_failure_callback`, which Airflow calls when a task failed and will not be retried."""

    def notify(self, context: "Context") -> None:
        """Sends a notice of the failed task unless people were notified before."""
        from include.health.notify import notify  # a DAG file needs no database driver

        ti = context["ti"]
        notify(
            airflow_settings(ti.dag_id, notifying=True),
            failure_notice(dict(context)),
            REPEAT_AFTER,
            (ti.dag_id, ti.task_id),
        )


def failure_notice(context: Mapping[str, Any]) -> Notice:
    """The notice of a failed task: which one, why, and where to look."""
    ti, error = context["ti"], context.get("exception")
    why = presentable(what_failed(error), _MAX_ERROR_CHARACTERS) if error else "no reason known"
    window = "none"
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if start is not None and end is not None and end > start:
        window = f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
    task = f"{ti.dag_id}.{ti.task_id}"
    return Notice(
        about=f"task {task}",
        kind="task_failed",
        title=f"FAILED {task}",
        text=f"{why}\nRun {ti.run_id}, try {ti.try_number}. What to do: docs/runbook.md, section {ti.task_id}",
        details={
            "dag_id": ti.dag_id,
            "task_id": ti.task_id,
            "run_id": ti.run_id,
            "window": window,
            "error": why,
            "log_url": presentable(str(getattr(ti, "log_url", "")), 1_000),
        },
    )
