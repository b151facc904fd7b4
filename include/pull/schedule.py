"""Which delivery periods to ask the provider for, and in which order."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from psycopg2.extensions import connection

from include.domain.delivery_period import PUBLICATION_DELAY, DeliveryPeriod, Market, publication_due
from include.domain.rejection import RejectedMessageError
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("pull/queries.sql")

RECENT = timedelta(hours=2)
"""Until this long after the last publication, a price that is not final is requested after each one …"""

INTERVAL = timedelta(hours=1)
"""… and then at this interval, until a value counts as final whatever its age."""

RECHECKED_DAYS = 7
"""Delivery days whose final prices are asked for once more: more than one, so that an outage of the platform or
the provider skips none."""

MAX_AHEAD = timedelta(days=2)
"""A price exists once trading has opened, the day before delivery. Later periods are not requested, whatever
delivery days the trades name."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scope:
    """The hours of a pull: those of the calendar, and known ones. The provider has prices of hours only.

    Attributes:
        hours: Hours of the calendar, whether the warehouse knows them or not.
        window: Half-open interval: adds known hours whose delivery starts in it, and hours with trades
            received in it.
        days: First and last delivery day: adds all known hours of these days.
        with_all_traded: Adds every hour that has trades.
        rechecked: First and last delivery day whose final prices are asked for once more.
    """

    market: Market
    hours: tuple[DeliveryPeriod, ...]
    window: tuple[datetime, datetime] | None = None
    days: tuple[date, date] | None = None
    with_all_traded: bool = False
    rechecked: tuple[date, date] | None = None

    @classmethod
    def at_present(cls, market: Market, now: datetime) -> "Scope":
        """The hours that are open for trading, all traded hours, and the final prices of the days before."""
        today = now.astimezone(market.timezone).date()
        return cls(
            market,
            tuple(market.tradable_hours(now)),
            with_all_traded=True,
            rechecked=(today - timedelta(days=RECHECKED_DAYS), today - timedelta(days=1)),
        )

    @classmethod
    def of_window(cls, market: Market, now: datetime, start_at: datetime, end_at: datetime) -> "Scope":
        """The hours of a window of receipt, whatever is open for trading now."""
        first, last = (at.astimezone(market.timezone).date() for at in (start_at, end_at))
        hours = (hour for hour in _hours(market, now, first, last) if start_at <= hour.start_at < end_at)
        return cls(market, tuple(hours), window=(start_at, end_at))

    @classmethod
    def of_days(cls, market: Market, now: datetime, first: date, last: date) -> "Scope":
        """All hours of a range of delivery days."""
        return cls(market, tuple(_hours(market, now, first, last)), days=(first, last))


@dataclass(frozen=True, slots=True)
class PeriodToPrice:
    """A delivery period whose price may be requested.

    Attributes:
        delivery_day: Local day of the market.
        delivery_hour: Label, local time.
        delivery_start_at: UTC.
        is_traded: Whether it has trades.
        is_history: Whether its price changes only by revisions or late, so that it can wait for the others.
        last_answered_at: UTC; when the provider last answered for it; None if never.
        failed_at: UTC; when the last request for it failed; None if it was answered since.
    """

    delivery_day: date
    delivery_hour: str
    delivery_start_at: datetime
    is_traded: bool
    is_history: bool
    last_answered_at: datetime | None
    failed_at: datetime | None = None


def due_periods(
    conn: connection,
    scope: Scope,
    now: datetime,
    force: bool = False,
    answered_since: datetime | None = None,
) -> list[PeriodToPrice]:
    """The delivery periods to request, the most important first.

    These are the hours of the scope without a final price for which the provider may have a new answer, and
    those whose final price has to be asked for once more.

    Args:
        force: Also all hours that are delivered in the window or on the days of the scope, final or not.
        answered_since: Leave out forced periods that were answered since this time.
    """
    window_start_at, window_end_at = scope.window or (None, None)
    first_day, last_day = scope.days or (None, None)
    rechecked_first_day, rechecked_last_day = scope.rechecked or (None, None)
    parameters = {
        "market": scope.market.market,
        "calendar_days": [hour.delivery_day for hour in scope.hours],
        "calendar_hours": [hour.delivery_hour for hour in scope.hours],
        "window_start_at": window_start_at,
        "window_end_at": window_end_at,
        "first_day": first_day,
        "last_day": last_day,
        "rechecked_first_day": rechecked_first_day,
        "rechecked_last_day": rechecked_last_day,
        "with_all_traded": scope.with_all_traded,
        "force": force,
    }
    due = []
    with conn, conn.cursor() as cur:
        run_sql(cur, QUERIES["periods_to_price"], parameters)
        for day, label, is_traded, is_forced, is_final, answered_at, failed_at in cur:
            try:
                hour = scope.market.period(day, label)
            except RejectedMessageError as error:  # the market had another time zone when it was stored
                _log.warning("%s %s is not asked for: %s", day, label, error)
                continue
            if is_forced:
                is_wanted = answered_since is None or answered_at is None or answered_at < answered_since
            elif is_final:
                is_wanted = is_recheck_due(now, hour, answered_at)
            else:
                is_wanted = hour.start_at - now <= MAX_AHEAD and is_due(now, hour, answered_at)
            if is_wanted:
                is_history = now - hour.price_final_from > RECENT or (is_final and not is_forced)
                if failed_at and answered_at and failed_at <= answered_at:
                    failed_at = None
                due.append(
                    PeriodToPrice(day, label, hour.start_at, is_traded, is_history, answered_at, failed_at)
                )
    return sorted(due, key=lambda period: _importance(period, now))


def is_due(now: datetime, hour: DeliveryPeriod, last_answered_at: datetime | None) -> bool:
    """Whether the provider may have a new answer about an hour without a final price.

    Until RECENT after the last publication: if there was a publication since the last answer. Then every hour,
    until a value counts as final whatever its age, and once more then. Later, the interval grows with the age,
    so that an hour that never gets a price costs fewer and fewer requests.
    """
    if last_answered_at is None:
        return True
    if last_answered_at < last_publication(min(now, hour.price_final_from + RECENT)):
        return True
    age = now - hour.price_final_from
    if age < RECENT:
        return False
    if now < hour.stale_price_final_from:
        return last_answered_at <= now - INTERVAL
    return last_answered_at < hour.stale_price_final_from or last_answered_at <= now - max(INTERVAL, age / 8)


def is_recheck_due(now: datetime, hour: DeliveryPeriod, last_answered_at: datetime | None) -> bool:
    """Whether a final price has to be asked for once more, in the morning after delivery, for revisions."""
    return now >= hour.price_recheck_from and (
        last_answered_at is None or last_answered_at < hour.price_recheck_from
    )


def last_publication(now: datetime) -> datetime:
    """When the latest publication that is certainly out was due, plus the longest delay."""
    return publication_due(now - PUBLICATION_DELAY) + PUBLICATION_DELAY


def _hours(market: Market, now: datetime, first: date, last: date) -> Iterator[DeliveryPeriod]:
    """The hours of these days that are or were open for trading; others cannot have a price."""
    for number in range((last - first).days + 1):
        for hour in market.hours_of(first + timedelta(days=number)):
            if hour.tradable_from <= now:
                yield hour


def _importance(period: PeriodToPrice, now: datetime) -> tuple[bool, bool, datetime, bool, timedelta, str]:
    """Sort key: first traded hours around now, then other open hours, then history.

    Of the open hours and of history those whose last request failed come last, the latest failure at the end:
    however many fail, they keep no other from being asked for.
    """
    distance = abs(now - period.delivery_start_at)
    is_untraded = not period.is_traded and not period.is_history
    has_failed = period.failed_at is not None
    return period.is_history, has_failed, period.failed_at or now, is_untraded, distance, period.delivery_hour
