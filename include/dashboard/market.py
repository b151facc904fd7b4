"""What the market's calendar says: what is open at a moment, what comes next, when a day opens."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime, timedelta

from include.domain.delivery_period import PUBLICATION_INTERVAL, DeliveryPeriod, Market, publication_due
from include.domain.rejection import RejectedMessageError

ASKED_AFTER = timedelta(seconds=31)
"""follow_market asks for prices that long after each publication; a test compares it with the job."""


def next_publication_at(now: datetime) -> datetime:
    """The next instant at which the provider updates its prices; they are out up to 30 s later."""
    return publication_due(now) + PUBLICATION_INTERVAL


def next_refresh_at(now: datetime) -> datetime:
    """When prices are asked for next; they are seen some seconds later."""
    return next_publication_at(now - ASKED_AFTER) + ASKED_AFTER


def trading_opens_at(market: Market, day: date) -> datetime:
    """When the hours of a delivery day open for trading."""
    return market.hours_of(day)[0].tradable_from


def pnl_hours_of(market: Market, day: date) -> list[DeliveryPeriod]:
    """The hours of PnL of a delivery day, in order of time; in October also 02-03A and 02-03B."""
    hours = market.hours_of(day)
    doubled = [hour.delivery_hour for hour in hours if hour.is_dst_ambiguous]
    hours += [market.period(day, label + letter) for label in doubled for letter in "AB"]
    return sorted(hours, key=lambda hour: (hour.start_at, hour.end_at))


def periods_of(market: Market, day: date, labels: Iterable[str]) -> list[DeliveryPeriod]:
    """The delivery periods of stored labels, in order of time.

    Without those that do not exist: they were stored while the market had another time zone.
    """
    periods = []
    for label in labels:
        with suppress(RejectedMessageError):
            periods.append(market.period(day, label))
    return sorted(periods, key=lambda period: period.start_at)
