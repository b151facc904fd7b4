"""What a run is about: its params, and the window or the rebuild that follows from them."""

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import Param

from include.errors import TerminalError
from include.run_scope import DeliveryDays, Rebuild, Window, parse_day
from include.statement_files import day_in_name, not_over

WINDOW_PARAMS = {
    "hour": Param(
        None,
        type=["null", "string"],
        format="date-time",
        title="Hour",
        description="Any moment within the hour of receipt that the run is about: the whole UTC hour around it"
        " is loaded, priced and built. Empty: the hour of the run's date. A backfill ignores it.",
    ),
    "force_prices": Param(
        False,
        type="boolean",
        title="Force prices",
        description="Ask the provider again for prices that are already final. Costs requests of its budget.",
    ),
}
"""Of a run about one hour."""

REBUILD_PARAMS = {
    "from": Param(
        type="string",
        format="date",
        title="From",
        description="First delivery day, in the market's local time.",
    ),
    "to": Param(
        type="string",
        format="date",
        title="To",
        description="Last delivery day, included.",
    ),
    "reload": Param(
        False,
        type="boolean",
        title="Reload landing files",
        description="Forget what was loaded for these days and load their landing files from the first line.",
    ),
    "force_prices": Param(
        False,
        type="boolean",
        title="Force prices",
        description="Ask the provider again for the price of each hour, final or not: 24 requests a day.",
    ),
}
"""Of a rebuild."""

STATEMENT_PARAMS = {
    "day": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Day",
        description="The day that the file is about, in the market's local time: on which its trades were"
        " executed, or of some exchanges deliver. Empty: the day in the name of the file, else that of the"
        " run's date. A backfill ignores it.",
    ),
    "file": Param(
        None,
        type=["null", "string"],
        title="File",
        description="The name of a file in STATEMENT_FOLDER. Empty: the one with the day in its name; of"
        " several the one that changed last. A backfill ignores it.",
    ),
}
"""Of a run about the exchange's end-of-day file."""

DAY_PARAMS = {
    "day": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Day",
        description="Delivery day, in the market's local time. Empty: the day of the event that started the"
        " run; of a run that a person started, yesterday.",
    ),
}
"""Of a run about one delivery day, which an event of the day starts."""

START_AT = datetime(2000, 1, 1, tzinfo=UTC)
"""Of all DAGs. Nothing is older; a run with an older date has no tasks."""
_HOUR = timedelta(hours=1)
_LONGEST = timedelta(days=31)
"""A longer interval is taken for a typing error: it would spend the provider's budget on prices of the past."""
CLOCKS_AGREE_TO = timedelta(minutes=5)
"""How far the clock of a browser may be ahead of ours."""

log = logging.getLogger(__name__)


def resolve_window(context: Mapping[str, Any], now: datetime | None = None) -> Window:
    """The hour, or the explicit interval, that a run is about.

    A backfilled run is about the hour of its logical date, whatever else it once was: a backfill also
    takes over the runs that it finds. Every other run is about the whole UTC hour of its param `hour`;
    without that about its data interval; without that (a null logical date) about the last hour that was
    complete before `run_after`.

    Raises:
        TerminalError: The param is no moment, the interval is empty, the window has not ended, or the run
            takes the place of an hour in the schedule without being about it.
    """
    run = context["dag_run"]
    logical_date = None if run.logical_date is None else _utc(run.logical_date)
    hour = (context.get("params") or {}).get("hour")
    if run.run_type == "backfill" and logical_date is not None:
        if hour is not None:
            log.warning("the param hour (%r) is ignored: a backfill's dates say which hours it is about", hour)
        return _hour_of(logical_date)
    # a run cannot start before run_after: if it seems so, the scheduler's clock is ahead of ours
    present = max(now or datetime.now(UTC), _utc(run.run_after))
    window = _interval(run, logical_date) if hour is None else _given_hour(hour)
    _require_ended(window, present)
    if logical_date is not None:
        _require_place(window, logical_date, present)
    return window


def resolve_rebuild(context: Mapping[str, Any]) -> Rebuild:
    """What the run is asked to do; the same for each of its tasks and their retries.

    Raises:
        TerminalError: A param is not what the trigger form would have let through.
    """
    params, run = context["params"], context["dag_run"]
    days = DeliveryDays.parse(params.get("from"), params.get("to"))
    return Rebuild(run.run_id, days, _is_chosen(params, "reload"), _is_chosen(params, "force_prices"))


def resolve_statement(
    context: Mapping[str, Any], timezone: ZoneInfo, now: datetime | None = None
) -> tuple[date, str | None]:
    """The day of the market that a run about a statement is for, and the name of the file if one was chosen.

    A run with a date is about the local day of that date, or if it has not ended ("now", as the trigger form
    fills it in) about the last day that has; without a date about the last day before `run_after`. The params
    come first, but not in a backfill, which also takes over the runs that it finds.

    Raises:
        TerminalError: A param is not what the trigger form would have let through, the day has not ended, or
            the run takes the place of a day in the schedule without being about it.
    """
    run, params = context["dag_run"], context["params"]
    present = max(now or datetime.now(UTC), _utc(run.run_after))
    last = present.astimezone(timezone).date() - timedelta(days=1)
    place = None if run.logical_date is None else _utc(run.logical_date).astimezone(timezone)
    if run.run_type == "backfill" and place is not None:
        return place.date(), None
    day, file = params.get("day"), params.get("file")
    if file is not None and not (isinstance(file, str) and file.strip()):
        raise TerminalError(f"file must be the name of a file, not {file!r}")
    if day is not None:
        chosen = parse_day("day", day)
    elif file is None or (named := day_in_name(file)) is None:
        return (last if place is None else min(place.date(), last)), file
    else:
        chosen = named
    if chosen > last:
        raise TerminalError(not_over(chosen, timezone))
    # the schedule begins each day a few minutes after midnight: only such a date takes a day's place
    if place is not None and place.hour == 0 and place.second == 0 and chosen != place.date():
        raise TerminalError(
            f"the logical date {place:%Y-%m-%d %H:%M} is the place of {place.date()} in the schedule, but this"
            f" run is about {chosen}, so that day would be passed over. Trigger it without a logical date"
        )
    return chosen, file


def resolve_delivery_day(context: Mapping[str, Any], timezone: ZoneInfo) -> date:
    """The delivery day of a run: its param `day`, else the partition key of the event, else yesterday.

    Raises:
        TerminalError: It is no delivery day, or one that has not begun.
    """
    run = context["dag_run"]
    today = _utc(run.run_after).astimezone(timezone).date()
    given = context["params"].get("day") or run.partition_key
    day = today - timedelta(days=1) if given is None else parse_day("day", given)
    if day > today:
        raise TerminalError(f"day {day} has not begun")
    return day


def _is_chosen(params: Mapping[str, Any], name: str) -> bool:
    value = params.get(name, False)
    if not isinstance(value, bool):
        raise TerminalError(f"{name} must be true or false, not {value!r}")
    return value


def _interval(run: Any, logical_date: datetime | None) -> Window:
    run_after = _utc(run.run_after)
    before = _hour_of(run_after - _HOUR)
    start, end = run.data_interval_start, run.data_interval_end
    if logical_date is None or start is None or end is None:
        return before
    if end <= start:
        raise TerminalError(
            f"a data interval from {start} to {end} is about nothing: its end comes after its start"
        )
    interval = Window(_utc(start), _utc(end))
    asked_for = _hour_of(logical_date)
    # Airflow's command line and TriggerDagRunOperator derive the interval from run_after, not from the date
    # that they were given. REST and the UI never do: theirs is the hour of the date, or an explicit one.
    if interval in (before, _hour_of(run_after)) and asked_for.end_at <= run_after:
        return asked_for
    if interval.end_at - interval.start_at > _LONGEST:
        raise TerminalError(
            f"a data interval from {start} to {end} is longer than {_LONGEST.days} days:"
            " rebuild_pnl is for that"
        )
    return interval


def _given_hour(value: object) -> Window:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None and moment >= START_AT:
            return _hour_of(moment)
    except (ValueError, OverflowError):  # the end of the last hour of the calendar is none
        pass
    raise TerminalError(
        f"hour must be a moment since {START_AT.year} with its time zone, within the hour that is meant,"
        f" like 2026-03-02T05:00:00Z, not {value!r}; leave it empty for the hour of the run's date"
    )


def _require_ended(window: Window, present: datetime) -> None:
    if window.end_at > present:
        raise TerminalError(
            f"{_spelled(window)} has not ended: it is {present:%H:%M:%S} UTC on {present:%Y-%m-%d}."
            " Half an hour is never taken for a whole one: clear this run when the time is over;"
            " what is known by now is what refresh_pnl is for"
        )


def _require_place(window: Window, logical_date: datetime, present: datetime) -> None:
    """A logical date on the hour takes that hour's only place; the schedule and backfills then pass it over."""
    place = _hour_of(logical_date)
    if logical_date == place.start_at and not (
        window.start_at <= place.start_at and place.end_at <= window.end_at
    ):
        raise TerminalError(
            f"the logical date {logical_date:%Y-%m-%dT%H:%MZ} is the place of {_spelled(place)} in the"
            f" schedule, but this run is about {_spelled(window)}, so that hour would be passed over."
            " Trigger it without a logical date, and backfill the hour (reprocess failed runs) to give it"
            " its place back"
        )
    if logical_date > present + CLOCKS_AGREE_TO:
        raise TerminalError(f"the logical date {logical_date:%Y-%m-%dT%H:%M:%SZ} lies in the future")


def _hour_of(moment: datetime) -> Window:
    start_at = _utc(moment).replace(minute=0, second=0, microsecond=0)
    return Window(start_at, start_at + _HOUR)


def _spelled(window: Window) -> str:
    return f"{window.start_at:%Y-%m-%d %H:%M} to {window.end_at:%Y-%m-%d %H:%M} UTC"


def _utc(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp(), UTC)
