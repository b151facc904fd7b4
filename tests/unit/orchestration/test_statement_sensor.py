"""The wait for the exchange's end-of-day file: found, deferred, missing, or nothing to wait for."""

import asyncio
import os
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred

from include.orchestration import statement_sensor
from include.orchestration.statement_sensor import StatementSensor, StatementTrigger
from include.settings import Settings
from include.statement_files import statement_due_at
from tests.factories import Database

MONDAY_0015 = datetime(2026, 3, 1, 23, 15, tzinfo=UTC)
"""In Berlin; the file of Sunday, 1 March, has to be there by 08:00, which is 07:00 UTC."""
DEADLINE = datetime(2026, 3, 2, 7, tzinfo=UTC)
NAME = "epex_trades_20260301.csv"


class Clock:
    """Stands in for datetime in the module; only `now` differs."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self, _zone: Any) -> datetime:
        return self.at

    def __getattr__(self, name: str) -> Any:
        return getattr(datetime, name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(MONDAY_0015)
    monkeypatch.setattr(statement_sensor, "datetime", clock)
    return clock


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[SimpleNamespace]:
    """What would be written down of each try."""
    found: list[SimpleNamespace] = []

    def recorded(*_: Any) -> Any:
        found.append(SimpleNamespace(summary=None))
        return nullcontext(found[-1])

    monkeypatch.setattr(statement_sensor, "recorded", recorded)
    monkeypatch.setattr(
        statement_sensor, "airflow_settings", lambda _: replace(Settings(), statement_folder=folder)
    )
    return found


def put(folder: Path, changed_at: datetime, name: str = NAME) -> None:
    (folder / name).touch()
    os.utime(folder / name, (changed_at.timestamp(),) * 2)


def context(run_type: str = "manual", **params: Any) -> dict[str, Any]:
    run = SimpleNamespace(run_type=run_type, logical_date=None, run_after=MONDAY_0015)
    return {
        "dag": SimpleNamespace(dag_id="reconcile_trades"),
        "dag_run": run,
        "params": {"day": "2026-03-01", "file": None} | params,
    }


def sensor() -> StatementSensor:
    with DAG("d", schedule=None):
        return StatementSensor(task_id="wait_for_statement")


def look(has_waited: bool = False, **params: Any) -> Any:
    """What the task does, without Airflow's guard around `execute`."""
    task = sensor()
    return (
        task.resume(context(**params))
        if has_waited
        else StatementSensor.execute.__wrapped__(task, context(**params))
    )  # type: ignore[attr-defined]


def test_a_file_that_is_there_needs_no_wait(
    folder: Path, clock: Clock, outcomes: list[SimpleNamespace]
) -> None:
    put(folder, datetime(2026, 3, 1, 23, 5, tzinfo=UTC))
    put(folder, datetime(2026, 3, 1, 23, 6, tzinfo=UTC), "epex_trades_20260302.csv")
    assert look() == {"day": "2026-03-01", "file": NAME} == outcomes[0].summary


def test_a_chosen_file_needs_no_wait(folder: Path, clock: Clock, outcomes: list[SimpleNamespace]) -> None:
    put(folder, MONDAY_0015, "late.csv")
    assert look(file="late.csv") == {"day": "2026-03-01", "file": "late.csv"}
    with pytest.raises(AirflowFailException, match=r"no file in STATEMENT_FOLDER .* is called 'other.csv'"):
        look(file="other.csv")


def test_it_waits_in_the_triggerer_until_eight_in_the_market(
    folder: Path, clock: Clock, outcomes: list[SimpleNamespace]
) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        look()
    assert deferred.value.method_name == "resume"
    path, kwargs = deferred.value.trigger.serialize()
    assert path == "include.orchestration.statement_sensor.StatementTrigger"
    assert kwargs == {"folder": str(folder), "day": "2026-03-01", "until": "2026-03-02T07:00:00+00:00"}
    assert deferred.value.timeout is not None, "also if no triggerer runs"
    assert outcomes == [], "the wait is no try"
    put(folder, MONDAY_0015)
    clock.at = datetime(2026, 3, 1, 23, 16, tzinfo=UTC)
    assert look(has_waited=True) == {"day": "2026-03-01", "file": NAME}


def test_a_file_that_is_being_written_is_waited_for(
    folder: Path, clock: Clock, outcomes: list[SimpleNamespace]
) -> None:
    put(folder, MONDAY_0015)
    with pytest.raises(TaskDeferred):
        look()
    clock.at = datetime(2026, 3, 9, tzinfo=UTC)  # late, too
    put(folder, clock.at)
    with pytest.raises(TaskDeferred) as deferred:
        look()
    assert deferred.value.trigger.serialize()[1]["until"] == "2026-03-09T00:02:00+00:00"


@pytest.mark.parametrize("has_waited", [True, False])
def test_after_the_deadline_a_missing_file_is_an_error_and_no_retry(
    clock: Clock, outcomes: list[SimpleNamespace], has_waited: bool
) -> None:
    clock.at = DEADLINE
    with pytest.raises(
        AirflowFailException, match=r"no file with 20260301 or 2026-03-01 in its name .* 07:00 UTC"
    ):
        look(has_waited)
    assert len(outcomes) == 1


@pytest.mark.parametrize("first_ran_on", [date(2026, 3, 1), date(2026, 3, 2), None])
def test_the_schedule_awaits_no_file_of_a_day_before_the_platform_first_ran(
    clock: Clock,
    outcomes: list[SimpleNamespace],
    settings: Settings,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    first_ran_on: date | None,
) -> None:
    monkeypatch.setattr(
        statement_sensor, "airflow_settings", lambda _: replace(settings, statement_folder=folder)
    )
    if first_ran_on is not None:
        started_at = datetime.combine(first_ran_on, time(12), UTC)
        database.insert("ops.task_runs", started_at=started_at, state="running")
    clock.at = DEADLINE
    is_missed = first_ran_on == date(2026, 3, 1)
    with pytest.raises(AirflowFailException if is_missed else AirflowSkipException):
        look(run_type="scheduled")
    with pytest.raises(AirflowFailException):
        look()


def test_a_folder_that_is_away_is_waited_for(
    folder: Path, clock: Clock, outcomes: list[SimpleNamespace]
) -> None:
    folder.rmdir()
    with pytest.raises(TaskDeferred):
        look()


def test_without_a_folder_the_run_is_skipped_and_says_so(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, outcomes: list[SimpleNamespace]
) -> None:
    monkeypatch.setattr(statement_sensor, "airflow_settings", lambda _: Settings())
    with pytest.raises(AirflowSkipException, match="STATEMENT_FOLDER is not set"):
        look()
    assert "not set" in outcomes[0].summary["skipped"]


def test_the_deadline_follows_the_clock_changes() -> None:
    march = date(2026, 3, 28)
    assert statement_due_at(march, ZoneInfo("Europe/Berlin")) == datetime(2026, 3, 29, 6, tzinfo=UTC)
    assert statement_due_at(march, ZoneInfo("Europe/London")) == datetime(2026, 3, 29, 7, tzinfo=UTC)


def fired(trigger: StatementTrigger) -> bool:
    async def first() -> bool:
        async with asyncio.timeout(20):
            return bool((await anext(aiter(trigger.run()))).payload)

    return asyncio.run(first())


def test_the_trigger_fires_for_a_whole_file_and_when_the_time_is_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement_sensor, "_LOOKS_EVERY_SECONDS", 0.01)
    never, past = "2099-01-01T00:00:00+00:00", "2026-03-02T07:00:00+00:00"
    assert not fired(StatementTrigger(str(folder), "2026-03-01", past))
    put(folder, datetime(2026, 3, 1, tzinfo=UTC))
    assert fired(StatementTrigger(str(folder), "2026-03-01", past))
    assert fired(StatementTrigger(str(folder), "2026-03-01", never))
    path, kwargs = StatementTrigger(str(folder), "2026-03-01", never).serialize()
    assert StatementTrigger(**kwargs).serialize() == (path, kwargs)
