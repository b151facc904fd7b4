"""Delivery periods: what a day and a label mean in UTC, trading hours, and when prices are final."""

import re
from contextlib import suppress
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

LOWEST_PRICE, HIGHEST_PRICE = Decimal("-9999.99"), Decimal("9999.99")
"""EUR/MWh: the technical bounds of the exchange (EPEX SPOT continuous intraday)."""

PUBLICATION_INTERVAL = timedelta(minutes=10)
"""The provider updates a reference price every 10 minutes until gate closure …"""

PUBLICATION_DELAY = timedelta(seconds=30)
"""… and publishes it up to 30 s later."""

PRICE_RECHECK = time(6, 0)
"""Local time of the day after delivery from which each final price is asked for once more."""

STALE_PRICE_FINAL = time(12, 0)
"""Local time of the day after delivery from which a value is final even if the provider never updated it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DASH = re.compile(r"\s*[-\u2010-\u2015\u2212]\s*")
_HOURS = re.compile(r"(\d{1,2})([AB]?)-(\d{1,2})([AB]?)", re.ASCII)
_HOUR_NUMBER = re.compile(r"(?:(?:H|HOUR ?)(\d{1,2})([AB]?)|(\d{1,2})([AB]))", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)([AB]?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class HourShare:
    """The part of a delivery period that lies in one hour of PnL.

    Attributes:
        pnl_hour: Label of the hour.
        from_minute: Minute of that hour at which the part begins: 0, 15, 30 or 45.
        hours: Its length: 1, 0.5 or 0.25.
    """

    pnl_hour: str
    from_minute: int
    hours: Decimal


@dataclass(frozen=True, slots=True)
class DeliveryPeriod:
    """A delivery period: an hour, a half or quarter of one, or a block of several hours of one day.

    Attributes:
        market: Id of the market; `(market, delivery_day, delivery_hour)` is the key.
        delivery_day: Local day of the market.
        delivery_hour: Its canonical label, local time: `15-16`, `15:00-15:15`, `08-20`.
        start_at: UTC, inclusive.
        end_at: UTC, exclusive. The doubled label of the October change day is one period of two hours.
        hours: Hours of delivery: MW x hours = MWh. 1 for the doubled label, too, since each of its trades
            is for one of the two hours.
        is_dst_ambiguous: The label occurs twice on that day and the sources do not say which one is meant.
        tradable_from: UTC, when trading opens.
        tradable_until: UTC, gate closure; for the doubled label that of its second occurrence. If trading opens
            late, and clocks change in the evening, a period may open and close at once.
        price_final_from: UTC; a reference price observed from then on includes the last trades.
        price_current_from: UTC; a `last_update` before it is of a value that lacks the last trades.
        price_recheck_from: UTC; from then on the final price is asked for once more.
        stale_price_final_from: UTC; a price observed from then on is final whatever its `last_update`.
        shares: Where it counts in PnL: the hours it delivers in.
    """

    market: str
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
    shares: tuple[HourShare, ...]


@dataclass(frozen=True, slots=True)
class Market:
    """A market: its id, its currency and its rules, and everything that depends on its time zone.

    Attributes:
        timezone: Of delivery days and labels.
        market: Its id, the first key column of all tables.
        currency: ISO 4217 code of its prices.
        trading_opens: Local time of the day before delivery from which everything can be traded.
        gate_closure: How long before delivery trading of hours and blocks ends.
        gate_closure_shorter: The same of halves and quarters of an hour.
        price_min: The exchange's lowest price, EUR/MWh.
        price_max: Its highest price, EUR/MWh.
    """

    timezone: ZoneInfo
    market: str = "DE"
    currency: str = "EUR"
    trading_opens: time = TRADING_OPENS
    gate_closure: timedelta = GATE_CLOSURE
    gate_closure_shorter: timedelta = GATE_CLOSURE
    price_min: Decimal = LOWEST_PRICE
    price_max: Decimal = HIGHEST_PRICE

    @classmethod
    def of(cls, timezone: str) -> "Market":
        return cls(ZoneInfo(timezone))

    @property
    def price_bounds(self) -> tuple[Decimal, Decimal]:
        """Lowest and highest price of the exchange, EUR/MWh."""
        return self.price_min, self.price_max

    def period(self, delivery_day: date, label: str) -> DeliveryPeriod:
        """The period of a label on a day.

        Exchanges write the same period in many ways: `15-16`, `15 - 16`, `15:00-16:00`, `H16` and `Hour 16` are
        one hour. `15:00-15:15` and `15:00-15:30` are a quarter and a half of it, `08-20` is a block of hours.
        `A` and `B` name the two hours of the October change: `02-03A`, `3A`, `Hour 3A`, `02:00-02:15A`. A block
        may begin with the second of them, `02B-04`, end with the first, `01-03A`, or be both, `02A-03B`. At the
        March change a block is named by its last hour: `00-03` is `00-02`, and `01-03` is the hour `01-02`.

        Raises:
            RejectedMessageError: The label is none of these, or that time does not exist on that day.
        """
        minutes, length, begins_with, half = _parse_label(label)
        wall = datetime.combine(delivery_day, time()) + timedelta(minutes=minutes)
        first, second = self._instant(wall, fold=0), self._instant(wall, fold=1)
        is_block = length > _HOUR or begins_with != ""
        is_doubled = self._is_doubled(wall)
        is_ambiguous = is_doubled and not half and not is_block
        if is_block:
            last = wall + length - _HOUR
            start = second if begins_with == "B" else first
            end = self._instant(last, fold=1) if half == "A" else self._instant(wall + length)
            exists = start < end and (is_doubled or not begins_with) and (not half or self._is_doubled(last))
        else:
            start = second if half == "B" else first
            end = (second if is_ambiguous else start) + length
            exists = is_doubled or not half
        if first > second or not exists:
            raise RejectedMessageError(
                Reason.NONEXISTENT_DELIVERY_HOUR,
                f"{quoted(label)} does not exist on {delivery_day} in {self.timezone.key}",
            )
        shares: tuple[HourShare, ...]
        if is_block:
            name = self._hours_label(start, end)
            shares = tuple(
                HourShare(self._hour_label(start + n * _HOUR), 0, Decimal(1))
                for n in range((end - start) // _HOUR)
            )
        else:
            name, hour = _canonical_label(minutes, length, half), minutes // 60
            shares = (
                HourShare(
                    f"{hour:02}-{hour + 1:02}{half}", minutes % 60, Decimal(length // timedelta(minutes=15)) / 4
                ),
            )
        # a trade under the doubled label may be for its second occurrence, so trading ends at that gate
        closes = self.gate_closure if length >= _HOUR else self.gate_closure_shorter
        gate = (second if is_ambiguous else start) - closes
        opens = self._instant(datetime.combine(delivery_day - timedelta(days=1), self.trading_opens))
        next_day = delivery_day + timedelta(days=1)
        return DeliveryPeriod(
            market=self.market,
            delivery_day=delivery_day,
            delivery_hour=name,
            start_at=start,
            end_at=end,
            hours=sum((share.hours for share in shares), Decimal(0)),
            is_dst_ambiguous=is_ambiguous,
            tradable_from=opens,
            tradable_until=max(gate, opens),
            price_final_from=gate + (_EPOCH - gate) % PUBLICATION_INTERVAL + PUBLICATION_DELAY,
            shares=shares,
            price_current_from=gate - PUBLICATION_INTERVAL,
            price_recheck_from=self._instant(datetime.combine(next_day, PRICE_RECHECK)),
            stale_price_final_from=self._instant(datetime.combine(next_day, STALE_PRICE_FINAL)),
        )

    def period_between(self, start_at: datetime, end_at: datetime) -> DeliveryPeriod:
        """The period of two moments; A or B is part of its label where local time occurs twice.

        Raises:
            RejectedMessageError: No period of a day begins and ends then.
        """
        wall = start_at.astimezone(self.timezone)
        minutes, length = 60 * wall.hour + wall.minute, end_at - start_at
        if length > _HOUR:
            label = self._hours_label(start_at, end_at)
        else:
            half = self._hour_label(start_at)[5:]
            label = _canonical_label(minutes, length, half) if length > timedelta() else ""
        try:
            period = self.period(wall.date(), label)
        except RejectedMessageError:
            period = None
        if period is None or (period.start_at, period.end_at) != (start_at, end_at):
            raise RejectedMessageError(
                Reason.INVALID_DELIVERY_HOUR,
                f"no period of a day is from {start_at.isoformat()} to {end_at.isoformat()}",
            )
        return period

    def local_period(self, start: datetime, end: datetime, timezone: ZoneInfo) -> DeliveryPeriod:
        """The period of two local times that do not say which one they are where local time occurs twice.

        They mean what they mean in a label: an hour that occurs twice, or a part of it, gets the label without
        A or B, and blocks begin and end at the first occurrence. Only an end that is not after the start tells
        which one it is: `02:45` to `02:00` is the last quarter of the first hour.

        Args:
            start: Without an offset.
            end: Without an offset.
            timezone: The zone of both.

        Raises:
            RejectedMessageError: The start does not exist, no period of a day is from start to end, or it may
                be either of two that no label stands for.
        """
        first, second = _instant(start, timezone, fold=0), _instant(start, timezone, fold=1)
        if first > second:
            raise RejectedMessageError(
                Reason.NONEXISTENT_DELIVERY_HOUR, f"{start.isoformat()} does not exist in {timezone.key}"
            )
        length = end - start
        if first == second or not timedelta() < length <= _HOUR:
            return self.period_between(first, _instant(end, timezone, fold=int(length <= timedelta())))
        one, other = (self.period_between(at, at + length) for at in (first, second))
        label = one.delivery_hour.rstrip("AB")
        if (other.delivery_day, other.delivery_hour.rstrip("AB")) != (one.delivery_day, label):
            raise RejectedMessageError(
                Reason.INVALID_DELIVERY_HOUR,
                f"from {start.isoformat()} to {end.isoformat()} in {timezone.key} comes twice",
            )
        return self.period(one.delivery_day, label)

    def span_of(self, day: date) -> tuple[datetime, datetime]:
        """Start of a local day and of the next one, UTC."""
        return self._instant(datetime.combine(day, time())), self._instant(
            datetime.combine(day + timedelta(days=1), time())
        )

    def tradable_span_of(self, day: date) -> tuple[datetime, datetime]:
        """When the hours of a delivery day open for trading, and when the last period of it closes, UTC."""
        hours = self.hours_of(day)
        end = self.span_of(day)[1]
        last_quarter = self.period_between(end - timedelta(minutes=15), end)
        return hours[0].tradable_from, max(hours[-1].tradable_until, last_quarter.tradable_until)

    def hours_of(self, delivery_day: date) -> list[DeliveryPeriod]:
        """The hourly periods of a day in order: 24; 23 on the March change day; 24 labels in October, too."""
        periods = []
        for hour in range(24):
            with suppress(RejectedMessageError):  # skipped in March
                periods.append(self.period(delivery_day, f"{hour:02}-{hour + 1:02}"))
        return periods

    def tradable_hours(self, at: datetime) -> list[DeliveryPeriod]:
        """The hourly periods that are open for trading at that time."""
        today = at.astimezone(self.timezone).date()
        days = (today, today + timedelta(days=1))
        return [p for day in days for p in self.hours_of(day) if p.tradable_from <= at < p.tradable_until]

    def _instant(self, wall: datetime, fold: int = 0) -> datetime:
        return _instant(wall, self.timezone, fold)

    def _hours_label(self, start_at: datetime, end_at: datetime) -> str:
        """The label of whole hours between two instants: from its first hour to its last one."""
        first, last = self._hour_label(start_at), self._hour_label(end_at - _HOUR)
        if first == last:
            return first
        if first[:5] == last[:5]:
            return f"{first[:2]}A-{last[3:5]}B"  # without letters it would be one of the two
        return f"{first[:2]}{first[5:].strip('A')}-{last[3:5]}{last[5:].strip('B')}"

    def _hour_label(self, start_at: datetime) -> str:
        """The label of the hour that starts at an instant, with A or B if the label occurs twice that day."""
        wall = start_at.astimezone(self.timezone)
        half = "AB"[wall.fold] if self._is_doubled(wall) else ""
        return f"{wall.hour:02}-{wall.hour + 1:02}{half}"

    def _is_doubled(self, wall: datetime) -> bool:
        """Whether a local time occurs twice."""
        return self._instant(wall, fold=1) > self._instant(wall, fold=0)


def parse_delivery_day(value: object) -> date:
    """Parses a delivery day `YYYY-MM-DD`; blanks around it are cut.

    Raises:
        RejectedMessageError: It is not such a text, or not in the years 2000 to 2099.
    """
    if isinstance(value, str) and _DAY.fullmatch(text := value.strip()):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            pass
        else:
            if FIRST_DAY <= day <= LAST_DAY:
                return day
    raise RejectedMessageError(Reason.INVALID_DELIVERY_DAY, f"delivery_day is {quoted(value)}")


def _instant(wall: datetime, timezone: ZoneInfo, fold: int) -> datetime:
    return wall.replace(tzinfo=timezone, fold=fold).astimezone(UTC)


def is_same_label(label: object, other: str) -> bool:
    """Whether two labels name the same time of a day, however they are written.

    Args:
        label: Anything.
        other: A label of a period.
    """
    if not isinstance(label, str):
        return False
    try:
        return _parse_label(label) == _parse_label(other)
    except RejectedMessageError:
        return False


def _parse_label(label: str) -> tuple[int, timedelta, str, str]:
    """Minutes after local midnight, length, and two letters, A, B or none.

    The first is after the start and tells which of two hours a block begins with. The second is after the end
    and tells which of two hours a block ends with, or which of them the hour, half or quarter is of.

    A bare number is no label: for one exchange 14 is the hour that starts at 14:00, for another the one that
    ends then. Numbers of quarter hours and names of blocks differ, too.
    """
    text = _DASH.sub("-", label.strip()).upper() if len(label) <= 30 else ""
    begins_with = half = ""
    start = end = -1
    if match := _HOURS.fullmatch(text):
        start, end, begins_with, half = 60 * int(match[1]), 60 * int(match[3]), match[2], match[4]
    elif match := _HOUR_NUMBER.fullmatch(text):
        end, half = 60 * int(match[1] or match[3]), match[2] or match[4] or ""
        start = end - 60
    elif (match := _CLOCK.fullmatch(text)) and int(match[2]) < 60 and int(match[4]) < 60:
        start, end = 60 * int(match[1]) + int(match[2]), 60 * int(match[3]) + int(match[4])
        half = match[5]
    if end == 0 and start > 0:
        end = 24 * 60  # 23-00 ends with the day
    length = end - start
    is_aligned = length > 0 and (start % length == 0 if length in (15, 30) else start % 60 == end % 60 == 0)
    if not is_aligned or start < 0 or end > 24 * 60:
        raise RejectedMessageError(Reason.INVALID_DELIVERY_HOUR, f"delivery_hour is {quoted(label)}")
    return start, timedelta(minutes=length), begins_with, half


def _canonical_label(minutes: int, length: timedelta, half: str) -> str:
    end = minutes + length // timedelta(minutes=1)
    if length >= _HOUR:
        return f"{minutes // 60:02}-{end // 60:02}{half}"
    return f"{minutes // 60:02}:{minutes % 60:02}-{end // 60:02}:{end % 60:02}{half}"


def publication_due(at: datetime) -> datetime:
    """When the latest publication of reference prices was due; it comes up to PUBLICATION_DELAY later."""
    return at - (at - _EPOCH) % PUBLICATION_INTERVAL
