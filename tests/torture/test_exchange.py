"""An exchange at its worst, for long: deadlines hold, memory is flat, and each outage is recorded."""

import asyncio
import ctypes
import itertools
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from websockets.asyncio.server import ServerConnection, serve

from include.capture.service import run_capture
from include.capture.timing import Timing
from include.jobs import load_trades
from include.load import audit
from include.settings import Settings
from tests.factories import Database
from tests.integration.capture.conftest import QUICK, Landed, serving, shake_hands, tcp_server, utc_now
from tests.integration.capture.test_hostile_exchange import (
    CONTINUATION,
    MEGABYTE,
    PING,
    TEXT,
    Behaviour,
    HostileExchange,
    Peer,
    drip_a_frame,
    drip_headers,
    frame,
    send_a_body_without_end,
    send_headers_without_end,
)
from tests.network import Namespace, namespace
from tests.torture.conftest import Torture
from tests.torture.killed import running
from tests.waiting import eventually

CLOSE = 8
MESSAGES = 100
"""Of each connection: so many that capture reconnects at once."""


def capture(root: Path, url: str, name: str, timing: Timing, network: str) -> None:
    """A capture until SIGTERM, in the network namespace of that name if there is one."""
    if network:
        with Path(f"/run/netns/{network}").open() as file:
            assert ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0) == 0
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    settings = replace(Settings(), exchange_url=url, landing_root=root)
    run_capture(settings, name, stopping.is_set, timing=timing)


@contextmanager
def capturing(root: Path, url: str, timing: Timing, name: str = "test", network: str = "") -> Iterator[int]:
    """Yields the process id; at the end the capture obeys SIGTERM."""
    with running(capture, root, url, name, timing, network) as process:
        assert process.pid is not None
        yield process.pid
        assert process.is_alive()
        process.terminate()
        process.join(20)
        assert process.exitcode == 0


def memory_and_files(pid: int) -> tuple[int, int]:
    """Memory in kB, open files."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]), len(list(Path(f"/proc/{pid}/fd").iterdir()))


def spans(database: Database) -> list[tuple[datetime, datetime]]:
    """When a capture was connected, as the warehouse has it."""
    return database.rows("SELECT connected_from, connected_until FROM ops.connected_intervals ORDER BY 1")  # type: ignore[return-value]


def hidden(outages: list[tuple[datetime, datetime]], connected: list[tuple[datetime, datetime]]) -> int:
    """How many outages are no gap: their middle counts as connected."""
    middles = [start + (end - start) / 2 for start, end in outages]
    return sum(any(start <= middle <= end for start, end in connected) for middle in middles)


class Leaver:
    """An exchange that sends some messages and ends the connection, each time in another way.

    Attributes:
        ends: What the next connections get instead of a proper end: bytes, or None for a reset.
        left: When it ended each connection.
        came: When each connection began.
        reasons: What the journal has to say about each end.
    """

    def __init__(self, ends: Iterator[tuple[bytes | None, str]], messages: int) -> None:
        self.left: list[datetime] = []
        self.came: list[datetime] = []
        self.reasons: list[str] = []
        self.sent = 0
        self._ends = ends
        self._messages = messages

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end = next(self._ends, None)
        if end is None:
            writer.transport.abort()
            return
        last, reason = end
        self.came.append(utc_now())
        try:
            await shake_hands(reader, writer)
            numbers = range(self.sent, self.sent + self._messages)
            writer.write(b"".join(frame(TEXT, b"%d" % number) for number in numbers))
            self.sent = numbers.stop
            if last is None:
                await writer.drain()
                await asyncio.sleep(0.02)
                self.left.append(utc_now())
                self.reasons.append(reason)
                writer.transport.abort()
                return
            writer.write(last)
            if not last:
                writer.write_eof()
            await writer.drain()
            self.left.append(utc_now())
            self.reasons.append(reason)
            await asyncio.wait_for(reader.read(), 1)
        finally:
            writer.transport.abort()


def endings(random: Random) -> list[tuple[bytes | None, str]]:
    """Ways to end a connection: the close codes that have a meaning, then all up to 5003 in random order."""
    valid = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}
    codes = [
        (frame(CLOSE, code.to_bytes(2, "big") + b"bye"), f"{code} " if code in valid else "1002 ")
        for code in range(5004)
    ]
    others: list[tuple[bytes | None, str]] = [
        (None, "onnection"),  # reset, or ended without a close frame
        (b"", "without a close frame"),
        (frame(CLOSE, b""), "1005 "),
        (frame(CLOSE, b"\x03"), "1002 "),
        (frame(CLOSE, b"\x03\xe8\xff"), "1007 "),
        (frame(TEXT, b"x" * 100)[:50] + b"", ""),
        (b"\xff\x00", "1002 "),
        (frame(CONTINUATION, b"x"), "1002 "),
        (frame(PING, b"x" * 126), "1002 "),
        (frame(TEXT, b"x", is_last=False) + frame(TEXT, b"y"), "1002 "),
        (b"\x81\x7f" + (1 << 40).to_bytes(8, "big"), "1009 "),
        (b"\x81\x7f\xff" + bytes(7), ""),
        (b"\x81\x81mask.", "1002 "),
    ]
    others = [(last, reason) for last, reason in others if reason]
    first = [codes[code] for code in (*range(1000, 1016), 0, 999, 1016, 2999, 3000, 3999, 4000, 4999, 5000)]
    mixed = codes + others * 25
    random.shuffle(mixed)
    return [*others, *first, *mixed]


def test_close_codes(torture: Torture, settings: Settings, database: Database) -> None:
    every = endings(torture.random)
    ends = every[: torture.count(37, 700)]
    root, landed = settings.landing_root, Landed(settings.landing_root)
    exchange = Leaver(iter(ends), 1)
    timing = replace(QUICK, first_delay=0.005, max_delay=0.005, pong=30.0, close=0.1)
    with (
        serving(lambda: tcp_server(exchange.handle)) as port,
        capturing(root, f"ws://127.0.0.1:{port}", timing),
    ):
        eventually(lambda: len(exchange.left) == len(ends), 3600 if torture.is_long else 60)
        eventually(lambda: len(landed.events("disconnected")) == len(ends))
    told = landed.events("disconnected")
    assert len(told) == len(ends) == len(landed.events("connected"))
    wrong = [
        (reason, line["reason"])
        for reason, line in zip(exchange.reasons, told, strict=True)
        if reason not in line["reason"]
    ]
    assert wrong == []
    assert landed.payloads() == [b"%d" % number for number in range(len(ends))]
    load_trades.run(settings)
    assert not any(file.problems or file.waiting_lines for file in audit.run(settings))
    torture.report(
        "Each end of a connection is told, and capture goes on",
        f"{len(ends):,} connections ended by the close codes 1000 to 1015 and others from 0 to 5003, by resets,"
        " and by frames that are none",
        f"{len(told):,} ends in the journal, each with its code; 0 of {len(ends):,} messages lost",
    )


def test_reconnects(torture: Torture, settings: Settings, database: Database) -> None:
    random = torture.random
    ways = endings(random)
    count = torture.count(16, 1_000)
    root, landed = settings.landing_root, Landed(settings.landing_root)
    exchange = Leaver(iter(ways[:count]), MESSAGES)
    early, late = (0, 0), (0, 0)
    with (
        serving(lambda: tcp_server(exchange.handle)) as port,
        capturing(root, f"ws://127.0.0.1:{port}", Timing()) as pid,
    ):
        while len(exchange.left) < count:
            time.sleep(0.05)
            if len(exchange.left) <= count // 5:
                early = memory_and_files(pid)
            if exchange.came:
                assert utc_now() - exchange.came[-1] < timedelta(seconds=60)
        eventually(lambda: len(landed.events("disconnected")) == count)
        late = memory_and_files(pid)
    assert landed.payloads() == [b"%d" % number for number in range(count * MESSAGES)]
    load_trades.run(settings)
    outages = list(zip(exchange.left, exchange.came[1:], strict=False))
    assert hidden(outages, spans(database)) == 0
    waits = [(end - start).total_seconds() for start, end in outages]
    assert late[0] - early[0] < 8_000
    assert late[1] <= early[1] + 2
    torture.report(
        "Capture reconnects at once or after at most 30 s, in flat memory, and records each outage",
        f"{count:,} reconnects with production's intervals, ends of all kinds",
        f"longest wait {max(waits):.1f} s; memory +{max(0, late[0] - early[0]) / 1000:.1f} MB, open files"
        f" {early[1]} to {late[1]}; 0 of {len(outages):,} outages hidden, 0 of {exchange.sent:,} messages lost",
    )


async def refuse(peer: Peer) -> None:
    pass


async def stay_silent(peer: Peer) -> None:
    await peer.reader.read()


async def answer_silence(peer: Peer) -> None:
    await peer.shake_hands()
    while await peer.reader.read(1000):
        pass


async def redirect_in_circles(peer: Peer) -> None:
    await peer.reader.readuntil(b"\r\n\r\n")
    await peer.send(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /again\r\n\r\n")


async def any_status(peer: Peer) -> None:
    await peer.reader.readuntil(b"\r\n\r\n")
    status = 100 + 37 * len(peer.exchange.connected_at) % 900
    await peer.send(b"HTTP/1.1 %d So\r\nContent-Length: 2\r\n\r\nno" % status)


async def ping_steadily(peer: Peer) -> None:
    await peer.shake_hands()
    peer.stop_reading()
    while True:
        await peer.send(frame(PING, b"x" * 125) * 64)
        await asyncio.sleep(0.05)


async def send_fragments_steadily(peer: Peer) -> None:
    await peer.shake_hands()
    await peer.send(frame(TEXT, b"", is_last=False))
    while True:
        await peer.send(frame(CONTINUATION, b"x" * MEGABYTE, is_last=False))
        await asyncio.sleep(0.1)


BEHAVIOURS: list[Behaviour] = [
    refuse,
    stay_silent,
    answer_silence,
    redirect_in_circles,
    any_status,
    ping_steadily,
    send_fragments_steadily,
    drip_a_frame,
    drip_headers,
    send_headers_without_end,
    send_a_body_without_end,
]


def test_hostile_exchanges(torture: Torture, tmp_path: Path) -> None:
    timing = Timing() if torture.is_long else replace(QUICK, open=0.5, heartbeat=0.3)
    seconds = torture.count(4, 240)
    behaviours = BEHAVIOURS
    peaks: dict[str, tuple[int, int]] = {}
    longest_beat = longest_wait = 0.0
    with ExitStack() as stack:
        attacks = []
        for behaviour in behaviours:
            exchange = HostileExchange(behaviour)
            url = stack.enter_context(exchange.serve())
            root = tmp_path / behaviour.__name__
            attacks.append((exchange, root, stack.enter_context(capturing(root, url, timing))))
        eventually(lambda: all(Landed(root).events("heartbeat") for _, root, _ in attacks), 60)
        time.sleep(seconds / 3)
        early = [memory_and_files(pid) for _, _, pid in attacks]
        time.sleep(seconds * 2 / 3)
        for (_, root, pid), before in zip(attacks, early, strict=True):
            peaks[root.name] = before[0], memory_and_files(pid)[0]
    for exchange, root, _ in attacks:
        beats = [datetime.fromisoformat(line["received_at"]) for line in Landed(root).events("heartbeat")]
        longest_beat = max([longest_beat, *((b - a).total_seconds() for a, b in itertools.pairwise(beats))])
        waits = [b - a for a, b in itertools.pairwise(exchange.connected_at)]
        # a redirect or a handshake without end takes its own time before the wait
        longest_wait = max([longest_wait, *waits])
        assert Landed(root).events()[-1]["event"] == "closed"
        assert len(exchange.connected_at) >= 1
    assert longest_beat < timing.heartbeat + timing.pong + 10
    assert longest_wait < timing.open + timing.max_delay + 2 * timing.pong + 15
    largest = max(late for _, late in peaks.values())
    assert largest < 300_000
    assert all(late < early + 80_000 for early, late in peaks.values()), peaks
    torture.report(
        "No exchange stops heartbeats, stops or memory limits",
        f"{len(behaviours)} hostile exchanges at once for {seconds} s: "
        + ", ".join(behaviour.__name__.replace("_", " ") for behaviour in behaviours),
        f"longest time between heartbeats {longest_beat:.0f} s, between attempts {longest_wait:.0f} s (its"
        f" handshake's 10 s with it); at most {largest / 1000:.0f} MB; each stop clean",
    )


def test_waits_between_attempts_end_at_30_s(torture: Torture) -> None:
    timing, tried = Timing(), torture.count(20_000, 2_000_000)
    longest = max(timing.reconnect_delay(failures) for failures in itertools.chain(range(tried), [10**9] * 100))
    assert 29 < longest <= 30
    torture.report(
        "Capture reconnects at once or after at most 30 s, in flat memory, and records each outage",
        f"{tried:,} failures in a row, computed",
        f"longest wait {longest:.1f} s",
    )


@pytest.fixture
def network() -> Iterator[Namespace]:
    with namespace() as made:
        yield made


def test_a_half_open_connection(
    torture: Torture, settings: Settings, database: Database, network: Namespace
) -> None:
    timing = Timing() if torture.is_long else replace(QUICK, open=0.5, heartbeat=0.5, pong=0.6)
    root, landed = settings.landing_root, Landed(settings.landing_root)
    numbers, arrived_before = itertools.count(), 0
    connections: list[ServerConnection] = []

    async def handle(connection: ServerConnection) -> None:
        connections.append(connection)
        await connection.send(b"%d" % next(numbers))
        await connection.wait_closed()

    holes: list[tuple[datetime, datetime]] = []
    noticed: list[float] = []
    cycles = torture.count(2, 8)
    with serving(lambda: serve(handle, network.host_address, 0, ping_interval=None, close_timeout=0.1)) as port:
        url = f"ws://{network.host_address}:{port}"
        with capturing(root, url, timing, network=network.name):
            for _ in range(cycles):
                eventually(lambda: len(landed.payloads()) > arrived_before, 90)  # noqa: B023
                arrived_before = len(landed.payloads())
                ends = len(landed.events("disconnected"))
                time.sleep(torture.random.uniform(0.2, 2))
                began = utc_now()
                network.black_hole()
                eventually(lambda: len(landed.events("disconnected")) > ends, 60)  # noqa: B023
                end = landed.events("disconnected")[-1]
                noticed.append((datetime.fromisoformat(end["received_at"]) - began).total_seconds())
                assert "link is dead" in end["reason"]
                assert datetime.fromisoformat(end["alive_until"]) <= began + timedelta(seconds=0.5)
                time.sleep(torture.random.uniform(0.5, 3))
                network.restore()
                holes.append((began, utc_now()))
            eventually(lambda: len(landed.payloads()) > arrived_before, 90)
    assert max(noticed) < timing.heartbeat + timing.pong + 8
    load_trades.run(settings)
    assert hidden(holes, spans(database)) == 0
    torture.report(
        "A connection on which every packet is lost is noticed within 30 s and recorded",
        f"{cycles} times all packets dropped in a network namespace, production's intervals",
        f"noticed after at most {max(noticed):.1f} s; 0 of {len(holes)} outages hidden",
    )
