"""Captures on real sockets: one in a thread of the test, an exchange that obeys the test, what was landed."""

import asyncio
import contextlib
import hashlib
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.capture.service import CaptureSummary, run_capture
from include.capture.timing import Timing
from include.landing import TRADES, list_files
from include.settings import Settings
from include.simulator.exchange import Exchange
from tests.messages import read_lines

QUICK = Timing(
    heartbeat=0.1,
    pong=0.3,
    open=2.0,
    close=0.3,
    poll=0.02,
    retry_write=0.05,
    first_delay=0.02,
    max_delay=0.1,
    steady=5.0,
)
"""What takes seconds in production takes hundredths here."""

Line = dict[str, Any]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Landed:
    """What lies in the landing files."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def files(self, name: str = "") -> list[list[Line]]:
        """The lines of each file whose name starts with `name`."""
        return [
            list(read_lines(file.path))
            for file in list_files(self.root, TRADES)
            if file.path.name.startswith(name)
        ]

    def lines(self, name: str = "") -> list[Line]:
        return [line for file in self.files(name) for line in file]

    def payloads(self, name: str = "") -> list[bytes]:
        return [
            line["raw"].encode() if "raw" in line else b64decode(line["raw_base64"])
            for line in self.lines(name)
            if "event" not in line
        ]

    def events(self, *kinds: str) -> list[Line]:
        """All events, or those of some kinds."""
        return [line for line in self.lines() if "event" in line and (not kinds or line["event"] in kinds)]


class Capture:
    """A capture that runs in a thread of the test."""

    def __init__(
        self,
        settings: Settings,
        name: str,
        timing: Timing,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._stop = threading.Event()
        self._thread = ThreadPoolExecutor(1)
        self._result = self._thread.submit(
            run_capture, settings, name, self._stop.is_set, timing=timing, clock=clock, monotonic=monotonic
        )

    def stop(self) -> CaptureSummary:
        """Stops it; what it returned or raised."""
        self._stop.set()
        try:
            return self._result.result(20)
        finally:
            self._thread.shutdown(wait=False)


class TestClock:
    """Wall clock and monotonic clock; in between, time can be let pass, and the wall clock be stepped."""

    __test__ = False

    def __init__(self) -> None:
        self._passed = timedelta()
        self._stepped = timedelta()

    def wall(self) -> datetime:
        return utc_now() + self._passed + self._stepped

    def monotonic(self) -> float:
        return time.monotonic() + self._passed.total_seconds()

    def pass_by(self, time: timedelta) -> None:
        self._passed += time

    def step(self, by: timedelta) -> None:
        self._stepped += by


StartCapture = Callable[..., Capture]


@pytest.fixture
def landed(tmp_path: Path) -> Landed:
    return Landed(tmp_path / "landing")


@pytest.fixture
def start_capture(landed: Landed) -> Iterator[StartCapture]:
    """Starts captures of this test's landing folder; they are stopped when it ends."""
    captures: list[Capture] = []

    def start(
        url: str,
        name: str = "test",
        timing: Timing = QUICK,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        **changes: Any,
    ) -> Capture:
        settings = replace(Settings(), exchange_url=url, landing_root=landed.root, **changes)
        captures.append(Capture(settings, name, timing, clock, monotonic))
        return captures[-1]

    yield start
    for capture in captures:
        capture.stop()


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    """An exchange that says only what it is told to."""
    with Exchange(rate_per_second=0) as exchange:
        yield exchange


@contextlib.contextmanager
def serving(
    serve: Callable[[], contextlib.AbstractAsyncContextManager[asyncio.Server | Any]],
) -> Iterator[int]:
    """Runs an asyncio server in a thread; yields its port."""
    ready: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        stop = asyncio.Event()
        async with serve() as server:
            ready.set_result((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    port, loop, stop = ready.result(10)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


@contextlib.asynccontextmanager
async def tcp_server(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[asyncio.Server]:
    """A bare TCP server on a free port."""
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server
    finally:
        server.close()
        await asyncio.sleep(0.05)  # a handler that is cancelled before it begins would not close its connection


async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The server's side of a websocket's opening handshake."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    key = next(line for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))
    seed = key.split(": ")[1] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = b64encode(hashlib.sha1(seed.encode()).digest()).decode()
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
    )
