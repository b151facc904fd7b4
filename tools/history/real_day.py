"""A delivery day in the shape of a real one: all trades of a desk that sells renewable power."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

from include.domain.delivery_period import Market
from include.simulator.deals import Deal, DealGenerator

_TRADES, _NEGATIVE, _IDENTICAL = 3_349, 530, 76
_BURST, _AT_ONCE, _BURST_EVERY = 19, 9, 140
_BEFORE = 5  # a trade is identical to the one so many before it, which is as long
_QUARTERS = (1, 3)  # of five trades


def real_day(day: date, seed: int = 7, timezone: str = "Europe/Berlin") -> list[tuple[datetime, str]]:
    """All confirmations of a delivery day, each with the time (UTC) at which it was sent, in order.

    3,349 sells in steps of 0.1 MW, from 15:00 of the day before to the last gate closure: 2,009 for an hour and
    1,340 for a quarter of one. 530 prices are negative, or a few fewer where some are equal. 76 trades are
    identical in all but the id to another one. 24 times 19 trades come within a second, nine of these within a
    millisecond. Same arguments, same messages.

    Args:
        day: Of delivery.
        seed: Of all that is random.
        timezone: IANA name of the market's zone.
    """
    random = Random(f"{seed}/real day/{day}")
    deals = list(_deals(Market.of(timezone), day, seed, random))
    # neither the trade nor the one before it belongs to a burst or is chosen itself
    may_repeat = [
        n for n in range(_TRADES) if n % _BURST_EVERY >= _BURST + _BEFORE and n % (2 * _BEFORE) < _BEFORE
    ]
    for number in random.sample(may_repeat, _IDENTICAL):
        deals[number] = replace(deals[number - _BEFORE], id=deals[number].id)
    lowest_above_zero = sorted(deal.price for deal in deals)[_NEGATIVE]
    deals = [replace(deal, price=deal.price - lowest_above_zero) for deal in deals]
    return [(deal.executed_at, deal.message()) for deal in sorted(deals, key=lambda deal: deal.executed_at)]


def _deals(market: Market, day: date, seed: int, random: Random) -> Iterator[Deal]:
    generator = DealGenerator(seed, market, has_fixed_ids=True)
    for number, at in enumerate(_times(market, day, random)):
        deal = generator.deal(at)
        while deal.period.delivery_day != day:
            deal = generator.deal(at)
        label = deal.period.delivery_hour
        if number % 5 in _QUARTERS:
            start = 60 * int(label[:2]) + random.choice((0, 15, 30, 45))
            label = "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (start, start + 15))
        yield replace(deal, direction="sell", period=market.period(day, label))


def _times(market: Market, day: date, random: Random) -> Iterator[datetime]:
    """When each trade is made: more towards the end, in bursts now and then."""
    hours = market.hours_of(day)
    opened, closed = hours[0].tradable_from, hours[-1].tradable_until
    is_burst = [n % _BURST_EVERY < _BURST for n in range(_TRADES)]
    begins = [n for n in range(_TRADES) if not is_burst[n] or n % _BURST_EVERY == 0]
    drawn = sorted(opened + (closed - opened) * random.triangular(0, 1, 0.7) for _ in begins)
    for number, at in zip(begins, drawn, strict=True):
        at = at.replace(microsecond=0)  # its second ends before gate closure
        if not is_burst[number]:
            yield at + timedelta(milliseconds=random.randrange(1000))
            continue
        yield from (at + timedelta(microseconds=100 * n) for n in range(_AT_ONCE))
        yield from (at + timedelta(milliseconds=90 * n) for n in range(1, 1 + _BURST - _AT_ONCE))
