"""Tasks of the DAGs: each calls the entry function of one module of include.jobs."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from importlib import import_module
from typing import Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowFailException

from include.errors import TerminalError
from include.orchestration.connections import airflow_settings
from include.orchestration.notifier import FailureNotifier
from include.orchestration.outcomes import recorded
from include.orchestration.ranges import resolve_rebuild
from include.orchestration.windows import resolve_window

DEFAULT_ARGS = {
    "owner": "power desk",
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=5),
    "execution_timeout": timedelta(minutes=30),
    "on_failure_callback": FailureNotifier(),
}

log = logging.getLogger(__name__)


def job(
    name: str,
    windowed: bool = False,
    params: Sequence[str] = (),
    *,
    rebuilding: bool = False,
    telling: bool = False,
    **operator_arguments: Any,
) -> Any:
    """A task that runs `include.jobs.<name>.run` and hands its small summary on.

    Args:
        name: The job and the task's id.
        windowed: Whether the job gets the run's window of receipt; otherwise it works on all there is.
        params: Run params that the job gets as keyword arguments of the same names.
        rebuilding: Whether the job gets what the run is asked to rebuild.
        telling: Whether the job tells people of something.
        operator_arguments: What else the task needs: outlets, trigger_rule, retries …
    """

    def run(**context: Any) -> Mapping[str, Any]:
        settings = airflow_settings(telling)
        with recorded(context, settings, windowed) as outcome:
            # imported here: a DAG file must parse in milliseconds, pandas and Great Expectations take seconds
            entry: Callable[..., Mapping[str, Any]] = import_module(f"include.jobs.{name}").run
            arguments: tuple[Any, ...] = (settings,)
            keywords = {param: context["params"][param] for param in params}
            try:
                if windowed:
                    window = resolve_window(context)
                    log.info("the window is %s to %s", window.start_at, window.end_at)
                    outcome.window = (window.start_at, window.end_at)
                    arguments += (window,)
                if rebuilding:
                    arguments += (resolve_rebuild(context),)
                summary = entry(*arguments, **keywords)
            except TerminalError as error:
                raise AirflowFailException(str(error)) from error
            outcome.summary = summary
        log.info("%s: %s", name, summary)
        return summary

    # Airflow infers True from the annotation: each key of the summary would be an XCom and a request of its own
    return task(task_id=name, multiple_outputs=False, **operator_arguments)(run)()
