"""Landing files of a past span: what capture instances and the pull would have landed by the simulator."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from include.simulator.market import SimulatedMarket
from tools.history.line import CaptureLine
from tools.history.outages import Outage, outages
from tools.history.prices import Pull
from tools.history.traffic import MINUTE, Sent, Traffic

HOUR = timedelta(hours=1)
_NAMES = ("airflow", "standalone")


@dataclass(frozen=True, slots=True)
class History:
    """What was written.

    Attributes:
        start_at: UTC hour at which the capture instances start.
        end_at: UTC hour before which they stop.
        trade_files: Landing files of trades: one for each line and UTC hour.
        price_files: Landing files of reference prices: one for each run of the pull, at minute 11 of each hour.
        trade_lines: Lines in all files of trades, events included.
        price_lines: The same of reference prices.
        trade_count: Trades of which at least one line received a copy: rows that `raw.trades` must come to.
        lost_count: Trades that no line received.
        broken_count: Lines with a message that is no trade.
        conflict_count: Trades that were received with two contents.
        duplicate_or_conflict_count: Lines with a further copy of a trade.
        first_delivery_day: Of the trades received, local day of the market; None without any.
        last_delivery_day: The same.
        prices_until: UTC hour before which the last reply of the pull lies; `end_at` without prices.
    """

    start_at: datetime
    end_at: datetime
    trade_files: int
    price_files: int
    trade_lines: int
    price_lines: int
    trade_count: int
    lost_count: int
    broken_count: int
    conflict_count: int
    duplicate_or_conflict_count: int
    first_delivery_day: date | None
    last_delivery_day: date | None
    prices_until: datetime


def write_history(
    root: Path,
    start_at: datetime,
    hours: int,
    *,
    per_minute: int = 100,
    lines: int = 2,
    seed: int = 7,
    timezone: str = "Europe/Berlin",
    has_prices: bool = True,
    is_settled: bool = True,
    has_revisions: bool = False,
    is_fast: bool = False,
) -> History:
    """Writes the landing files of `[start_at, start_at + hours)`. Memory is flat; same arguments, same bytes.

    Args:
        root: LANDING_ROOT; must not hold the files already.
        start_at: A full hour, UTC.
        hours: How long the capture instances run.
        per_minute: Ordinary deals a minute, 1 to 6,000.
        lines: Number of capture instances.
        seed: Of the market, the deals and all that goes wrong.
        timezone: IANA name of the market's zone.
        has_prices: Whether replies of the provider are landed too.
        is_settled: Whether the pull goes on after the capture instances stopped, until every delivery hour
            that was traded has its final price: up to about 47 hours.
        has_revisions: Whether the provider revises a final price once a day, some hours later.
        is_fast: For measurements of months: ordinary deals are varied, not made, and enter no index.

    Raises:
        ValueError: An argument is out of range.
        FileExistsError: Such a file exists.
    """
    if start_at.utcoffset() is None or (start_at - datetime.fromtimestamp(0, UTC)) % HOUR:
        raise ValueError(f"start_at must be a full hour with a zone, not {start_at}")
    if hours < 1 or lines < 1 or not 1 <= per_minute <= 6000:
        raise ValueError(f"no history: {hours} hours, {lines} lines, {per_minute} deals a minute")
    start_at = start_at.astimezone(UTC)
    end_at = start_at + hours * HOUR
    market = SimulatedMarket(seed, timezone)
    captures = [_capture(root, number, start_at, hours, seed) for number in range(lines)]
    traffic = Traffic(market, seed, per_minute, start_at, lines, is_fast)
    pull = Pull(root, market, start_at, has_revisions) if has_prices else None
    counts = _Counts()
    for minute in range(hours * 60):
        at = start_at + minute * MINUTE
        for sent in traffic.minute(at):
            counts.add(sent, _received(sent, captures))
        if pull is not None:
            pull.run_if_due(at)
    for capture in captures:
        capture.stop()
    prices_until = end_at
    if pull is not None and is_settled and counts.days:
        prices_until = pull.settle(end_at, max(counts.days))
    return History(
        start_at,
        end_at,
        trade_files=sum(capture.files for capture in captures),
        price_files=pull.files if pull else 0,
        trade_lines=sum(capture.lines for capture in captures),
        price_lines=pull.lines if pull else 0,
        trade_count=counts.trades,
        lost_count=counts.lost(),
        broken_count=counts.broken,
        conflict_count=counts.conflicts,
        duplicate_or_conflict_count=counts.copies - counts.trades,
        first_delivery_day=min(counts.days, default=None),
        last_delivery_day=max(counts.days, default=None),
        prices_until=prices_until,
    )


def _capture(root: Path, number: int, start_at: datetime, hours: int, seed: int) -> CaptureLine:
    name = _NAMES[number] if number < len(_NAMES) else f"line{number + 1}"
    down: list[Outage] = outages(seed, number, start_at, hours)
    return CaptureLine(root, number, name, start_at, start_at + hours * HOUR, down, seed)


def _received(sent: Sent, captures: list[CaptureLine]) -> int:
    """How many lines received it."""
    copies = 0
    for capture in captures:
        if sent.lines is None or capture.number in sent.lines:
            copies += capture.receive(sent.at, sent.payload, sent.latency)
    return copies


class _Counts:
    """What became of the trades, without remembering each."""

    def __init__(self) -> None:
        self.trades = self.copies = self.broken = self.conflicts = self._sent = 0
        self.days: set[date] = set()

    def add(self, sent: Sent, copies: int) -> None:
        trade = sent.trade
        if trade is None:
            self.broken += copies
            return
        if not trade.is_sent:
            trade.is_sent = True
            self._sent += 1
        if not copies:
            return
        self.copies += copies
        if not trade.contents:
            self.trades += 1
            self.days.add(trade.delivery_day)
        elif sent.payload not in trade.contents:
            self.conflicts += 1
        trade.contents.add(sent.payload)

    def lost(self) -> int:
        return self._sent - self.trades
