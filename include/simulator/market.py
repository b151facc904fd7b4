"""The simulated market: the desk's deals and everybody else's, and the running index over both."""

import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from random import Random

from include.domain.delivery_period import (
    PUBLICATION_DELAY,
    PUBLICATION_INTERVAL,
    DeliveryPeriod,
    Market,
    publication_due,
)
from include.simulator.deals import Deal, DealGenerator
from include.simulator.prices import fair_price, within_limits

utc_now = partial(datetime.now, UTC)

_CENT = Decimal("0.01")
_KEPT_PERIODS = 2000  # about 80 days of delivery hours
_KEPT_TOTALS = 3  # the running interval, the one being published, and the one still shown


@dataclass(frozen=True, slots=True)
class Publication:
    """What the provider shows.

    Attributes:
        value: EUR/MWh, two decimals; None while nothing was traded.
        published_at: UTC, whole seconds.
    """

    value: Decimal | None
    published_at: datetime


class SimulatedMarket:
    """What an exchange and a provider of one process share. Safe for use from several threads.

    Memory does not grow with the number of deals: a delivery period is a few running totals.

    Args:
        seed: Decides every price of past and future.
        timezone: IANA name of the market's zone.
        has_background: Whether others trade too. Without them the index is that of the exchange's deals,
            to the cent, and hours before the start have no price.
        calendar: Zone, opening and gates of the market, instead of `timezone`.
    """

    def __init__(
        self,
        seed: int = 7,
        timezone: str = "Europe/Berlin",
        *,
        has_background: bool = True,
        calendar: Market | None = None,
    ) -> None:
        self.seed = seed
        self.calendar = calendar or Market.of(timezone)
        self.has_background = has_background
        self._lock = threading.Lock()
        # per period: (end of the publication interval, MWh, EUR), both summed up since trading opened
        self._totals: dict[tuple[date, str], list[tuple[datetime, Decimal, Decimal]]] = {}

    def deals(self) -> DealGenerator:
        """A generator of the desk's deals in this market."""
        return DealGenerator(self.seed, self.calendar)

    def record(self, deal: Deal) -> None:
        """Adds a deal to the index of its delivery period."""
        interval_end = publication_due(deal.executed_at) + PUBLICATION_INTERVAL
        mwh = deal.quantity * deal.period.hours
        key = (deal.period.delivery_day, deal.period.delivery_hour)
        with self._lock:
            totals = self._totals.setdefault(key, [])
            volume, turnover = (totals[-1][1], totals[-1][2]) if totals else (Decimal(0), Decimal(0))
            total = (interval_end, volume + mwh, turnover + mwh * deal.price)
            if totals and interval_end <= totals[-1][0]:
                totals[-1] = (totals[-1][0], *total[1:])
            else:
                totals.append(total)
            del totals[:-_KEPT_TOTALS]
            if len(self._totals) > _KEPT_PERIODS:
                del self._totals[next(iter(self._totals))]

    def publication(self, period: DeliveryPeriod, at: datetime) -> Publication:
        """The latest publication of a period's reference price at that moment.

        Every 10 minutes, 0 to 30 s late, up to the one that includes the last trade before gate closure.
        """
        latest = min(publication_due(at), period.price_final_from - PUBLICATION_DELAY)
        if latest + self._delay(latest) > at:
            latest -= PUBLICATION_INTERVAL
        volume, turnover = self._desk(period, latest)
        if self.has_background:
            others = _background(self.seed, period, latest)
            volume, turnover = volume + others[0], turnover + others[1]
        value = (turnover / volume).quantize(_CENT) if volume else None
        return Publication(value, latest + self._delay(latest))

    def _desk(self, period: DeliveryPeriod, until: datetime) -> tuple[Decimal, Decimal]:
        with self._lock:
            for interval_end, volume, turnover in reversed(
                self._totals.get((period.delivery_day, period.delivery_hour), [])
            ):
                if interval_end <= until:
                    return volume, turnover
        return Decimal(0), Decimal(0)

    def _delay(self, publication: datetime) -> timedelta:
        most = int(PUBLICATION_DELAY.total_seconds())
        return timedelta(seconds=Random(f"{self.seed}/delay/{publication}").randint(0, most))


@lru_cache(maxsize=4096)
def _background(seed: int, period: DeliveryPeriod, until: datetime) -> tuple[Decimal, Decimal]:
    """MWh and EUR that others traded before that moment: the closer to delivery, the more."""
    random = Random(f"{seed}/others/{period.delivery_day}/{period.delivery_hour}")
    tradable = period.tradable_until - period.tradable_from
    at = publication_due(period.tradable_from + tradable * random.uniform(0, 0.6))
    tenths = cents = 0
    while at + PUBLICATION_INTERVAL <= until:
        hours_left = (period.start_at - at).total_seconds() / 3600
        tenths_now = round(random.uniform(300, 900) + random.uniform(5_000, 15_000) * 2 ** -max(0, hours_left))
        price = fair_price(seed, period, at + PUBLICATION_INTERVAL / 2)
        tenths += tenths_now
        cents += tenths_now * round(within_limits(price) * 100)
        at += PUBLICATION_INTERVAL
    return Decimal(tenths).scaleb(-1) * period.hours, Decimal(cents).scaleb(-3) * period.hours
