"""Full disks and failing calls: capture waits, says so, loses and doubles nothing, and goes on."""

import asyncio
import errno
import itertools
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from include.capture.clock import AnchoredClock
from include.capture.recorder import Recorder
from include.jobs import load_reference_prices, load_trades, pull_reference_prices
from include.landing import REFERENCE_PRICES, TRADES, list_files
from include.load import audit
from include.settings import Settings
from tests.factories import Database
from tests.integration.conftest import provider
from tests.integration.pull.server import ScriptedProvider
from tests.messages import deal, read_lines
from tests.torture.conftest import Torture
from tests.torture.disk_calls import CALLS, intercepted

__all__ = ["provider"]

NOON = datetime(2026, 3, 2, 13, 50, tzinfo=UTC)
"""14:50 in Berlin: nine hours are open, in summer eight."""

START = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)


class Faults:
    """Calls that fail: from the given one on so many, all of them or those of one name.

    Attributes:
        refused: How many have failed.
    """

    def __init__(self, first: int, number: int, code: int, name: str = "") -> None:
        self.refused = 0
        self._calls = itertools.count()
        self._first, self._left, self._code, self._name = first, number, code, name

    def end(self) -> None:
        """The disk works again."""
        self._left = 0

    def __call__(self, name: str, real: Callable[..., Any], *arguments: Any) -> Any:
        fails = next(self._calls) >= self._first and self._left > 0 and self._name in ("", name)
        if not fails:
            return real(*arguments)
        self.refused += 1
        self._left -= 1
        if name == "close":
            real(*arguments)  # Linux closes it all the same
        if name == "write" and self.refused == 1:
            fd, data = arguments
            if len(data) > 1:
                return real(fd, data[: len(data) // 2])  # the last room there is
        raise OSError(self._code, os.strerror(self._code))


class SteppedClock:
    """A clock that goes on and is stepped when the test says so."""

    def __init__(self) -> None:
        self.passed = self.stepped = timedelta()

    def wall(self) -> datetime:
        return START + self.passed + self.stepped

    def monotonic(self) -> float:
        return self.passed.total_seconds()


async def record(root: Path, random: Random, messages: int, trial: int, faults: Faults) -> None:
    """Receives messages over hours, outages and steps of the clock, as the service does; the disk recovers."""
    time = SteppedClock()
    recorder = Recorder(root, f"t{trial}", AnchoredClock(time.wall, time.monotonic), 0.001)
    await recorder.open()
    recorder.connected(url="ws://exchange", connection=1)
    sent = 0
    while sent < messages:
        time.passed += timedelta(seconds=random.choice([0.1, 1, 600, 3000]))
        happens = random.random()
        if happens < 0.1:
            time.stepped += timedelta(hours=random.choice([-1, 1]))
        elif happens < 0.2:
            recorder.heartbeat()
        elif happens < 0.3:
            recorder.disconnected("closed", noticed_at_once=True)
            recorder.connected(url="ws://exchange", connection=2)
        for number in range(sent, min(messages, sent + random.randint(1, 5))):
            recorder.message(deal(id=f"{trial}-{number}").encode())
            sent = number + 1
        await asyncio.sleep(random.choice([0, 0, 0.001]))
        if recorder.is_blocked:
            await recorder.writable()
    await asyncio.sleep(0.002)
    faults.end()
    while recorder.is_blocked:
        await recorder.writable()
    await recorder.close()


def check_files(root: Path, trial: int, messages: int) -> None:
    """Every message is there once, in order, in whole lines whose times do not go back within a file."""
    numbers = []
    for file in list_files(root, TRADES):
        if not file.path.name.startswith(f"t{trial}-"):
            continue
        assert file.path.read_bytes().endswith(b"\n")
        lines = list(read_lines(file.path))
        times = [line["received_at"] for line in lines]
        assert times == sorted(times)
        assert times[0][:13] == f"{file.hour_start_at:%Y-%m-%dT%H}"
        assert lines[0]["event"] == "opened"
        kinds = [line.get("event") for line in lines]
        assert kinds.count("opened") == 1
        assert kinds.count("clock_stepped") <= 1
        here = [
            int(json.loads(line["raw"])["deal_confirmation"]["id"].split("-")[1])
            for line in lines
            if "raw" in line
        ]
        assert here == sorted(here)
        numbers += here
    assert sorted(numbers) == list(range(messages))


def test_calls_to_the_disk_that_fail(
    torture: Torture, settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    root, messages, refused, failing = settings.landing_root, 30, 0, 0
    root.mkdir()
    for trial in torture.trials(60, 1_000):
        random = Random(torture.random.random())
        code = random.choice([errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS])
        faults = Faults(
            random.randrange(120), random.choice([1, 1, 2, 3, 10]), code, random.choice(["", *CALLS])
        )
        caplog.clear()
        with intercepted(root, faults):
            asyncio.run(record(root, random, messages, trial, faults))
        check_files(root, trial, messages)
        if faults.refused:
            refused += faults.refused
            failing += 1
        if trial % 500 == 499:
            check_loaded(settings, database)
            shutil.rmtree(root)
            root.mkdir()
    check_loaded(settings, database)
    torture.report(
        "A disk that is full or fails: capture waits, says so, skips nothing, and goes on",
        f"{refused:,} calls of {', '.join(CALLS)} refused in {failing:,} runs with ENOSPC, EIO, EDQUOT or"
        " EROFS, a first write half done, over new hours, reconnects and steps of the clock",
        f"0 of {messages * (trial + 1):,} messages lost or doubled, 0 torn lines, every line accounted for",
    )


def test_replies_that_cannot_be_landed(
    torture: Torture, settings: Settings, database: Database, provider: ScriptedProvider
) -> None:
    settings = replace(settings, market_data_url=provider.url)
    settings.landing_root.mkdir()
    failed = refused = hours = 0
    for trial in torture.trials(6, 60):
        random, now = Random(torture.random.random()), NOON + trial * timedelta(days=1)
        code = random.choice([errno.ENOSPC, errno.EIO])
        faults = Faults(random.randrange(30), random.choice([1, 2, 30]), code, random.choice(["", *CALLS]))
        asked = provider.count
        try:
            with intercepted(settings.landing_root, faults):
                pull_reference_prices.run(settings, now=now)
        except OSError:
            failed += 1
        refused += faults.refused
        answered = database.rows(
            "SELECT delivery_day, delivery_hour FROM ops.provider_requests WHERE is_answer"
        )
        assert database.value("SELECT count(*) FROM ops.provider_requests") == provider.count - asked
        whole = {
            (line["request"]["delivery_day"], line["request"]["delivery_hour"])
            for file in list_files(settings.landing_root, REFERENCE_PRICES)
            for line in read_lines(file.path)
            if "status" in line
        }
        assert {(str(day), hour) for day, hour in answered} <= whole, "what counts as answered is landed"
        database.rows("DELETE FROM ops.provider_requests")
        pull_reference_prices.run(settings, now=now)
        load_reference_prices.run(settings)
        priced = database.value(
            "SELECT count(DISTINCT delivery_hour) FROM raw.reference_prices WHERE delivery_day = %s",
            (now.date(),),
        )
        open_hours = sum(hour.delivery_day == now.date() for hour in settings.market.tradable_hours(now))
        assert priced >= open_hours
        hours += open_hours
        assert [file.problems for file in audit.run(settings) if file.problems] == []
        database.rows("DELETE FROM ops.provider_requests")
    torture.report(
        "A reply that cannot be landed does not count as an answer",
        f"{refused:,} calls refused with ENOSPC or EIO in {torture.count(6, 60):,} pulls",
        f"{failed:,} pulls failed; the next got all of {hours:,} prices; every line accounted for",
    )


def check_loaded(settings: Settings, database: Database) -> None:
    """All of it can be loaded and is accounted for."""
    loaded = load_trades.run(settings)
    assert (loaded["failed_files"], loaded["rejected_count"]) == (0, 0)
    assert [
        file.problems for file in audit.run(settings) if file.problems and "gone" not in str(file.problems)
    ] == []
