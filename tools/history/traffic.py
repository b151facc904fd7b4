"""What the exchange sends, minute by minute: ordinary deals, and some of everything that a desk has to bear."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from include.simulator.deals import Deal, DealGenerator
from include.simulator.market import SimulatedMarket

MINUTE = timedelta(minutes=1)
LATE_DAYS = 5
"""A late trade is for a delivery hour of one of this many days before."""

_HARMLESS = (*("duplicate",) * 3, *("late",) * 4, "tomorrow", "tomorrow", "zero", "zero", "negative")
_CONFLICTS = (
    "conflict_after_on_first",
    "conflict_before_on_last",
    "conflict_after_on_all",
    "conflict_before_on_all",
    "conflict_an_hour_later",
    "conflict_at_the_same_time",
)
_MAX_BAD_SHARE = 0.02  # of the messages of an hour: well below what turns its run red
_POOL_MINUTES, _POOL_DEALS = 10, 300
_SECOND = timedelta(seconds=1)
_NOTHING = timedelta()


@dataclass(slots=True)
class TradeSent:
    """One trade, whatever is sent about it.

    Attributes:
        contents: The messages about it that any line received.
        is_sent: Whether anything was sent.
    """

    delivery_day: date
    contents: set[bytes] = field(default_factory=set)
    is_sent: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """One message on its way.

    Attributes:
        trade: None for what is no trade.
        lines: Numbers of the capture instances that it goes to; None: to all.
        latency: The same on each line; None: each line's own.
    """

    at: datetime
    payload: bytes
    trade: TradeSent | None
    lines: tuple[int, ...] | None = None
    latency: timedelta | None = None


class Traffic:
    """The messages of one minute after the other.

    Args:
        market: Where the deals are made; ordinary ones enter its index.
        seed: Of all that is not ordinary.
        per_minute: Ordinary deals.
        start_at: The first minute.
        lines: Number of capture instances.
        is_fast: Vary a few hundred deals of every ten minutes instead of making each anew.
    """

    def __init__(
        self,
        market: SimulatedMarket,
        seed: int,
        per_minute: int,
        start_at: datetime,
        lines: int,
        is_fast: bool = False,
    ) -> None:
        self._market = market
        self._deals = DealGenerator(seed, market.calendar, has_fixed_ids=True)
        self._seed = seed
        self._per_minute = per_minute
        self._start_at = start_at
        self._first, self._last = (0,), (lines - 1,)
        self._pool = _Pool() if is_fast else None
        self._planned: dict[int, list[str]] = {}
        self._random = Random()
        self._later: deque[Sent] = deque()

    def minute(self, minute: datetime) -> list[Sent]:
        """What is sent in that minute, in order of time; each minute once, in order."""
        if minute.minute == 0:
            self._plan(minute)
        sent = self._varied(self._pool, minute) if self._pool else self._made(minute)
        for kind in self._planned.get(minute.minute, ()):
            # away from the edges: what is sent some seconds before or after stays within the minute
            at = minute + timedelta(seconds=self._random.uniform(10, 35))
            sent += self._special(kind, self._deals.deal(at), at)
        while self._later and self._later[0].at < minute + MINUTE:
            sent.append(self._later.popleft())
        return sorted(sent, key=lambda message: message.at)

    def _made(self, minute: datetime) -> list[Sent]:
        sent = []
        for deal in self._deals.between(minute, minute + MINUTE, self._per_minute / 60):
            self._market.record(deal)
            sent.append(Sent(deal.executed_at, deal.message().encode(), _trade(deal)))
        return sent

    def _varied(self, pool: "_Pool", minute: datetime) -> list[Sent]:
        if minute.minute % _POOL_MINUTES == 0:
            pool.fill(self._deals.between(minute, minute + MINUTE, _POOL_DEALS / 60), self._seed)
        step = MINUTE / self._per_minute
        return [Sent(minute + number * step, *pool.another()) for number in range(self._per_minute)]

    def _plan(self, hour: datetime) -> None:
        """What else will be sent in this hour, and when."""
        random = self._random = Random(f"{self._seed}/history/{hour}")
        number = int((hour - self._start_at).total_seconds()) // 3600
        conflicts = (_CONFLICTS[number % 6], _CONFLICTS[(number + 3) % 6])
        bad = [conflicts[0], ("broken", "binary")[number % 2], conflicts[1], ("binary", "broken")[number % 2]]
        most_bad = max(1, int(_MAX_BAD_SHARE * 60 * self._per_minute))
        self._planned = {}
        for kind in [*_HARMLESS, *bad[:most_bad]]:
            self._planned.setdefault(random.randrange(60), []).append(kind)

    def _special(self, kind: str, deal: Deal, at: datetime) -> Iterator[Sent]:
        random = self._random
        if kind == "late":
            day = self._local_day(at) - timedelta(days=random.randint(1, LATE_DAYS))
            deal = replace(deal, period=random.choice(self._market.calendar.hours_of(day)))
        elif kind == "tomorrow":
            day = self._local_day(at) + timedelta(days=1)
            deal = replace(deal, period=random.choice(self._market.calendar.hours_of(day)))
        elif kind == "zero":
            deal = replace(deal, price=Decimal("0.00"))
        elif kind == "negative":
            deal = replace(deal, price=Decimal(random.randint(-20_000, -1)).scaleb(-2))
        text, trade = deal.message().encode(), _trade(deal)
        other = deal.with_other_price().message().encode()
        a_while = random.uniform(1, 9) * _SECOND
        match kind:
            case "broken":
                yield Sent(at, text[: random.randrange(1, len(text))], None)
            case "binary":
                yield Sent(at, b"\xff\xfe" + random.randbytes(30), None)
            case "duplicate":
                # at the same moment: received in the same read
                is_at_once = random.random() < 0.5
                yield Sent(at, text, trade)
                line = random.choice((self._first, self._last))
                yield Sent(
                    at if is_at_once else at + a_while, text, trade, line, _NOTHING if is_at_once else None
                )
            case "conflict_after_on_first":
                yield from (Sent(at, text, trade), Sent(at + a_while, other, trade, self._first))
            case "conflict_before_on_last":
                yield from (Sent(at, text, trade), Sent(at - a_while, other, trade, self._last))
            case "conflict_after_on_all":
                yield from (Sent(at, text, trade), Sent(at + a_while, other, trade))
            case "conflict_before_on_all":
                yield from (Sent(at, text, trade), Sent(at - a_while, other, trade))
            case "conflict_an_hour_later":
                yield Sent(at, text, trade)
                self._later.append(Sent(at + 60 * MINUTE, other, trade, self._last))
            case "conflict_at_the_same_time":
                # longer than any other: both lines receive it at the same microsecond
                latency = timedelta(milliseconds=50)
                yield Sent(at, text, trade, self._first, latency)
                yield Sent(at, other, trade, self._last, latency)
            case _:
                yield Sent(at, text, trade)

    def _local_day(self, at: datetime) -> date:
        return at.astimezone(self._market.calendar.timezone).date()


class _Pool:
    """Deals of one minute, to be sent again and again under other ids and for other prices."""

    def __init__(self) -> None:
        self._random = Random()
        self._deals: list[tuple[str, int, str, date]] = []

    def fill(self, deals: Iterable[Deal], seed: int) -> None:
        """Takes these instead of those before."""
        self._deals = []
        for deal in deals:
            before, _, after = deal.message().partition(deal.id)
            _, separator, rest = after.partition(', "quantity"')
            day = deal.period.delivery_day
            self._deals.append((before, int(deal.price * 100), separator + rest, day))
            self._random = Random(f"{seed}/pool/{deal.executed_at}")

    def another(self) -> tuple[bytes, TradeSent]:
        """A deal that was not sent before: its message, and what it is."""
        bits = self._random.getrandbits(128)
        before, cents, after, day = self._deals[bits % len(self._deals)]
        price = min(max(cents + bits % 1001 - 500, -999_999), 999_999) / 100
        return f'{before}{bits:032x}", "price": {price}{after}'.encode(), TradeSent(day)


def _trade(deal: Deal) -> TradeSent:
    return TradeSent(deal.period.delivery_day)
