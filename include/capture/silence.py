"""When the silence of the exchange means something: while hours are open for trading."""

from datetime import datetime, timedelta

from include.domain.delivery_period import Market


def trading_since(market: Market, now: datetime) -> datetime | None:
    """When the first of the hours that are open for trading opened, UTC; None while none is open."""
    return min((hour.tradable_from for hour in market.tradable_hours(now)), default=None)


def was_trading(market: Market, now: datetime, seconds: float) -> bool:
    """Whether hours have been open for trading for that long."""
    since = trading_since(market, now)
    return since is not None and now - since >= timedelta(seconds=seconds)
