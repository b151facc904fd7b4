"""What a task hands to its job, and what becomes of its errors."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.errors import TerminalError, TransientError
from include.orchestration import tasks
from include.orchestration.tasks import Run, task
from include.run_scope import DeliveryDays, Rebuild, Window
from include.settings import Settings

SIX = datetime(2026, 3, 2, 6, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_airflow(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """No connections of Airflow; the outcome that is recorded."""
    outcome = SimpleNamespace(summary=None)
    monkeypatch.setattr(tasks, "airflow_settings", lambda _dag_id: Settings())
    # what is written down of a try has its own tests
    monkeypatch.setattr(tasks, "recorded", lambda *_: nullcontext(outcome))
    return outcome


def execute(function: Callable[[Run], Any], run_type: str = "manual", **params: Any) -> Any:
    """Runs a task made of the function in a run with these params."""
    with DAG("d", schedule=None):
        operator = task(task_id="load_trades")(function)().operator
    run = SimpleNamespace(
        run_id="r",
        run_type=run_type,
        logical_date=None,
        data_interval_start=None,
        data_interval_end=None,
        run_after=SIX,
    )
    return operator.python_callable(dag_run=run, params=params, ti=SimpleNamespace(dag_id="d"))


def test_the_summary_of_the_job_is_returned_and_recorded(no_airflow: SimpleNamespace) -> None:
    assert execute(lambda run: {"settings": run.settings}) == {"settings": Settings()} == no_airflow.summary


def test_a_task_is_told_its_window_and_its_params() -> None:
    def load_trades(run: Run) -> Any:
        return run.window, run.params["force_prices"]

    window = Window(SIX - timedelta(hours=1), SIX)
    assert execute(load_trades, hour=None, force_prices=True) == (window, True)


def test_a_window_that_cannot_be_fails_without_a_retry_where_it_is_needed() -> None:
    with pytest.raises(AirflowFailException, match="hour must be a moment"):
        execute(lambda run: {"window": run.window}, hour="garbage")
    assert execute(lambda _: {}, hour="garbage") == {}


def test_a_task_of_a_rebuild_is_told_what_to_rebuild() -> None:
    days = DeliveryDays(date(2026, 3, 1), date(2026, 3, 2))
    params = {"from": "2026-03-01", "to": "2026-03-02", "reload": True}
    assert execute(lambda run: run.rebuild, **params) == Rebuild("r", days, reload=True)


@pytest.mark.parametrize(("run_type", "at"), [("scheduled", SIX), ("manual", None), ("backfill", None)])
def test_only_the_schedule_wants_a_run_at_a_moment(run_type: str, at: datetime | None) -> None:
    assert execute(lambda run: run.scheduled_for, run_type) == at


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (TerminalError("wrong"), AirflowFailException),
        (TransientError("away"), TransientError),
        (ValueError("a bug"), ValueError),
    ],
)
def test_only_a_terminal_error_is_final(error: Exception, raised: type[Exception]) -> None:
    def fails(_: Run) -> Any:
        raise error

    with pytest.raises(raised, match=str(error)):
        execute(fails)


def test_a_job_that_has_nothing_to_do_skips_its_task_and_says_why(no_airflow: SimpleNamespace) -> None:
    with pytest.raises(AirflowSkipException, match="nobody wants it"):
        execute(lambda _: {"skipped": "nobody wants it"})
    assert no_airflow.summary == {"skipped": "nobody wants it"}
