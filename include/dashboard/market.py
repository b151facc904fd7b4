"""What the market's calendar says: what is open at a moment, what comes next, when a day opens."""

from datetime import UTC, date, datetime, timedelta

from include.domain.delivery_period import PUBLICATION_INTERVAL, DeliveryPeriod, Market

ASKED_AFTER = timedelta(seconds=31)
"""follow_market asks for prices that long after each publication; a test compares it with the job."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def next_publication_at(now: datetime) -> datetime:
    """The next instant at which the provider updates its prices; they are out up to 30 s later."""
    return now - (now - _EPOCH) % PUBLICATION_INTERVAL + PUBLICATION_INTERVAL


def next_refresh_at(now: datetime) -> datetime:
    """When prices are asked for next; they are seen some seconds later."""
    return next_publication_at(now - ASKED_AFTER) + ASKED_AFTER


def open_periods(market: Market, now: datetime) -> list[DeliveryPeriod]:
    """The hours that are open for trading."""
    return market.tradable_hours(now)


def trading_opens_at(market: Market, day: date) -> datetime:
    """When the hours of a delivery day open for trading."""
    return market.hours_of(day)[0].tradable_from


def pnl_hours_of(market: Market, day: date) -> list[DeliveryPeriod]:
    """The hours of PnL of a delivery day, in order of time; in October also 02-03A and 02-03B."""
    hours = market.hours_of(day)
    doubled = [hour.delivery_hour for hour in hours if hour.is_dst_ambiguous]
    hours += [market.period(day, label + letter) for label in doubled for letter in "AB"]
    return sorted(hours, key=lambda hour: (hour.start_at, hour.end_at))


def period_of(market: Market, day: date, label: str) -> DeliveryPeriod:
    """The delivery period of a canonical label."""
    return market.period(day, label)
