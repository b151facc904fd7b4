"""Believable deals of the desk from a seed, and the exchange's messages about them."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate, count
from random import Random, SystemRandom
from typing import Any

from include.domain.delivery_period import DeliveryPeriod, Market
from include.simulator.prices import fair_price, volatility, within_limits

TRADERS = 5
_SELL_SHARE = 0.8  # a renewable portfolio sells what it produces and buys back forecast errors
_SIBLING_SHARE = 0.1
_OUTLIER_SHARE = 0.003


@dataclass(frozen=True, slots=True)
class Deal:
    """One trade of the desk.

    Attributes:
        is_sibling: Described as `trade_confirmation`, the exchange's other spelling of the same facts.
        price: EUR/MWh, two decimals.
        quantity: MW, one decimal, positive.
        trader: Number of the trader, from 1.
        executed_at: UTC.
    """

    id: str
    is_sibling: bool
    period: DeliveryPeriod
    direction: str
    price: Decimal
    quantity: Decimal
    trader: int
    executed_at: datetime

    @property
    def key(self) -> str:
        return "trade_confirmation" if self.is_sibling else "deal_confirmation"

    def message(self) -> str:
        """The exchange's text message."""
        return json.dumps({self.key: self.body()})

    def body(self) -> dict[str, Any]:
        """The fields of the message."""
        executed = self.executed_at.astimezone(UTC).isoformat(timespec="seconds")
        return {
            "id": self.id,
            # at most six digits: the shortest spelling of the float is the exact number
            "price": float(self.price),
            "quantity": float(self.quantity),
            "direction": self.direction,
            "delivery_day": self.period.delivery_day.isoformat(),
            "delivery_hour": self.period.delivery_hour,
            "trader_id": f"trader_{self.trader}" if self.is_sibling else f"flex_trader_{self.trader}",
            "execution_time": executed.replace("+00:00", "Z") if self.is_sibling else executed,
        }

    def with_other_price(self) -> "Deal":
        """The same id with a different content."""
        return replace(self, price=self.price + (1 if self.price < 0 else -1))


class DealGenerator:
    """Deals of any moment, past or present.

    What is traded in a minute depends on the seed, the minute and the order within the minute alone.
    Ids never repeat, not even after a restart, unless they are asked to follow the seed as well.

    Args:
        seed: Two generators with one seed describe the same market.
        calendar: Whose delivery hours are traded.
        has_fixed_ids: Ids are a function of the seed too; then each minute may be generated only once.
    """

    def __init__(self, seed: int, calendar: Market, *, has_fixed_ids: bool = False) -> None:
        self.seed = seed
        self.calendar = calendar
        self.has_fixed_ids = has_fixed_ids
        self._hours_of = lru_cache(4)(calendar.hours_of)  # a calendar computes them each time
        self._minute = datetime.min.replace(tzinfo=UTC)
        self._random = Random(seed)
        self._id_random: Random = SystemRandom()
        self._periods: list[DeliveryPeriod] = []
        self._weights: list[float] = []
        self._fair: dict[int, float] = {}

    def deal(self, at: datetime) -> Deal:
        """The next deal of that moment, for one of the delivery hours that are open then."""
        minute = at.astimezone(UTC).replace(second=0, microsecond=0)
        if minute != self._minute:
            self._begin(minute)
        random = self._random
        (number,) = random.choices(range(len(self._periods)), cum_weights=self._weights)
        period = self._periods[number]
        fair = self._fair.get(number)
        if fair is None:
            fair = self._fair[number] = fair_price(self.seed, period, minute)
        noise = random.gauss(0, 1) * volatility(period, minute)
        if random.random() < _OUTLIER_SHARE:
            noise *= 10
        is_sibling = random.random() < _SIBLING_SHARE
        return Deal(
            id=self._id(is_sibling),
            is_sibling=is_sibling,
            period=period,
            direction="sell" if random.random() < _SELL_SHARE else "buy",
            price=Decimal(round(within_limits(fair + noise) * 100)).scaleb(-2),
            quantity=Decimal(max(1, round(random.lognormvariate(1.1, 0.9) * 10))).scaleb(-1),
            trader=random.randint(1, TRADERS),
            executed_at=at,
        )

    def between(self, start: datetime, end: datetime, rate_per_second: float) -> Iterator[Deal]:
        """The deals of `[start, end)`, evenly spread."""
        step = timedelta(seconds=1 / rate_per_second)
        for number in count():
            at = start + number * step
            if at >= end:
                return
            yield self.deal(at)

    def _begin(self, minute: datetime) -> None:
        self._minute = minute
        self._random = Random(f"{self.seed}/deals/{minute}")
        if self.has_fixed_ids:
            self._id_random = Random(f"{self.seed}/ids/{minute}")
        today = minute.astimezone(self.calendar.timezone).date()
        hours = [*self._hours_of(today), *self._hours_of(today + timedelta(days=1))]
        self._periods = [p for p in hours if p.tradable_from <= minute < p.tradable_until]
        leads = [(period.start_at - minute).total_seconds() / 3600 for period in self._periods]
        # intraday trading is about the next hours; a little goes to all that is open
        self._weights = list(accumulate(math.exp(-lead / 2.5) + 0.01 for lead in leads))
        self._fair = {}

    def _id(self, is_sibling: bool) -> str:
        bits = self._id_random.getrandbits(128)
        return str(bits % 10**15) if is_sibling else f"{bits:032x}"
