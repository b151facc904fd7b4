"""The capture as an operator: streams within the task's own process and stops when Airflow kills the task."""

from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from include.errors import TerminalError
from include.orchestration.connections import airflow_settings
from include.orchestration.outcomes import recorded


class CaptureOperator(BaseOperator):
    """Lands the exchange's messages until the task is ended from outside.

    Airflow calls `on_kill` from its signal handler and kills the process 5 s later; the capture polls its
    stop flag twice a second or more, closes the connection and syncs well within that.
    """

    _is_stopping = False

    def execute(self, context: Any) -> dict[str, int]:
        from include.capture.service import run_capture

        dag_id = context["ti"].dag_id
        with recorded(context, airflow_settings(dag_id)) as outcome:
            try:
                settings = airflow_settings(dag_id, capturing=True)
                captured = run_capture(settings, "airflow", lambda: self._is_stopping)
            except TerminalError as error:
                raise AirflowFailException(str(error)) from error
            summary = {"messages": captured.messages, "connections": captured.connections}
            outcome.summary = summary
        return summary

    def on_kill(self) -> None:
        self._is_stopping = True
