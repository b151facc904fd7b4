"""Delivery periods: the meaning of a day and a label in UTC, their trading hours, and when prices are final."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from include.domain.rejection import Reason, RejectedMessageError, quoted

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)

GATE_CLOSURE = timedelta(minutes=5)
"""Continuous intraday trading within the German zones ends 5 minutes before delivery (EPEX SPOT)."""

TRADING_OPENS = time(15, 0)
"""Local time of the day before delivery at which hourly contracts open (EPEX SPOT intraday, Germany)."""

PUBLICATION_INTERVAL = timedelta(minutes=10)
"""The provider updates a reference price every 10 minutes until gate closure …"""

PUBLICATION_DELAY = timedelta(seconds=30)
"""… and publishes it up to 30 s later."""

PRICE_RECHECK = time(6, 0)
"""Local time of the day after delivery from which each final price is asked for once more."""

STALE_PRICE_FINAL = time(12, 0)
"""Local time of the day after delivery from which a value is final even if the provider never updated it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_HOUR = re.compile(r"(\d\d)-(\d\d)([AB]?)", re.ASCII)
_HOUR_NUMBER = re.compile(r"(\d\d)([AB])", re.ASCII)
_CLOCK = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)([AB]?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class DeliveryPeriod:
    """A delivery period of one day; `(delivery_day, delivery_hour)` is its key.

    Attributes:
        delivery_day: Local day of the market.
        delivery_hour: The label as the sources give it, local time.
        start_at: UTC, inclusive.
        end_at: UTC, exclusive. The doubled label of the October change day is one period of two hours.
        hours: Hours of delivery: MW x hours = MWh. 1 for the doubled label, too, since each of its trades
            is for one of the two hours.
        is_dst_ambiguous: The label occurs twice on that day and the sources do not say which one is meant.
        tradable_from: UTC, when trading opens.
        tradable_until: UTC, gate closure; for the doubled label that of its second occurrence.
        price_final_from: UTC; a reference price observed from then on includes the last trades.
        price_current_from: UTC; a `last_update` before it is of a value that lacks the last trades.
        price_recheck_from: UTC; from then on the final price is asked for once more.
        stale_price_final_from: UTC; a price observed from then on is final whatever its `last_update`.
    """

    delivery_day: date
    delivery_hour: str
    start_at: datetime
    end_at: datetime
    hours: Decimal
    is_dst_ambiguous: bool
    tradable_from: datetime
    tradable_until: datetime
    price_final_from: datetime
    price_current_from: datetime
    price_recheck_from: datetime
    stale_price_final_from: datetime


@dataclass(frozen=True, slots=True)
class Market:
    """The calendar of a market: everything that depends on its time zone."""

    timezone: ZoneInfo

    @classmethod
    def of(cls, timezone: str) -> "Market":
        return cls(ZoneInfo(timezone))

    def period(self, delivery_day: date, delivery_hour: str) -> DeliveryPeriod:
        """The period of a label on a day.

        Labels: `15-16`; `02-03A`, `02-03B`, `03A`, `03B` for the two hours of the October change;
        `15:00-15:15` for a quarter, half or whole hour.

        Raises:
            RejectedMessageError: The label is invalid, or that hour does not exist on that day.
        """
        minutes, length, half = _parse_label(delivery_hour)
        wall = datetime.combine(delivery_day, time()) + timedelta(minutes=minutes)
        first, second = self._instant(wall, fold=0), self._instant(wall, fold=1)
        doubled = second > first
        if first > second or (half and not doubled):
            raise RejectedMessageError(
                Reason.NONEXISTENT_DELIVERY_HOUR,
                f"{delivery_hour} does not exist on {delivery_day} in {self.timezone.key}",
            )
        if half == "A":
            start, end = first, first + length
        elif half == "B":
            start, end = second, second + length
        elif doubled:
            start, end = first, second + length
        else:
            start, end = first, self._instant(wall + length, fold=0)
        # a trade under the doubled label may be for its second occurrence, so trading ends at that gate
        gate = (second if doubled and not half else start) - GATE_CLOSURE
        next_day = delivery_day + timedelta(days=1)
        return DeliveryPeriod(
            delivery_day=delivery_day,
            delivery_hour=delivery_hour,
            start_at=start,
            end_at=end,
            hours=Decimal(int(length.total_seconds())) / 3600,
            is_dst_ambiguous=doubled and not half,
            tradable_from=self._instant(datetime.combine(delivery_day - timedelta(days=1), TRADING_OPENS)),
            tradable_until=gate,
            price_final_from=_ceil(gate, PUBLICATION_INTERVAL) + PUBLICATION_DELAY,
            price_current_from=gate - PUBLICATION_INTERVAL,
            price_recheck_from=self._instant(datetime.combine(next_day, PRICE_RECHECK)),
            stale_price_final_from=self._instant(datetime.combine(next_day, STALE_PRICE_FINAL)),
        )

    def hours_of(self, delivery_day: date) -> list[DeliveryPeriod]:
        """The hourly periods of a day in order: 24; 23 on the March change day; 24 labels in October, too."""
        periods = []
        for hour in range(24):
            try:
                periods.append(self.period(delivery_day, f"{hour:02}-{hour + 1:02}"))
            except RejectedMessageError:
                continue
        return periods

    def tradable_hours(self, at: datetime) -> list[DeliveryPeriod]:
        """The hourly periods that are open for trading at that time."""
        today = at.astimezone(self.timezone).date()
        days = (today, today + timedelta(days=1))
        return [p for day in days for p in self.hours_of(day) if p.tradable_from <= at < p.tradable_until]

    def _instant(self, wall: datetime, fold: int = 0) -> datetime:
        return wall.replace(tzinfo=self.timezone, fold=fold).astimezone(UTC)


def parse_delivery_day(value: object) -> date:
    """Parses a delivery day `YYYY-MM-DD`.

    Raises:
        RejectedMessageError: It is not such a text, or not in the years 2000 to 2099.
    """
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            pass
        else:
            if FIRST_DAY <= day <= LAST_DAY:
                return day
    raise RejectedMessageError(Reason.INVALID_DELIVERY_DAY, f"delivery_day is {quoted(value)}")


def _parse_label(label: str) -> tuple[int, timedelta, str]:
    """Minutes after local midnight, length, and A or B for one of the two hours of a doubled label."""
    lengths: tuple[int, ...]
    if match := _HOUR.fullmatch(label):
        start, end = 60 * int(match[1]), 60 * int(match[2])
        lengths, half = (60,), match[3]
    elif match := _HOUR_NUMBER.fullmatch(label):
        end = 60 * int(match[1])
        start, lengths, half = end - 60, (60,), match[2]
    elif (match := _CLOCK.fullmatch(label)) and int(match[2]) < 60 and int(match[4]) < 60:
        start, end = 60 * int(match[1]) + int(match[2]), 60 * int(match[3]) + int(match[4])
        lengths, half = (15, 30, 60), match[5]
    else:
        raise RejectedMessageError(Reason.INVALID_DELIVERY_HOUR, f"delivery_hour is {quoted(label)}")
    length = end - start
    if length not in lengths or start < 0 or end > 24 * 60 or start % min(length, 60):
        raise RejectedMessageError(Reason.INVALID_DELIVERY_HOUR, f"delivery_hour is {quoted(label)}")
    return start, timedelta(minutes=length), half


def _ceil(at: datetime, step: timedelta) -> datetime:
    return at + (_EPOCH - at) % step
