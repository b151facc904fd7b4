"""A desk of two markets as plain Python: its trades and prices, and what they come to by include/domain."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from include.domain.delivery_period import Market
from include.domain.pnl import Direction, Fill, Pnl, compute_pnl, ratio
from include.domain.reference_price import Observation, price_status

MARKETS = {
    "DE": Market(ZoneInfo("Europe/Berlin"), "DE"),
    "FI": Market(ZoneInfo("Europe/Helsinki"), "FI"),
}

TODAY = date(2025, 3, 19)
YESTERDAY = date(2025, 3, 18)
LAST_WEEK = date(2025, 3, 12)
GAP_DAY = date(2025, 3, 5)
FEBRUARY = date(2025, 2, 20)
FUTURE = date(2090, 6, 1)

GAP = datetime(2025, 3, 5, 7, 30, tzinfo=UTC), datetime(2025, 3, 5, 8, 5, tzinfo=UTC)
CANCELLED_AT = datetime(2025, 3, 18, 8, 30, tzinfo=UTC)

BUILDS = (
    datetime(2025, 3, 18, 16, tzinfo=UTC),
    datetime(2025, 3, 19, 9, tzinfo=UTC),
    datetime(2025, 3, 19, 13, tzinfo=UTC),
)
"""When PnL was published: before yesterday's 18:00, before noon of today, after it; Berlin is UTC+1."""


@dataclass(frozen=True)
class Trade:
    """A trade, and the build that first has it."""

    trade_id: str
    build: int
    day: date
    label: str
    trader: str
    direction: Direction
    mw: Decimal
    price: Decimal
    market: str = "DE"

    @property
    def sign(self) -> int:
        return 1 if self.direction == "sell" else -1

    @property
    def mwh(self) -> dict[str, Decimal]:
        """Its energy in each hour of PnL."""
        period = MARKETS[self.market].period(self.day, self.label)
        return {share.pnl_hour: self.mw * share.hours for share in period.shares}


def _trade(trade_id: str, build: int, day: date, text: str, market: str = "DE") -> Trade:
    label, trader, direction, mw, price = text.split()
    assert direction in ("buy", "sell")
    return Trade(trade_id, build, day, label, trader, direction, Decimal(mw), Decimal(price), market)


TRADES = [
    _trade("a1", 1, TODAY, "10-11 anna sell 2 50"),
    _trade("a2", 1, TODAY, "10:00-10:15 anna buy 4 40.25"),
    _trade("a3", 1, TODAY, "09-11 anna sell 1.3 30"),
    _trade("b1", 1, TODAY, "10-11 ben buy 3 60"),
    _trade("b2", 1, TODAY, "11-12 ben buy 1.5 20"),
    _trade("b3", 1, TODAY, "11-12 ben buy 0.5 26"),
    _trade("c1", 2, TODAY, "10-11 carl sell 1 47"),
    _trade("e1", 1, TODAY, "10-11 eve sell 3 25", "FI"),
    _trade("y1", 0, YESTERDAY, "10-11 anna sell 5 70.1"),
    _trade("y2", 0, YESTERDAY, "10-11 ben buy 5 61"),
    _trade("y3", 0, YESTERDAY, "14-15 carl buy 1 -5"),
    _trade("y4", 1, YESTERDAY, "15-16 unassigned sell 2 55"),
    _trade("y5", 2, YESTERDAY, "10-11 ben sell 3 63"),
    _trade("w1", 0, LAST_WEEK, "10-11 anna sell 2 33.3"),
    _trade("w2", 0, LAST_WEEK, "20-21 ben buy 4 80"),
    _trade("w3", 0, LAST_WEEK, "21-22 ben buy 3 90"),
    _trade("g1", 0, GAP_DAY, "10-11 anna sell 1 44"),
    _trade("f1", 0, FEBRUARY, "10-11 anna buy 1 10"),
    _trade("o1", 1, FUTURE, "10-11 anna buy 7 50"),
    _trade("o2", 1, FUTURE, "10-11 ben sell 2 52"),
    _trade("o3", 1, FUTURE, "11-12 ben sell 2 52"),
    _trade("o4", 1, FUTURE, "11-12 ben buy 2 51"),
]
"""The trades that count."""

CANCELLED = _trade("x1", 0, YESTERDAY, "10-11 ben sell 9 100")
AS_CAPTURED = _trade("y3", 0, YESTERDAY, "14-15 carl buy 1 -4")
"""The statement has this trade with another price."""

FINAL, EARLY = datetime(2025, 3, 20, 12, tzinfo=UTC), datetime(2025, 3, 19, 7, tzinfo=UTC)
PRICES: dict[tuple[str, date, str], tuple[Decimal, datetime]] = {
    ("DE", TODAY, "09-10"): (Decimal("35.75"), EARLY),
    ("DE", TODAY, "10-11"): (Decimal(45), EARLY),
    ("FI", TODAY, "10-11"): (Decimal(20), EARLY),
    ("DE", YESTERDAY, "10-11"): (Decimal("65.5"), FINAL),
    ("DE", YESTERDAY, "14-15"): (Decimal(-2), FINAL),
    ("DE", YESTERDAY, "15-16"): (Decimal("51.01"), FINAL),
    ("DE", LAST_WEEK, "10-11"): (Decimal(30), FINAL),
    ("DE", LAST_WEEK, "20-21"): (Decimal(90), FINAL),
    ("DE", LAST_WEEK, "21-22"): (Decimal(77), FINAL),
    ("DE", GAP_DAY, "10-11"): (Decimal(40), FINAL),
    ("DE", FEBRUARY, "10-11"): (Decimal(12), FINAL),
    ("DE", FUTURE, "11-12"): (Decimal(49), EARLY),
}


def price_of(market: str, day: date, hour: str) -> Decimal | None:
    price, _ = PRICES.get((market, day, hour), (None, None))
    return price


def status_of(market: str, day: date, hour: str) -> str:
    if (market, day, hour) not in PRICES:
        return "missing"
    price, observed_at = PRICES[market, day, hour]
    return price_status(MARKETS[market].period(day, hour), Observation(price, None, observed_at))


@dataclass(frozen=True)
class Hour:
    """A row of PnL: of a trader, or of the portfolio (trader None)."""

    market: str
    day: date
    hour: str
    trader: str | None
    pnl: Pnl
    trade_ids: frozenset[str]


def hours(of: Callable[[Trade], bool], *, is_portfolio: bool = False) -> list[Hour]:
    """PnL by the specification of the trades that are wanted, in order of market, day, hour and trader."""
    fills, ids = defaultdict(list), defaultdict(set)
    for trade in filter(of, TRADES):
        for hour, mwh in trade.mwh.items():
            key = (trade.market, trade.day, hour, None if is_portfolio else trade.trader)
            fills[key].append(Fill(trade.direction, mwh, trade.price))
            ids[key].add(trade.trade_id)
    return [
        Hour(*key, compute_pnl(fills[key], price_of(*key[:3])), frozenset(ids[key]))
        for key in sorted(fills, key=lambda key: (*key[:3], key[3] or ""))
    ]


@dataclass(frozen=True)
class Range:
    """Sums over rows of PnL."""

    trade_count: int
    buy_mwh: Decimal
    sell_mwh: Decimal
    cash_flow_eur: Decimal
    pnl_eur: Decimal | None
    priced_pnl_eur: Decimal | None
    realised_pnl_eur: Decimal
    missing_price_count: int
    buy_vwap: Decimal | None
    sell_vwap: Decimal | None
    performance: Decimal | None


def total(rows: Iterable[Hour]) -> Range:
    """What a day, a week or a month says of its rows: nothing without a price is counted as zero."""
    rows = list(rows)
    priced = [row.pnl.pnl_eur for row in rows if row.pnl.pnl_eur is not None]
    pnl = sum(priced, Decimal(0)) if len(priced) == len(rows) else None
    buy, sell = sum(row.pnl.buy_mwh for row in rows), sum(row.pnl.sell_mwh for row in rows)
    return Range(
        trade_count=len(set().union(*(row.trade_ids for row in rows))),
        buy_mwh=Decimal(buy),
        sell_mwh=Decimal(sell),
        cash_flow_eur=Decimal(sum(row.pnl.cash_flow_eur for row in rows)),
        pnl_eur=pnl,
        priced_pnl_eur=sum(priced, Decimal(0)) if priced else None,
        realised_pnl_eur=Decimal(sum(row.pnl.realised_pnl_eur for row in rows)),
        missing_price_count=len(rows) - len(priced),
        buy_vwap=ratio(Decimal(sum(row.pnl.buy_value_eur for row in rows)), Decimal(buy)),
        sell_vwap=ratio(Decimal(sum(row.pnl.sell_value_eur for row in rows)), Decimal(sell)),
        performance=None if pnl is None else ratio(pnl, Decimal(buy + sell)),
    )
