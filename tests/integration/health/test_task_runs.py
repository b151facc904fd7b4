"""Tries of tasks as rows, and what ops.runs makes of them, killed ones included."""

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.health.task_runs import Attempt, TaskRun
from include.settings import Settings
from tests.factories import Database, ago

ATTEMPT = Attempt("hourly_pnl", "r1", "load_trades", 1, "scheduled", 1800, 1)
FIVE, SIX = datetime(2026, 3, 2, 5, tzinfo=UTC), datetime(2026, 3, 2, 6, tzinfo=UTC)


def run(database: Database) -> dict[str, Any]:
    """The only run."""
    (run,) = database.dicts("SELECT * FROM ops.runs")
    return run


def row(database: Database, task: str, state: str, minutes: float = 1, **columns: Any) -> None:
    """A try that started so long ago; it took a second if it ended."""
    started_at = ago(minutes)
    ended_at = None if state == "running" else started_at + timedelta(seconds=1)
    columns = {"longest_seconds": 1800, "started_at": started_at, "ended_at": ended_at} | columns
    database.insert("ops.task_runs", task_id=task, state=state, **columns)


def test_a_try_from_beginning_to_end(settings: Settings, database: Database) -> None:
    record = TaskRun(settings.warehouse_url, "DE", ATTEMPT)
    record.window = (FIVE, SIX)
    record.begin()
    assert (run(database)["state"], run(database)["ended_at"]) == ("running", None)
    record.summary = {"rows": 3}
    record.end("success")
    found = run(database)
    assert (found["state"], found["run_type"], found["window_start_at"]) == ("success", "scheduled", FIVE)
    assert found["ended_at"] >= found["started_at"]
    assert database.value("SELECT summary ->> 'rows' FROM ops.task_runs") == "3"


def test_a_failure_says_why_without_secrets_and_not_at_length(settings: Settings, database: Database) -> None:
    record = TaskRun(settings.warehouse_url, "DE", ATTEMPT)
    record.begin()
    record.end("failed", "no \x00 at postgresql://u:hunter2@h/d, password='hunter2' " + "x" * 5_000 + "\ud800")
    found = run(database)
    assert (found["state"], found["failed_tasks"]) == ("failed", ["load_trades"])
    assert "hunter2" not in found["error"]
    assert len(database.value("SELECT error FROM ops.task_runs")) == 2_000


def test_the_same_try_number_again_is_a_row_of_its_own(settings: Settings, database: Database) -> None:
    for state in ("failed", "success"):
        record = TaskRun(settings.warehouse_url, "DE", ATTEMPT)
        record.begin()
        record.end(state, "it broke" if state == "failed" else "")  # type: ignore[arg-type]
    assert (run(database)["state"], run(database)["try_count"]) == ("success", 2)


def test_a_warehouse_that_is_away_costs_seconds_and_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    record = TaskRun("postgresql://u:hunter2@127.0.0.1:1/w", "DE", ATTEMPT)
    began = time.monotonic()
    record.begin()
    record.end("failed", "its own error")
    assert time.monotonic() - began < 7
    assert [entry.levelno for entry in caplog.records] == [logging.WARNING] * 2
    assert "hunter2" not in caplog.text


def test_a_beginning_that_could_not_be_written_comes_with_the_end(
    settings: Settings, database: Database
) -> None:
    record = TaskRun(settings.warehouse_url, "DE", ATTEMPT)
    record.end("success")
    assert run(database)["state"] == "success"


def test_recording_costs_milliseconds(settings: Settings) -> None:
    record = TaskRun(settings.warehouse_url, "DE", replace(ATTEMPT, run_id="quick"))
    record.begin()
    began = time.monotonic()
    for _ in range(20):
        record.end("success")
    assert (time.monotonic() - began) / 20 < 0.1


def test_a_killed_try_that_was_tried_again_is_no_loss(database: Database) -> None:
    row(database, "t", "running", 3)
    row(database, "t", "success", 1, try_number=2)
    assert (run(database)["state"], run(database)["lost_try_count"], run(database)["lost_tasks"]) == (
        "success",
        1,
        [],
    )


def test_a_killed_try_is_lost_once_it_cannot_be_running_any_more(database: Database) -> None:
    row(database, "t", "running", 34)
    assert run(database)["state"] == "running"
    database.rows("UPDATE ops.task_runs SET started_at = started_at - interval '2 minutes'")
    assert (run(database)["state"], run(database)["lost_tasks"]) == ("lost", ["t"])


def test_the_endless_task_runs_until_its_next_run_begins(database: Database) -> None:
    row(database, "stream", "running", 40 * 24 * 60, longest_seconds=None)
    assert run(database)["state"] == "running"
    row(database, "stream", "running", 1, longest_seconds=None, run_id="r2")
    assert database.rows("SELECT run_id, state FROM ops.runs ORDER BY run_id") == [
        ("r", "lost"),
        ("r2", "running"),
    ]


def test_a_run_succeeds_when_all_its_tasks_have(database: Database) -> None:
    row(database, "a", "success", 3, dag_task_count=2)
    assert run(database)["state"] == "running"
    row(database, "b", "success", 2, dag_task_count=2)
    assert (run(database)["state"], run(database)["task_seconds"]) == ("success", 2)


def test_a_run_that_stopped_between_two_tasks_is_lost(database: Database) -> None:
    row(database, "a", "success", 120, dag_task_count=2)
    assert run(database)["state"] == "lost"


def test_a_failed_task_makes_the_run_failed_even_if_it_went_on(database: Database) -> None:
    row(database, "pull", "failed", 3, dag_task_count=2, error="TransientError: away")
    row(database, "build", "success", 2, dag_task_count=2)
    assert (run(database)["state"], run(database)["error"]) == ("failed", "pull: TransientError: away")


def test_a_task_that_will_be_tried_again_is_running(database: Database) -> None:
    row(database, "t", "retry", 2, error="away")
    assert (run(database)["state"], run(database)["failed_tasks"]) == ("running", [])
    database.rows("UPDATE ops.task_runs SET started_at = started_at - interval '1 hour',"
                  " ended_at = ended_at - interval '1 hour'")  # fmt: skip
    assert run(database)["state"] == "lost"
