"""curated.pnl_hourly as the domain's rules make it from the landing files alone: no SQL, no loader."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from include.domain.delivery_period import DeliveryPeriod, Market
from include.domain.pnl import compute_pnl
from include.domain.reference_price import (
    Observation,
    is_transient_status,
    parse_reference_price,
    price_status,
    standing_price,
)
from include.domain.rejection import RejectedMessageError
from include.domain.trade import Trade, parse_trade
from include.landing import TRADES
from include.load.journal import Journal

Key = tuple[date, str, str]


@dataclass
class Specification:
    """What is in the landing files, by the rules of include/domain."""

    market: Market
    trades: dict[str, Trade] = field(default_factory=dict)
    received: dict[str, tuple[datetime, str, int]] = field(default_factory=dict)
    prices: dict[tuple[date, str], list[Observation]] = field(default_factory=dict)
    periods: dict[tuple[date, str], DeliveryPeriod] = field(default_factory=dict)
    intervals: list[tuple[datetime, datetime]] = field(default_factory=list)

    def read(self, landing_root: Path, files: Iterable[tuple[str, str, int]]) -> None:
        """Files as (source, path below landing_root, loaded bytes), in any order."""
        for source, key, loaded_bytes in files:
            if source == TRADES:
                self.read_trades(landing_root / key, loaded_bytes, key)
            else:
                self.read_prices(landing_root / key, loaded_bytes)

    def read_trades(self, path: Path, loaded_bytes: int, key: str) -> None:
        """The copy of a trade that was received first counts; of several at once, file and line decide."""
        journal = Journal()
        for number, line in enumerate(lines(path, loaded_bytes), start=1):
            at = datetime.fromisoformat(line["received_at"])
            if "event" in line:
                alive = line.get("alive_until")
                alive_until = datetime.fromisoformat(alive) if alive else None
                journal.event(at, line["event"], line.get("connected"), alive_until)
                continue
            journal.proof(at)
            try:
                trade = parse_trade(line["raw"], self.market)
            except (KeyError, RejectedMessageError):
                continue
            self._knows(trade.period)
            received = (at, key, number)
            if trade.trade_id not in self.trades or received < self.received[trade.trade_id]:
                self.trades[trade.trade_id], self.received[trade.trade_id] = trade, received
        self.intervals += journal.intervals.items()

    def read_prices(self, path: Path, loaded_bytes: int) -> None:
        """Every observation; include.domain says which one counts."""
        for line in lines(path, loaded_bytes):
            if "event" in line or is_transient_status(line["status"]):
                continue
            asked = line["request"]
            period = self.market.period(date.fromisoformat(asked["delivery_day"]), asked["delivery_hour"])
            try:
                answer = parse_reference_price(line["status"], line.get("raw", ""), period)
            except RejectedMessageError:
                continue
            self._knows(period)
            at, key = datetime.fromisoformat(line["received_at"]), (period.delivery_day, period.delivery_hour)
            observation = Observation(answer.price_eur_per_mwh, answer.provider_updated_at, at)
            self.prices.setdefault(key, []).append(observation)

    def pnl_hourly(self) -> dict[Key, dict[str, Any]]:
        """Every column but built_at."""
        by_key: dict[Key, list[Trade]] = {}
        for trade in self.trades.values():
            key = (trade.period.delivery_day, trade.period.delivery_hour, trade.trader_id)
            by_key.setdefault(key, []).append(trade)
        return {key: self._row(key, trades) for key, trades in by_key.items()}

    def _row(self, key: Key, trades: list[Trade]) -> dict[str, Any]:
        period = trades[0].period
        standing = standing_price(self.prices.get(key[:2], ()))
        gap = self.gap_seconds(period.tradable_from, period.tradable_until)
        return {
            "market": "DE",
            "delivery_day": key[0],
            "delivery_hour": key[1],
            "trader_id": key[2],
            "delivery_start_at": period.start_at,
            "delivery_end_at": period.end_at,
            "price_status": price_status(period, standing),
            "capture_gap_seconds": gap,
            "is_complete": gap == 0,
            **asdict(
                compute_pnl(
                    [trade.fill() for trade in trades], standing.price_eur_per_mwh if standing else None
                )
            ),
        }

    def gap_seconds(self, start: datetime, end: datetime) -> Decimal:
        """Time in [start, end) in which no line was connected, up to the last proof of a connection."""
        end = min(end, max(until for _, until in self.intervals))
        gap, covered_until = timedelta(), start
        for connected_from, connected_until in sorted(self.intervals):
            if connected_from >= end:
                break
            gap += max(connected_from - covered_until, timedelta())
            covered_until = max(covered_until, connected_until)
        gap += max(end - covered_until, timedelta())
        return Decimal(gap // timedelta(microseconds=1)) / 1_000_000

    def _knows(self, period: DeliveryPeriod) -> None:
        self.periods[period.delivery_day, period.delivery_hour] = period


def lines(path: Path, loaded_bytes: int) -> Iterable[dict[str, Any]]:
    """The whole lines of what is loaded of a file."""
    for line in path.read_bytes()[:loaded_bytes].split(b"\n"):
        try:
            yield msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError:  # torn, or nothing after the last line end
            continue
