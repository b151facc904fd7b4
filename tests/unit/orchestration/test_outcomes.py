"""How Airflow's context and errors become a row and a notice; a warehouse that is down changes neither."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowTaskTimeout

from include.errors import TransientError
from include.orchestration.notifier import failure_notice
from include.orchestration.outcomes import attempt, recorded, state_after
from include.settings import Settings

NO_WAREHOUSE = replace(Settings(), warehouse_url="postgresql://u:p@127.0.0.1:1/w")
FIVE, SIX = datetime(2026, 3, 2, 5, tzinfo=UTC), datetime(2026, 3, 2, 6, tzinfo=UTC)


def context(try_number: int = 1, max_tries: int = 3, **more: Any) -> dict[str, Any]:
    """What Airflow hands to a task, as far as outcomes are concerned."""
    names = {"dag_id": "hourly_pnl", "run_id": "manual__1", "task_id": "load_trades"}
    return {
        "ti": SimpleNamespace(**names, try_number=try_number, max_tries=max_tries, log_url="http://ui/log"),
        "dag_run": SimpleNamespace(run_type=SimpleNamespace(value="manual")),
        "task": SimpleNamespace(execution_timeout=timedelta(minutes=30)),
        "dag": SimpleNamespace(task_ids=["a", "b", "c"]),
        "params": {},
        **more,
    }


def test_which_try_it_is() -> None:
    found = attempt(context(try_number=2))
    assert (found.dag_id, found.run_id, found.task_id) == ("hourly_pnl", "manual__1", "load_trades")
    assert (found.try_number, found.run_type, found.longest_seconds, found.dag_task_count) == (
        2,
        "manual",
        1800,
        3,
    )
    assert attempt(context(task=SimpleNamespace(execution_timeout=None))).longest_seconds is None


@pytest.mark.parametrize(
    ("error", "try_number", "max_tries", "state"),
    [
        (TransientError("away"), 1, 3, "retry"),
        (TransientError("away"), 3, 3, "retry"),
        (TransientError("away"), 4, 3, "failed"),
        (TransientError("away"), 1, 0, "failed"),
        (AirflowFailException("wrong"), 1, 3, "failed"),
        (AirflowTaskTimeout("slow"), 1, 3, "retry"),
        (AirflowTaskTimeout("slow"), 4, 3, "failed"),
    ],
)
def test_whether_airflow_tries_again(error: BaseException, try_number: int, max_tries: int, state: str) -> None:
    assert state_after(error, context(try_number, max_tries)) == state


def test_without_a_warehouse_the_tasks_own_error_stays_the_error(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(AirflowTaskTimeout, match="its own"), recorded(context(), NO_WAREHOUSE):
        raise AirflowTaskTimeout("its own")
    with recorded(context(), NO_WAREHOUSE) as outcome:
        outcome.summary = {"rows": 1}
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 4


@pytest.mark.parametrize(
    ("params", "window"),
    [({"hour": None}, (FIVE, SIX)), ({}, None), ({"hour": "garbage"}, None)],
)
def test_a_run_about_an_hour_says_which_from_the_beginning(params: dict[str, Any], window: Any) -> None:
    run = SimpleNamespace(
        run_type="scheduled", logical_date=FIVE, data_interval_start=FIVE, data_interval_end=SIX, run_after=SIX
    )
    with recorded(context(params=params, dag_run=run), NO_WAREHOUSE) as outcome:
        assert outcome.window == window


def test_what_a_person_has_to_do_is_in_the_log_line_by_line(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(AirflowFailException), recorded(context(), NO_WAREHOUSE):
        raise AirflowFailException("a.jsonl is not loaded\nb.jsonl is not loaded, 100%")
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert said == ["a.jsonl is not loaded", "b.jsonl is not loaded, 100%"]


def test_a_notice_says_what_why_and_where_to_look() -> None:
    error = TransientError("the warehouse at postgresql://u:hunter2@h/d is away")
    notice = failure_notice(context(4, exception=error, data_interval_start=FIVE, data_interval_end=SIX))
    assert notice.title == "FAILED hourly_pnl.load_trades"
    assert "section load_trades" in notice.text
    assert "TransientError: the warehouse at postgresql://***@h/d is away" in notice.text
    assert notice.details["window"] == "2026-03-02 05:00 to 2026-03-02 06:00 UTC"
    assert notice.details["log_url"] == "http://ui/log"
    assert "no reason known" in failure_notice(context()).text
    assert failure_notice(context(exception=AirflowFailException("wrong"))).text.startswith("wrong\n")
    assert failure_notice(context(exception="as a text")).text.startswith("as a text\n")
