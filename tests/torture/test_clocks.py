"""Clocks of the exchange, the capture and the warehouse that are stepped: no false numbers, no hidden gap."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from include.capture.clock import AnchoredClock
from include.capture.recorder import Recorder
from include.jobs import load_trades
from include.load import source
from include.settings import Settings
from tests.factories import Database
from tests.messages import deal
from tests.torture.conftest import Torture

FIRST = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
Span = tuple[datetime, datetime]


@dataclass
class Line:
    """A capture line in virtual time, whose clock is stepped; and what was true meanwhile.

    Attributes:
        truth: When it was connected, by a clock that is right.
        sent: How many trades the exchange has sent.
    """

    root: Path
    random: Random
    trial: int
    began_at: datetime
    offset: timedelta = timedelta()
    passed: timedelta = timedelta()
    truth: list[Span] = field(default_factory=list)
    sent: int = 0
    steps: int = 0
    exchange_offset: timedelta = timedelta()
    _since: datetime | None = None
    _recorder: Recorder | None = None

    @property
    def now(self) -> datetime:
        return self.began_at + self.passed

    @property
    def recorder(self) -> Recorder:
        assert self._recorder is not None
        return self._recorder

    async def start(self) -> None:
        """A process of its own, with a clock of its own."""
        clock = AnchoredClock(lambda: self.now + self.offset, lambda: self.passed.total_seconds())
        self._recorder = Recorder(self.root, f"t{self.trial}", clock)
        await self.recorder.open()

    def connect(self) -> None:
        self.recorder.connected(url="ws://exchange", connection=1)
        self._since = self.now

    def _left(self, until: datetime) -> None:
        if self._since is not None:
            self.truth.append((self._since, until))
        self._since = None

    async def live(self, beats: int) -> None:
        """Time passes, with messages and heartbeats; each ping is answered while it is connected."""
        for _ in range(beats):
            for _ in range(self.random.choice([0, 0, 1, 3])):
                self.passed += self.random.uniform(0.1, 3) * SECOND
                if self._since is not None:
                    self.trade()
                    await asyncio.sleep(0)
            self.passed += self.random.uniform(0.1, 1) * SECOND
            if self._since is not None:
                self.recorder.answered(0.0)
            self.recorder.heartbeat()

    def trade(self) -> None:
        at = self.now + self.exchange_offset
        message = deal(id=f"{self.trial}-{self.sent}", quantity=1, execution_time=at.isoformat())
        self.recorder.message(message.encode())
        self.sent += 1

    async def outage(self) -> None:
        """The connection ends and comes back: noticed at once, noticed late, or because the process died."""
        kind = self.random.choice(["closed", "dead", "killed"] if not self.offset else ["closed", "dead"])
        ended_at = self.now
        self._left(ended_at)
        if kind == "killed":
            # what it wrote stays; its lock is gone with it
            await self.recorder.close()
            self._forget_the_end()
        else:
            if kind == "dead":
                self.passed += self.random.uniform(12, 22) * SECOND
            self.recorder.disconnected("away", noticed_at_once=kind == "closed")
        self.passed += self.random.uniform(1, 400) * SECOND
        if kind == "killed":
            await self.start()
        self.recorder.heartbeat()
        self.connect()

    def _forget_the_end(self) -> None:
        """A process that is killed writes no `closed`."""
        for path in self.root.rglob(f"t{self.trial}-*.jsonl"):
            *lines, last = path.read_bytes().splitlines(keepends=True)
            if b'"event":"closed"' in last:
                path.write_bytes(b"".join(lines))

    def step(self, offset: timedelta) -> None:
        self.offset = offset
        self.steps += 1

    async def stop(self) -> None:
        self.recorder.disconnected("capture was stopped", noticed_at_once=True)
        self._left(self.now)
        await self.recorder.close()

    def outages(self) -> list[Span]:
        """When it was not connected, between the first and the last connection."""
        return [
            (end, start)
            for (_, end), (start, _) in zip(self.truth, self.truth[1:], strict=False)
            if end < start
        ]


async def a_day(line: Line, load: "Warehouse", offsets: list[timedelta]) -> None:
    """Outages and steps of all clocks in random order; the capture's clock is right in the end."""
    random = line.random
    line.offset = offsets[0]
    await line.start()
    line.connect()
    await line.live(20)
    for offset in [*offsets[1:], timedelta()]:
        for _ in range(random.randint(0, 2)):
            await line.live(random.randint(3, 150))
            await line.outage()
        await line.live(random.randint(3, 150))
        if random.random() < 0.5:
            load(line.now)
        line.exchange_offset = random.choice([-HOUR, timedelta(), HOUR])
        line.step(offset)
        if random.random() < 0.3:
            await line.outage()
    await line.live(20)
    await line.stop()


class Warehouse:
    """Loads by a clock that may be an hour wrong."""

    def __init__(self, settings: Settings, random: Random, patch: pytest.MonkeyPatch) -> None:
        self._settings = settings
        self._random = random
        self._now = FIRST
        patch.setattr(source, "datetime", self)

    def now(self, _zone: object) -> datetime:
        return self._now

    def __call__(self, now: datetime, offset: timedelta | None = None) -> None:
        """Loads at that moment."""
        self._now = now + (self._random.choice([-HOUR, timedelta(), HOUR]) if offset is None else offset)
        assert load_trades.run(self._settings)["failed_files"] == 0


def test_stepped_clocks_hide_no_gap(
    torture: Torture, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Warehouse(settings, torture.random, monkeypatch)
    lines: list[Line] = []
    for trial in torture.trials(8, 150):
        random = Random(torture.random.random())
        offsets = [random.choice([timedelta(), timedelta(), HOUR])]
        for _ in range(random.randint(1, 3)):
            offsets += [timedelta(), random.choice([HOUR, -HOUR, 5 * SECOND, -5 * SECOND])]
        line = Line(settings.landing_root, random, trial, FIRST + trial * timedelta(days=1))
        asyncio.run(a_day(line, load, offsets))
        lines.append(line)
        load(line.now + HOUR, timedelta())
        hidden = hidden_gaps(database, line)
        assert hidden == [], (trial, offsets)
    sent = sum(line.sent for line in lines)
    assert database.rows("SELECT count(*), sum(quantity_mw) FROM raw.trades") == [(sent, Decimal(sent))]
    assert database.value("SELECT count(*) FROM ops.rejected_messages") == 0
    outages = sum(len(line.outages()) for line in lines)
    true_seconds = sum((end - start).total_seconds() for line in lines for start, end in line.outages())
    known_seconds = sum(known_gap_seconds(database, line) for line in lines)
    torture.report(
        "Steps of the clocks hide no capture gap and change no trade",
        f"{sum(line.steps for line in lines):,} steps of capture's clock by ±1 h and ±5 s, exchange's and"
        f" warehouse's clock ±1 h wrong at random, {outages:,} outages, in {len(lines):,} days",
        f"0 s of {true_seconds / 3600:.1f} h of outages hidden, recorded {known_seconds / 3600:.1f} h;"
        f" {sent:,} trades, each once",
    )


def _known(database: Database, line: Line) -> list[Span]:
    start, end = line.truth[0][0], line.truth[-1][1]
    return database.rows(
        "SELECT greatest(gap_start_at, %s), least(gap_end_at, %s) FROM ops.capture_gaps"
        " WHERE gap_start_at < %s AND gap_end_at > %s ORDER BY 1",
        (start, end, end, start),
    )  # type: ignore[return-value]


def known_gap_seconds(database: Database, line: Line) -> float:
    return sum((end - start).total_seconds() for start, end in _known(database, line))


def hidden_gaps(database: Database, line: Line) -> list[Span]:
    """Parts of true outages that the warehouse does not know as gaps."""
    known = _known(database, line)
    hidden = []
    for outage_start, outage_end in line.outages():
        at = outage_start
        for start, end in known:
            if start > at:
                break
            at = max(at, end)
        if at < outage_end - timedelta(milliseconds=1):
            hidden.append((at, outage_end))
    return hidden
