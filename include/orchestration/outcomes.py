"""Records the start and end of each try of an Airflow task in ops.task_runs."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout, AirflowTaskTerminated

from include.errors import TerminalError
from include.orchestration.windows import resolve_window
from include.settings import Settings

if TYPE_CHECKING:  # a DAG file needs no database driver
    from include.health.task_runs import Attempt, State, TaskRun

log = logging.getLogger(__name__)

_FINAL = (AirflowFailException, AirflowSensorTimeout, AirflowTaskTerminated)
"""After these Airflow does not try again."""


@contextmanager
def recorded(context: Mapping[str, Any], settings: Settings) -> "Iterator[TaskRun]":
    """Records the enclosed try in ops.task_runs; re-raises its error.

    Args:
        context: Airflow's task context. If the run has the param `hour`, the row includes its window.
    """
    from include.health.task_runs import TaskRun

    run = TaskRun(settings.warehouse_url, settings.market.market, attempt(context))
    if "hour" in context["params"]:
        with suppress(TerminalError):  # raised again by the task if it needs the window
            window = resolve_window(context)
            run.window = (window.start_at, window.end_at)
    run.begin()
    try:
        yield run
    except BaseException as error:  # includes execution timeouts
        if isinstance(error, AirflowFailException):
            for line in str(error).splitlines():
                log.error("%s", line)  # whole and before the traceback, which Airflow logs
        run.end(state_after(error, context), what_failed(error))
        raise
    run.end("success")


def what_failed(error: BaseException | str) -> str:
    """The error as text; AirflowFailException only wraps another error, so its name is left out."""
    is_plain = isinstance(error, AirflowFailException | str)
    return str(error) if is_plain else f"{type(error).__name__}: {error}"


def attempt(context: Mapping[str, Any]) -> "Attempt":
    """The try that the context belongs to."""
    from include.health.task_runs import Attempt

    ti, dag_run, task = context["ti"], context["dag_run"], context["task"]
    longest = task.execution_timeout
    return Attempt(
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        task_id=ti.task_id,
        try_number=ti.try_number,
        run_type=str(getattr(dag_run.run_type, "value", dag_run.run_type)),
        longest_seconds=None if longest is None else longest.total_seconds(),
        dag_task_count=len(context["dag"].task_ids),
    )


def state_after(error: BaseException, context: Mapping[str, Any]) -> "State":
    """Whether Airflow will retry, by its own rule."""
    ti = context["ti"]
    has_tries_left = ti.max_tries != 0 and ti.try_number <= ti.max_tries
    return "retry" if has_tries_left and not isinstance(error, _FINAL) else "failed"
