"""`@task` of the DAGs: Airflow's, with settings, a row in ops.task_runs and our errors translated."""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from airflow import sdk
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.errors import TerminalError
from include.orchestration.connections import airflow_settings
from include.orchestration.notifier import FailureNotifier
from include.orchestration.outcomes import recorded
from include.orchestration.windows import (
    resolve_delivery_day,
    resolve_rebuild,
    resolve_statement,
    resolve_window,
)
from include.run_scope import Rebuild, Window
from include.settings import Settings
from include.statement_files import find_statement, named_statement

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

Summary = Mapping[str, Any]
"""What a job returns: a few counts, small enough for an XCom."""


class Run:
    """The run that a task belongs to.

    Attributes:
        settings: The settings of the market of the DAG, with Airflow's connections.
        params: The params of the run.
    """

    def __init__(self, context: Mapping[str, Any], settings: Settings) -> None:
        self.settings = settings
        self.params: Mapping[str, Any] = context["params"]
        self._context = context

    @cached_property
    def notifying_settings(self) -> Settings:
        """Settings with the notification channels; takes a few requests to Airflow's API."""
        return airflow_settings(self._context["ti"].dag_id, notifying=True)

    @cached_property
    def reporting_settings(self) -> Settings:
        """Settings with the channels of the report to finance; takes a few requests to Airflow's API."""
        return airflow_settings(self._context["ti"].dag_id, reporting=True)

    @cached_property
    def window(self) -> Window | None:
        """The window of receipt of the run; None in a DAG whose runs are about all that there is."""
        if "hour" not in self.params:
            return None
        window = resolve_window(self._context)
        log.info("the window is %s to %s", window.start_at, window.end_at)
        return window

    @cached_property
    def rebuild(self) -> Rebuild:
        """The rebuild that the run's params describe."""
        return resolve_rebuild(self._context)

    @cached_property
    def statement_day(self) -> date:
        """The day of the market whose statement the run is about."""
        return self._statement[0]

    @cached_property
    def statement_file(self) -> Path:
        """The exchange's end-of-day file of that day.

        Raises:
            TerminalError: There is none.
        """
        folder, (day, name) = self.settings.statement_folder, self._statement
        if folder is None:
            raise TerminalError("STATEMENT_FOLDER is not set")
        if name is not None:
            return named_statement(folder, name)
        if (found := find_statement(folder, day)) is None:
            raise TerminalError(f"the file of {day} is no longer in STATEMENT_FOLDER ({folder})")
        return found

    @cached_property
    def _statement(self) -> tuple[date, str | None]:
        return resolve_statement(self._context, self.settings.market.timezone)

    @cached_property
    def delivery_day(self) -> date:
        """The delivery day of a run that an event of a day started, or a person."""
        return resolve_delivery_day(self._context, self.settings.market.timezone)

    @property
    def is_manual(self) -> bool:
        """Whether a person started the run."""
        return bool(self._context["dag_run"].run_type == "manual")

    @property
    def run_id(self) -> str:
        """The run of the DAG."""
        return str(self._context["ti"].run_id)

    @property
    def names(self) -> tuple[str, str, str]:
        """The DAG, the run and the task."""
        ti = self._context["ti"]
        return ti.dag_id, ti.run_id, ti.task_id

    def announce(self, asset: sdk.Asset, days: Iterable[date]) -> None:
        """When the task succeeds, the asset gets an event for each of these days: its partition key."""
        self._context["outlet_events"][asset].add_partitions([day.isoformat() for day in days])

    @property
    def scheduled_for(self) -> datetime | None:
        """When the run was scheduled to start, UTC; None for other runs."""
        run = self._context["dag_run"]
        return run.run_after if run.run_type == "scheduled" else None


def task(
    task_id: str | None = None, **operator_arguments: Any
) -> Callable[[Callable[[Run], Summary]], Callable[[], Any]]:
    """Turns a function into an Airflow task.

    Each try is recorded in ops.task_runs. A TerminalError fails the task without retries; after any other error
    Airflow retries. A summary with `skipped`, the reason, skips it: then its assets have no event.

    Args:
        task_id: Default: the function's name.
        operator_arguments: Arguments in addition to DEFAULT_ARGS: inlets, outlets, trigger_rule, retries …
    """

    def decorate(function: Callable[[Run], Summary]) -> Callable[[], Any]:
        name = task_id or function.__name__

        def execute(**context: Any) -> Summary:
            try:
                settings = airflow_settings(context["ti"].dag_id)
            except TerminalError as error:
                raise AirflowFailException(str(error)) from error
            with recorded(context, settings) as outcome:
                try:
                    summary = function(Run(context, settings))
                except TerminalError as error:
                    raise AirflowFailException(str(error)) from error
                outcome.summary = summary
            log.info("%s: %s", name, summary)
            if isinstance(summary, Mapping) and "skipped" in summary:
                raise AirflowSkipException(summary["skipped"])
            return summary

        # otherwise Airflow would infer multiple outputs from the annotation: one XCom per key
        made: Callable[[], Any] = sdk.task(task_id=name, multiple_outputs=False, **operator_arguments)(execute)
        return made

    return decorate
