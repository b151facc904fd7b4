"""What a MWh of a delivery period is worth at a moment: a pure function of the seed.

The shape is a spring day's in a country with much solar power: a morning and an evening peak, and a midday
that is cheap on a clouded day and negative on a bright one.
"""

import math
from datetime import datetime
from functools import lru_cache
from random import Random

from include.domain.delivery_period import DeliveryPeriod

LOWEST, HIGHEST = -9999.99, 9999.99
"""The exchange's technical price limits, EUR/MWh."""

_HOUR_S = 3600


def fair_price(seed: int, period: DeliveryPeriod, at: datetime) -> float:
    """The price around which the period trades at that moment, EUR/MWh.

    It starts from what the day's weather makes likely and drifts as forecasts change.
    """
    key = f"{period.delivery_day}/{period.delivery_hour}"
    seconds = int(at.timestamp())
    drift = 9 * _drift(seed, key, seconds, 4 * _HOUR_S) + 4 * _drift(seed, key, seconds, _HOUR_S // 2)
    return _expected_price(seed, period) + drift


def volatility(period: DeliveryPeriod, at: datetime) -> float:
    """Standard deviation of single trades around the fair price, EUR/MWh: it grows towards delivery."""
    hours_left = max(0.0, (period.start_at - at).total_seconds() / _HOUR_S)
    return 1.5 + 5.0 * math.exp(-hours_left / 1.5)


def within_limits(price: float) -> float:
    """The nearest price that the exchange accepts."""
    return min(max(price, LOWEST), HIGHEST)


@lru_cache(maxsize=2048)
def _expected_price(seed: int, period: DeliveryPeriod) -> float:
    hour = int(period.delivery_hour[:2])
    weather = Random(f"{seed}/weather/{period.delivery_day}")
    wind, sun = weather.gauss(0, 1), weather.uniform(40, 150)
    price = 68 - 16 * wind
    price += 25 * _bell(hour, 8, 2.0) + 45 * _bell(hour, 19, 2.3) - 14 * _bell(hour, 3, 3.0)
    price -= sun * _bell(hour, 13, 2.8)
    return price + 4 * _normal(seed, f"{period.delivery_day}/{period.delivery_hour}", 0)


def _bell(hour: float, centre: float, width: float) -> float:
    return math.exp(-(((hour - centre) / width) ** 2))


def _drift(seed: int, key: str, seconds: int, step: int) -> float:
    """Smooth noise: standard normal values every `step` seconds, blended in between."""
    knot, rest = divmod(seconds, step)
    share = rest / step
    name = f"{key}/{step}"
    return (1 - share) * _normal(seed, name, knot) + share * _normal(seed, name, knot + 1)


@lru_cache(maxsize=16_384)
def _normal(seed: int, name: str, number: int) -> float:
    return Random(f"{seed}/{name}/{number}").gauss(0, 1)
