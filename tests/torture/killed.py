"""Processes that write landing files until SIGKILL, at any moment or at a certain call to the disk."""

import itertools
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any

from include.capture.service import run_capture
from include.landing import TRADES, event_line, message_line
from include.landing_writer import LandingWriter
from include.settings import Settings
from tests.integration.capture.conftest import QUICK
from tests.messages import deal
from tests.torture.disk_calls import intercepted

BEFORE, DURING, AFTER = "before", "during", "after"
START = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
HOURS_A_SECOND = 20
"""How fast the clock of a killed capture runs, so that it begins a file every 50 ms."""

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([__name__])


class KilledAt:
    """Kills its process at one of the calls to the disk: before it, in the middle of a write, or after it."""

    def __init__(self, number: int, moment: str) -> None:
        self._numbers = itertools.count()
        self._number = number
        self._moment = moment

    def __call__(self, _name: str, real: Callable[..., Any], *arguments: Any) -> Any:
        if next(self._numbers) != self._number:
            return real(*arguments)
        if self._moment == DURING and _name == "write":
            fd, data = arguments
            real(fd, data[: len(data) // 2])
        elif self._moment != BEFORE:
            real(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("it lives")


class Receipts:
    """What was said to be written, in a file that outlives the process."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, count: int) -> None:
        """So many messages are written."""
        os.write(self._fd, b"%d\n" % count)

    @staticmethod
    def count(path: Path) -> int:
        """How many are, of what was noted."""
        lines = path.read_bytes().split(b"\n") if path.exists() else []
        return int(lines[-2]) if len(lines) > 1 else 0


def write(root: Path, receipts: Path, seed: int, number: int, moment: str) -> None:
    """Writes messages over hours and steps of the clock, syncs and closes; killed at a call."""
    random, noted = Random(seed), Receipts(receipts)
    at = START + timedelta(hours=seed % 10_000)
    written = 0
    with intercepted(root, KilledAt(number, moment)):
        writer = LandingWriter(root, TRADES, f"w{seed}-{number}-{moment}", lambda: {"connected": True})
        for _ in range(12):
            at += timedelta(minutes=random.choice([0, 1, 59, 61]))
            step = timedelta(hours=random.choice([0, 0, 0, 1, -1]))
            if step and writer.path is not None:
                writer.end_file(
                    at,
                    {"connected": True},
                    event_line(at, "clock_stepped", seconds=step.total_seconds(), files=[]),
                )
                at += step
            batch = range(written, written + random.randint(1, 3))
            text = "x" * random.choice([0, 10, 5_000])
            messages = (deal(id=f"{seed}-{number}-{moment}-{n}", note=text) for n in batch)
            writer.append(b"".join(message_line(at, message.encode()) for message in messages), at)
            written = batch.stop
            noted.note(written)
            if random.random() < 0.5:
                writer.sync()
        writer.close(at)


def capture(root: Path, receipts: Path, url: str, name: str, number: int, moment: str) -> None:
    """Captures, by a clock that runs fast, until it is killed; at a call, if the number is not negative."""
    noted, written = Receipts(receipts), 0
    began, began_at = time.monotonic(), datetime.now(UTC)
    real = LandingWriter.append

    def append(self: LandingWriter, line: bytes, at: datetime) -> None:
        nonlocal written
        real(self, line, at)
        if new := line.count(b'"raw":'):
            written += new
            noted.note(written)

    def passed() -> float:
        return (time.monotonic() - began) * HOURS_A_SECOND * 3600

    LandingWriter.append = append  # type: ignore[method-assign]
    with intercepted(root, KilledAt(number, moment)):
        run_capture(
            replace(Settings(), exchange_url=url, landing_root=root),
            name,
            lambda: False,
            timing=QUICK,
            clock=lambda: began_at + timedelta(seconds=passed()),
            monotonic=passed,
        )


@contextmanager
def running(target: Callable[..., None], *arguments: Any) -> Iterator[BaseProcess]:
    """A process of its own, forked from one that has all modules; it is gone after the block."""
    process = _forks.Process(target=target, args=arguments, daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()
        process.close()
