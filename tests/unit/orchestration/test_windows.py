"""Which hour a run is about, for each way to start one."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest

from include.jobs.window import Window
from include.orchestration.timetable import HourTimetable
from include.orchestration.windows import resolve_window

FIVE, SIX, SEVEN = (datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (5, 6, 7))


def context(start: Any = None, end: Any = None, run_after: Any = None) -> dict[str, Any]:
    """What Airflow hands to a task, as far as windows are concerned."""
    given = {"data_interval_start": start, "data_interval_end": end}
    return {k: v for k, v in given.items() if v is not None} | {"dag_run": SimpleNamespace(run_after=run_after)}


def test_scheduled_and_backfilled_runs_are_about_their_interval() -> None:
    assert resolve_window(context(pendulum.instance(FIVE), pendulum.instance(SIX), SIX)) == Window(FIVE, SIX)


def test_a_null_logical_date_means_the_last_complete_hour() -> None:
    assert resolve_window(context(run_after=SIX + timedelta(minutes=17))) == Window(FIVE, SIX)
    assert resolve_window(context(run_after=SIX)) == Window(FIVE, SIX)


def test_an_empty_interval_is_none() -> None:
    assert resolve_window(context(SIX, SIX, SEVEN)) == Window(SIX, SEVEN)


def test_another_zone_is_the_same_hour() -> None:
    berlin = pendulum.instance(FIVE).in_timezone("Europe/Berlin")
    assert resolve_window(context(berlin, berlin.add(hours=1), SIX)).start_at == FIVE


@pytest.mark.parametrize("minute", [0, 17, 59])
def test_a_manual_run_with_a_date_is_about_the_hour_of_that_date(minute: int) -> None:
    interval = HourTimetable().infer_manual_data_interval(run_after=pendulum.instance(FIVE).add(minutes=minute))
    assert (interval.start, interval.end) == (FIVE, SIX)


def test_a_manual_run_now_is_about_the_last_complete_hour() -> None:
    now = pendulum.now("UTC")
    interval = HourTimetable().infer_manual_data_interval(run_after=now)
    assert interval.end == now.start_of("hour")
    assert interval.start == interval.end - timedelta(hours=1)


def test_the_timetable_survives_being_stored() -> None:
    stored = HourTimetable().serialize()
    assert HourTimetable.deserialize(stored).serialize() == stored


@pytest.mark.parametrize(("start", "end"), [(SIX, FIVE), (SIX, SIX), (SIX.replace(tzinfo=None), SEVEN)])
def test_no_window(start: datetime, end: datetime) -> None:
    with pytest.raises(ValueError, match="no window"):
        Window(start, end)
