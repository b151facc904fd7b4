"""curated.pnl_hourly as the domain's rules make it from the landing files alone: no SQL, no loader."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from include.domain.delivery_period import DeliveryPeriod, Market
from include.domain.lifecycle import Received, outcome
from include.domain.pnl import compute_pnl
from include.domain.reference_price import (
    Observation,
    is_transient_status,
    parse_reference_price,
    price_status,
    standing_price,
)
from include.domain.rejection import RejectedMessageError
from include.domain.trade import Operational, Trade, claimed_hours, parse_message
from include.landing import TRADES
from include.load.journal import Journal
from tests.e2e.platform import Platform
from tests.factories import Database

Hour = tuple[date, str]
Key = tuple[date, str, str]
Built = tuple[list[Any], list[dict[str, Any]]]
"""Files as (source, path below landing_root, loaded bytes), and rows of `curated.pnl_hourly`."""


@dataclass
class Specification:
    """What is in the landing files, by the rules of include/domain."""

    market: Market
    messages: list[Received] = field(default_factory=list)
    rejects: list[tuple[datetime, tuple[date, tuple[str, ...]] | None]] = field(default_factory=list)
    prices: dict[Hour, list[Observation]] = field(default_factory=dict)
    periods: dict[Hour, DeliveryPeriod] = field(default_factory=dict)
    intervals: list[tuple[datetime, datetime]] = field(default_factory=list)

    def read(self, landing_root: Path, files: Iterable[tuple[str, str, int]]) -> None:
        """Files as (source, path below landing_root, loaded bytes), in any order."""
        for source, key, loaded_bytes in files:
            if source == TRADES:
                self.read_trades(landing_root / key, loaded_bytes, key)
            else:
                self.read_prices(landing_root / key, loaded_bytes)

    def read_trades(self, path: Path, loaded_bytes: int, key: str) -> None:
        """Messages with the place of their receipt, and rejects with what they are about."""
        journal = Journal()
        for number, line in enumerate(lines(path, loaded_bytes), start=1):
            at = datetime.fromisoformat(line["received_at"])
            if "event" in line:
                alive = line.get("alive_until")
                alive_until = datetime.fromisoformat(alive) if alive else None
                journal.event(at, line["event"], line.get("connected"), alive_until)
                continue
            journal.proof(at)
            if "raw" not in line:
                self.rejects.append((at, None))
                continue
            try:
                message = parse_message(line["raw"], self.market)
            except RejectedMessageError:
                self.rejects.append((at, claimed_hours(line["raw"], self.market)))
                continue
            if isinstance(message, Trade):
                self._knows(message.period)
            if not isinstance(message, Operational):
                self.messages.append(Received(message, at, (key, number)))
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
        result = outcome(self.messages, is_sound)
        counting = _by_key(result.counting.values())
        cancelled, replaced = _by_key(result.cancelled.values()), _by_key(result.replaced)
        unreviewed = self.unreviewed(result.quarantined)
        return {
            key: self._row(
                key,
                trades,
                amendment_count=sum(trade.revision > 0 for trade in trades) + len(replaced.get(key, [])),
                cancelled_trade_count=len(cancelled.get(key, [])),
                has_unreviewed_messages=key[:2] in unreviewed,
            )
            for key, trades in counting.items()
        }

    def _row(self, key: Key, trades: list[Trade], **counts: Any) -> dict[str, Any]:
        hour = self.periods[key[:2]]
        standing = standing_price(self.prices.get(key[:2], ()))
        price = standing.price_eur_per_mwh if standing else None
        gap = self.gap_seconds(*self.tradable(key[:2]))
        return {
            "market": "DE",
            "delivery_day": key[0],
            "delivery_hour": key[1],
            "trader_id": key[2],
            "delivery_start_at": hour.start_at,
            "delivery_end_at": hour.end_at,
            "price_status": price_status(hour, standing),
            "capture_gap_seconds": gap,
            "is_complete": gap == 0 and not counts["has_unreviewed_messages"],
            "starting_trade_count": sum(trade.period.shares[0].pnl_hour == key[1] for trade in trades),
            **counts,
            **asdict(compute_pnl([trade.fills()[key[1]] for trade in trades], price)),
        }

    def tradable(self, hour: Hour) -> tuple[datetime, datetime]:
        """From when to when one of the known periods that deliver in the hour is tradable."""
        ends = [
            period.tradable_until
            for (day, _), period in self.periods.items()
            if day == hour[0] and any(share.pnl_hour == hour[1] for share in period.shares)
        ]
        return self.periods[hour].tradable_from, max(ends)

    def unreviewed(self, quarantined: Iterable[Trade]) -> set[Hour]:
        """The hours that rejects and trades in quarantine may concern."""
        found = {(t.period.delivery_day, share.pnl_hour) for t in quarantined for share in t.period.shares}
        hours = {(day, share.pnl_hour) for (day, _), period in self.periods.items() for share in period.shares}
        spans = {hour: self.tradable(hour) for hour in hours}
        for at, told in self.rejects + self.conflicts():
            if told is not None:
                found |= {(told[0], hour) for hour in told[1]}
            else:
                found |= {hour for hour, (begin, end) in spans.items() if begin <= at < end}
        return found

    def conflicts(self) -> list[tuple[datetime, tuple[date, tuple[str, ...]] | None]]:
        """Copies whose content is not that of the copy received first."""
        first: dict[tuple[str, str, int], Trade] = {}
        found: list[tuple[datetime, tuple[date, tuple[str, ...]] | None]] = []
        for r in sorted(self.messages, key=lambda r: (r.received_at, r.place)):
            if isinstance(t := r.message, Trade):
                stands = first.setdefault((t.trade_id, t.direction, t.revision), t)
                if stands.content != t.content:
                    hours = tuple(share.pnl_hour for share in t.period.shares)
                    found.append((r.received_at, (t.period.delivery_day, hours)))
        return found

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
        for label in (period.delivery_hour, *(share.pnl_hour for share in period.shares)):
            if (period.delivery_day, label) not in self.periods:
                self.periods[period.delivery_day, label] = self.market.period(period.delivery_day, label)


def is_sound(trade: Trade) -> bool:
    """Whether it breaks no critical expectation."""
    return abs(trade.price_eur_per_mwh) <= Decimal("9999.99") and trade.quantity_mw > 0


def _by_key(trades: Iterable[Trade]) -> dict[Key, list[Trade]]:
    found: dict[Key, list[Trade]] = {}
    for trade in trades:
        for share in trade.period.shares:
            found.setdefault((trade.period.delivery_day, share.pnl_hour, trade.trader_id), []).append(trade)
    return found


def lines(path: Path, loaded_bytes: int) -> Iterable[dict[str, Any]]:
    """The whole lines of what is loaded of a file."""
    for line in path.read_bytes()[:loaded_bytes].split(b"\n"):
        try:
            yield msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError:  # torn, or nothing after the last line end
            continue


def assert_built_as_specified(platform: Platform) -> int:
    """PnL of a platform equals what its landing files say, once nothing waits; the number of rows.

    Raises:
        AssertionError: It does not.
    """

    def snapshot() -> Built | None:
        with platform.database() as database:
            database.rows("BEGIN ISOLATION LEVEL REPEATABLE READ")
            busy = database.value(
                "SELECT (SELECT count(*) FROM ops.pending_delivery_periods)"
                " + (SELECT count(*) FROM ops.load_batches WHERE state = 'loaded')"
            )
            built = built_of(database)
            return built if built[1] and not busy else None

    return assert_as_specified(platform.wait_for(snapshot, 600), platform.settings().landing_root)


def built_of(database: Database) -> Built:
    """What is loaded and built."""
    files = database.rows(
        "SELECT source, landing_file, loaded_bytes FROM ops.landing_files"
        " JOIN ops.load_batches USING (landing_file_id, source)"
        " GROUP BY 1, 2, 3 ORDER BY min(load_batch_id)"
    )
    return files, database.dicts("SELECT * FROM curated.pnl_hourly")


def assert_as_specified(built: Built, landing_root: Path) -> int:
    """Rows of PnL equal what the landing files say; their number.

    Raises:
        AssertionError: They do not.
    """
    files, rows = built
    specification = Specification(Market.of("Europe/Berlin"))
    specification.read(landing_root, files)
    assert all(row.pop("built_at") is not None for row in rows)
    found = {(row["delivery_day"], row["delivery_hour"], row["trader_id"]): row for row in rows}
    assert found == specification.pnl_hourly()
    return len(rows)
