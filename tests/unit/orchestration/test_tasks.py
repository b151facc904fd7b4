"""What a task hands to its job."""

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from include.orchestration import tasks
from include.run_scope import DeliveryDays, Rebuild, Window
from include.settings import Settings

SIX = datetime(2026, 3, 2, 6, tzinfo=UTC)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The calls of the job, which does nothing."""
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def run(*arguments: Any, **keywords: Any) -> dict[str, int]:
        calls.append((arguments, keywords))
        return {"rows": 1}

    monkeypatch.setattr(tasks, "import_module", lambda _name: SimpleNamespace(run=run))
    monkeypatch.setattr(tasks, "airflow_settings", lambda _telling: Settings())
    # what is written down of a try has its own tests
    monkeypatch.setattr(tasks, "recorded", lambda *_: nullcontext(SimpleNamespace()))
    return calls


def execute(run_params: dict[str, Any], **arguments: Any) -> Any:
    """Runs a task that was made with these arguments in a manual run with these params."""
    with DAG("d", schedule=None):
        operator = tasks.job("load_trades", **arguments).operator
    run = SimpleNamespace(
        run_id="r",
        run_type="manual",
        logical_date=None,
        data_interval_start=None,
        data_interval_end=None,
        run_after=SIX,
    )
    return operator.python_callable(dag_run=run, params=run_params)


def test_a_windowed_job_gets_settings_window_and_the_params_that_it_asked_for(calls: list[Any]) -> None:
    run_params = {"hour": None, "force_prices": True, "other": 1}
    assert execute(run_params, windowed=True, params=("force_prices",)) == {"rows": 1}
    assert calls == [((Settings(), Window(SIX - timedelta(hours=1), SIX)), {"force_prices": True})]


def test_another_job_gets_the_settings_only(calls: list[Any]) -> None:
    execute({"hour": "garbage"})
    assert calls == [((Settings(),), {})]


def test_a_window_that_cannot_be_fails_without_a_retry(calls: list[Any]) -> None:
    with pytest.raises(AirflowFailException, match="hour must be a moment"):
        execute({"hour": "garbage"}, windowed=True)
    assert calls == []


def test_a_job_of_a_rebuild_is_told_what_to_rebuild(calls: list[Any]) -> None:
    execute({"from": "2026-03-01", "to": "2026-03-02", "reload": True}, rebuilding=True)
    days = DeliveryDays(date(2026, 3, 1), date(2026, 3, 2))
    assert calls == [((Settings(), Rebuild("r", days, reload=True)), {})]
