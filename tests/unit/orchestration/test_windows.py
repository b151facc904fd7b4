"""Which hour a run is about, for each way to start one, and which delivery days a rebuild is about."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest
from airflow.timetables.base import DataInterval, Timetable
from airflow.utils.types import DagRunType

from include.errors import TerminalError
from include.orchestration.timetable import (
    ByHandTimetable,
    CronTimetable,
    DayTimetable,
    EndlessTimetable,
    HourTimetable,
    final_days_of_market,
)
from include.orchestration.windows import (
    resolve_delivery_day,
    resolve_rebuild,
    resolve_statement,
    resolve_window,
)
from include.run_scope import DeliveryDays, Rebuild, Window
from include.settings import Settings

THREE, FOUR, FIVE, SIX, SEVEN = (datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (3, 4, 5, 6, 7))
NOW = SIX + timedelta(minutes=17, seconds=12)


def context(
    run_type: str = "manual",
    logical_date: datetime | None = None,
    interval: tuple[datetime, datetime] | None = None,
    run_after: datetime = NOW,
    **params: Any,
) -> dict[str, Any]:
    """What Airflow hands to a task, as far as windows are concerned."""
    start, end = interval or (None, None)
    run = SimpleNamespace(
        run_type=run_type,
        logical_date=logical_date,
        data_interval_start=start,
        data_interval_end=end,
        run_after=run_after,
    )
    return {"dag_run": run, "params": {"hour": None, "force_prices": False} | params}


def window(now: datetime = NOW, **run: Any) -> Window:
    return resolve_window(context(**run), now)


def inferred(logical_date: datetime) -> tuple[datetime, datetime]:
    """What the timetable makes of a manual run's logical date."""
    interval = HourTimetable().infer_manual_data_interval(run_after=pendulum.instance(logical_date))
    return interval.start, interval.end


@pytest.fixture
def at_six_seventeen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timetable's clock says NOW."""
    monkeypatch.setattr("include.orchestration.timetable.now", lambda _zone: pendulum.instance(NOW))


def test_scheduled() -> None:
    run = {"run_type": "scheduled", "logical_date": FIVE, "interval": (FIVE, SIX), "run_after": SIX}
    assert window(**run) == Window(FIVE, SIX)
    assert window(SIX - timedelta(seconds=2), **run) == Window(FIVE, SIX), "the scheduler's clock decides"


@pytest.mark.usefixtures("at_six_seventeen")
def test_triggered_now_as_the_trigger_form_does() -> None:
    assert window(logical_date=NOW, interval=inferred(NOW)) == Window(FIVE, SIX)


@pytest.mark.parametrize("minute", [17, 58])
def test_a_browser_whose_clock_is_ahead_means_now(monkeypatch: pytest.MonkeyPatch, minute: int) -> None:
    now = SIX + timedelta(minutes=minute)
    monkeypatch.setattr("include.orchestration.timetable.now", lambda _zone: pendulum.instance(now))
    ahead = now + timedelta(minutes=4)
    assert window(now, logical_date=ahead, interval=inferred(ahead), run_after=now) == Window(FIVE, SIX)


@pytest.mark.usefixtures("at_six_seventeen")
@pytest.mark.parametrize("minute", [0, 17, 59])
def test_triggered_with_a_past_date(minute: int) -> None:
    date = FOUR + timedelta(minutes=minute)
    assert window(logical_date=date, interval=inferred(date)) == Window(FOUR, FIVE)


@pytest.mark.usefixtures("at_six_seventeen")
@pytest.mark.parametrize("date", [SIX, SEVEN, SEVEN + timedelta(minutes=30), NOW + timedelta(days=365)])
def test_a_run_that_would_take_the_place_of_an_hour_to_come_is_refused(date: datetime) -> None:
    with pytest.raises(ValueError, match=r"has not ended.*last complete hour"):
        inferred(date)


NOW_TIMETABLES = (
    CronTimetable("1-59/10 * * * *", timezone="UTC"),
    EndlessTimetable(),
    ByHandTimetable(),
    final_days_of_market(Settings()),
)


@pytest.mark.usefixtures("at_six_seventeen")
@pytest.mark.parametrize("timetable", NOW_TIMETABLES, ids=lambda timetable: type(timetable).__name__)
def test_a_run_by_hand_that_would_start_no_task_is_refused(timetable: Timetable) -> None:
    """Until its date Airflow shows it as running, and before the start of its DAG as green."""

    def begins(at: datetime) -> datetime:
        return timetable.infer_manual_data_interval(run_after=pendulum.instance(at)).start

    minutes = timedelta(minutes=1)
    the_next_schedule = NOW.replace(minute=21, second=0)
    for at in (the_next_schedule, NOW + 6 * minutes, NOW + timedelta(days=1)):
        with pytest.raises(ValueError, match=r"lies in the future.*\(now\) or none at all"):
            begins(at)
    with pytest.raises(ValueError, match="1999-12-31 is before 2000-01-01"):
        begins(datetime(1999, 12, 31, 23, tzinfo=UTC))
    for at in (THREE, NOW, NOW + 2 * minutes):  # a browser's clock may be ahead
        assert begins(at) == at


def test_an_hour_before_the_start_of_the_dag_is_refused() -> None:
    with pytest.raises(ValueError, match="is before 2000-01-01"):
        inferred(datetime(1, 1, 1, tzinfo=UTC))


def test_an_interval_of_more_than_a_month_is_a_typing_error() -> None:
    start = THREE - timedelta(days=31)
    assert window(logical_date=NOW, interval=(start, THREE)) == Window(start, THREE)
    with pytest.raises(TerminalError, match="longer than 31 days: rebuild_pnl is for that"):
        window(logical_date=NOW, interval=(start, FOUR))


def test_triggered_with_a_null_logical_date() -> None:
    assert window() == Window(FIVE, SIX)
    assert window(run_after=SIX, now=SIX) == Window(FIVE, SIX)


@pytest.mark.parametrize("interval", [(THREE, SIX), (THREE, FOUR + timedelta(minutes=30)), (FOUR, FIVE)])
def test_an_explicit_interval_is_honoured_as_it_is(interval: tuple[datetime, datetime]) -> None:
    assert window(logical_date=NOW, interval=interval) == Window(*interval)
    assert window(logical_date=interval[0], interval=interval) == Window(*interval), "in its own place"


@pytest.mark.parametrize("interval", [(SIX, FIVE), (SIX, SIX)])
def test_an_empty_interval_is_about_nothing(interval: tuple[datetime, datetime]) -> None:
    with pytest.raises(TerminalError, match="is about nothing"):
        window(logical_date=NOW, interval=interval)


def test_another_zone_is_the_same_hour() -> None:
    berlin = pendulum.instance(THREE).in_timezone("Europe/Berlin")
    assert window(logical_date=NOW, interval=(berlin, berlin.add(hours=1))) == Window(THREE, FOUR)


@pytest.mark.parametrize(
    "hour",
    [
        *("2026-03-02T03:00:00Z", "2026-03-02T03:59:59.999Z"),
        *("2026-03-02T04:30:00+01:00", "2026-03-02T09:15+05:45"),
    ],
)
def test_the_param_hour_wins(hour: str) -> None:
    assert window(hour=hour) == Window(THREE, FOUR)
    assert window(hour=hour, logical_date=NOW, interval=(FIVE, SIX)) == Window(THREE, FOUR)
    assert window(hour=hour, logical_date=THREE, interval=(THREE, FOUR)) == Window(THREE, FOUR)


@pytest.mark.parametrize(
    "hour",
    [
        *("garbage", "", "2026-03-02", "2026-03-02T03:00:00", "05-06", 3),
        *("9999-12-31T23:59:59-23:00", "9999-12-31T23:30:00Z"),
        *("0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z"),
    ],
)
def test_a_param_hour_that_is_no_moment(hour: object) -> None:
    with pytest.raises(TerminalError, match=r"hour must be a moment .* like 2026-03-02T05:00:00Z, not "):
        window(hour=hour)


def test_an_hour_that_has_not_ended_is_never_half_done() -> None:
    with pytest.raises(TerminalError, match=r"06:00 to 2026-03-02 07:00 UTC has not ended: it is 06:17:12 UTC"):
        window(hour="2026-03-02T06:05:00Z")
    with pytest.raises(TerminalError, match="has not ended"):
        window(logical_date=NOW, interval=(FIVE, SEVEN))
    late = {"logical_date": NOW, "interval": (FIVE, SEVEN)}
    assert window(now=SEVEN, **late) == Window(FIVE, SEVEN), "cleared when the time is over, it does it"


@pytest.mark.parametrize(
    "run",
    [
        {"logical_date": SIX, "interval": (THREE, FOUR)},
        {"logical_date": SIX, "interval": (FIVE, SIX)},
        {"logical_date": FIVE, "interval": (FIVE, SIX), "hour": "2026-03-02T03:00:00Z"},
        {"logical_date": FIVE, "interval": (FIVE, FIVE + timedelta(minutes=30))},
    ],
)
def test_a_run_in_the_place_of_an_hour_that_it_is_not_about(run: dict[str, Any]) -> None:
    with pytest.raises(TerminalError, match="would be passed over"):
        window(**run)


def test_a_date_in_the_future_with_an_interval_of_the_past() -> None:
    with pytest.raises(TerminalError, match="lies in the future"):
        window(logical_date=NOW + timedelta(minutes=6), interval=(THREE, FOUR))


@pytest.mark.parametrize("minute", [0, 30])
def test_a_date_given_to_the_command_line_counts(minute: int) -> None:
    """Airflow derives the interval from run_after there."""
    date = THREE + timedelta(minutes=minute)
    assert window(logical_date=date, interval=(FIVE, SIX)) == Window(THREE, FOUR)
    earlier = FIVE + timedelta(minutes=20)
    assert window(logical_date=date, interval=(FIVE, SIX), run_after=earlier) == Window(THREE, FOUR)


def test_backfilled() -> None:
    run = {"run_type": "backfill", "logical_date": THREE, "run_after": FOUR}
    assert window(**run, interval=(THREE, FOUR)) == Window(THREE, FOUR)


def test_a_backfill_that_takes_a_manual_run_over_does_the_hour_of_its_place() -> None:
    run = {"run_type": "backfill", "logical_date": FIVE, "interval": (THREE, FOUR)}
    assert window(**run) == Window(FIVE, SIX)
    assert window(**run, hour="2026-03-02T03:00:00Z") == Window(FIVE, SIX)
    assert window(**run, hour="garbage") == Window(FIVE, SIX)


def test_a_manual_run_is_named_after_its_hour() -> None:
    def name(run_type: DagRunType, interval: DataInterval | None) -> str:
        triggered_at = pendulum.instance(NOW)
        return HourTimetable().generate_run_id(
            run_type=run_type, run_after=triggered_at, data_interval=interval
        )

    hour = DataInterval(pendulum.instance(FIVE).in_timezone("Europe/Berlin"), pendulum.instance(SIX))
    assert name(DagRunType.MANUAL, hour) == "manual__2026-03-02T05:00Z--06:00Z__2026-03-02T06:17:12+00:00"
    assert name(DagRunType.MANUAL, None) == "manual__2026-03-02T06:17:12+00:00", "its param may say the hour"
    assert name(DagRunType.SCHEDULED, hour) == "scheduled__2026-03-02T06:17:12+00:00"


@pytest.mark.parametrize(
    "timetable", [HourTimetable(), *NOW_TIMETABLES], ids=lambda timetable: type(timetable).__name__
)
def test_the_timetable_survives_being_stored(timetable: Timetable) -> None:
    stored = timetable.serialize()
    assert type(timetable).deserialize(stored).serialize() == stored


@pytest.mark.parametrize(("start", "end"), [(SIX, FIVE), (SIX, SIX), (SIX.replace(tzinfo=None), SEVEN)])
def test_no_window(start: datetime, end: datetime) -> None:
    with pytest.raises(ValueError, match="invalid window"):
        Window(start, end)


def rebuild_context(**params: Any) -> dict[str, Any]:
    """What Airflow hands to a task of a run with these params."""
    return {"params": params, "dag_run": SimpleNamespace(run_id="manual__1")}


def test_both_days_are_included_and_options_are_off() -> None:
    rebuild = resolve_rebuild(rebuild_context(**{"from": "2026-03-01", "to": "2026-03-02"}))
    assert rebuild == Rebuild("manual__1", DeliveryDays(date(2026, 3, 1), date(2026, 3, 2)))
    assert (len(rebuild.days), rebuild.reload, rebuild.force_prices) == (2, False, False)


def test_options_that_were_chosen() -> None:
    params = {"from": "2026-03-01", "to": "2026-03-01", "reload": True, "force_prices": True}
    rebuild = resolve_rebuild(rebuild_context(**params))
    assert (rebuild.reload, rebuild.force_prices) == (True, True)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "from must be a delivery day like 2026-03-02, not None"),
        ({"from": "2026-03-01"}, "to must be a delivery day"),
        ({"from": "2026-03-01T00:00:00Z", "to": "2026-03-02"}, "from must be a delivery day"),
        (
            {"from": "2026-03-01", "to": "2026-03-01", "reload": "yes"},
            "reload must be true or false, not 'yes'",
        ),
    ],
)
def test_what_rest_lets_through_is_refused_in_words(params: dict[str, Any], message: str) -> None:
    with pytest.raises(TerminalError, match=message):
        resolve_rebuild(rebuild_context(**params))


BERLIN = ZoneInfo("Europe/Berlin")
SUNDAY = date(2026, 3, 1)
PLACE_OF_SUNDAY = datetime(2026, 2, 28, 23, 15, tzinfo=UTC)
"""00:15 market time: the logical date of the scheduled run that starts on Monday."""


def statement(now: datetime = NOW, **run: Any) -> tuple[date, str | None]:
    return resolve_statement(context(**run), BERLIN, now)


def test_a_scheduled_run_is_about_the_day_that_has_ended() -> None:
    run_after = datetime(2026, 3, 1, 23, 15, tzinfo=UTC)
    run = {"run_type": "scheduled", "logical_date": PLACE_OF_SUNDAY, "run_after": run_after}
    assert statement(run_after, **run) == (SUNDAY, None)
    assert statement(NOW + timedelta(days=7), **run) == (SUNDAY, None), "when it is cleared a week later"


@pytest.mark.parametrize("logical_date", [None, NOW, datetime(2026, 3, 2, 0, 1, tzinfo=UTC)])
def test_a_run_of_now_is_about_the_last_day_that_has_ended(logical_date: datetime | None) -> None:
    assert statement(logical_date=logical_date) == (SUNDAY, None)


def test_the_day_of_the_market_begins_at_its_midnight() -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)  # 00:30 in Berlin
    assert statement(late, run_after=late) == (date(2026, 3, 2), None)
    assert statement(late, run_after=late, logical_date=datetime(2026, 2, 20, 23, 30, tzinfo=UTC)) == (
        date(2026, 2, 21),
        None,
    )


def test_a_run_about_a_chosen_day_or_file() -> None:
    assert statement(day="2026-02-20") == (date(2026, 2, 20), None)
    assert statement(day="2026-02-20", file="all.csv") == (date(2026, 2, 20), "all.csv")
    assert statement(file="epex_trades_20260219.csv") == (date(2026, 2, 19), "epex_trades_20260219.csv")
    assert statement(file="all.csv") == (SUNDAY, "all.csv")


def test_a_backfill_does_the_day_of_its_place_whatever_the_run_once_was() -> None:
    run = {"run_type": "backfill", "logical_date": PLACE_OF_SUNDAY}
    assert statement(**run, day="2026-02-20", file="all.csv") == (SUNDAY, None)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"day": "2026-03-02"}, "2026-03-02 is not over .* not accepted before 2026-03-03 00:00 Europe/Berlin"),
        ({"file": "epex_trades_20260302.csv"}, "2026-03-02 is not over"),
        ({"day": "yesterday"}, "day must be a delivery day like 2026-03-02, not 'yesterday'"),
        ({"file": 7}, "file must be the name of a file, not 7"),
        (
            {"logical_date": PLACE_OF_SUNDAY, "day": "2026-02-20"},
            r"2026-03-01 00:15 is the place of 2026-03-01 .* about 2026-02-20.*without a logical date",
        ),
    ],
)
def test_a_day_that_cannot_be_is_refused_in_words(run: dict[str, Any], message: str) -> None:
    with pytest.raises(TerminalError, match=message):
        statement(**run)


@pytest.mark.usefixtures("at_six_seventeen")
def test_the_timetable_of_days_takes_a_manual_run_for_the_day_of_its_date() -> None:
    timetable = DayTimetable(timezone="Europe/Berlin")

    def start(at: datetime) -> datetime:
        return timetable.infer_manual_data_interval(run_after=pendulum.instance(at)).start

    for at in (PLACE_OF_SUNDAY, PLACE_OF_SUNDAY + timedelta(hours=5), NOW):
        assert start(at) == PLACE_OF_SUNDAY
    with pytest.raises(ValueError, match="The day 2026-03-01 23:15 to 23:15 UTC has not ended"):
        start(PLACE_OF_SUNDAY + timedelta(days=1))
    assert DayTimetable.deserialize(timetable.serialize()).serialize() == timetable.serialize()
    name = timetable.generate_run_id(
        run_type=DagRunType.MANUAL, run_after=pendulum.instance(NOW), data_interval=None
    )
    assert name == "manual__2026-03-02T06:17:12+00:00"


def delivery_day(key: str | None = None, run_after: datetime = NOW, **params: Any) -> date:
    run = SimpleNamespace(run_after=run_after, partition_key=key)
    return resolve_delivery_day({"dag_run": run, "params": {"day": None} | params}, ZoneInfo("Europe/Berlin"))


def test_a_run_about_a_delivery_day_has_it_from_its_param_its_event_or_the_calendar() -> None:
    assert delivery_day("2026-02-27") == date(2026, 2, 27)
    assert delivery_day("2026-02-27", day="2026-02-26") == date(2026, 2, 26)
    assert delivery_day() == date(2026, 3, 1)
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)  # 00:30 in Berlin
    assert delivery_day(run_after=late) == date(2026, 3, 2)
    assert delivery_day(run_after=late, day="2026-03-03") == date(2026, 3, 3)


@pytest.mark.parametrize("day", ["2026-03-03", "2026-02-30", "yesterday", 7])
def test_a_delivery_day_that_is_none_or_has_not_begun_is_refused(day: object) -> None:
    with pytest.raises(TerminalError, match="day"):
        delivery_day(day=day)
