"""An exchange that does its worst stops neither heartbeats nor a stop, and takes little memory."""

import asyncio
import contextlib
import itertools
import logging
import re
import struct
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from include.capture import connection
from include.capture.timing import Timing
from include.landing import TRADES, list_files
from tests.integration.capture.conftest import QUICK, Landed, StartCapture, serving, shake_hands, tcp_server
from tests.integration.capture.test_main import StartProcess, start_process
from tests.waiting import eventually

__all__ = ["start_process"]

MEGABYTE = 1_000_000
MAX_STOP_SECONDS = 8.0
"""A stop takes about a second; the machine that runs the tests may be slow."""


@dataclass
class Peer:
    """A connection as the hostile exchange has it."""

    exchange: "HostileExchange"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def shake_hands(self) -> None:
        await shake_hands(self.reader, self.writer)

    def stop_reading(self) -> None:
        self.writer.transport.pause_reading()  # type: ignore[attr-defined]

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()
        self.exchange.sent_bytes += len(data)


Behaviour = Callable[[Peer], Awaitable[None]]


class HostileExchange:
    """Does the same to each connection; counts what it sent and whom it sent it to."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.sent_bytes = 0
        self.connected_at: list[float] = []
        self._behaviour = behaviour

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected_at.append(time.monotonic())
        try:
            # cancelled when the server ends, which would be logged as an error
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._behaviour(Peer(self, reader, writer))
        finally:
            writer.transport.abort()

    @contextlib.contextmanager
    def serve(self) -> Iterator[str]:
        """Serves while the context lasts; yields the address."""
        with serving(lambda: tcp_server(self._handle)) as port:
            yield f"ws://127.0.0.1:{port}"


def frame(opcode: int, payload: bytes, *, is_last: bool = True) -> bytes:
    """A frame as a server sends it."""
    head = bytes([opcode | (0x80 if is_last else 0)])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    return head + b"\x7f" + struct.pack("!Q", len(payload)) + payload


TEXT, CONTINUATION, PING = 1, 0, 9


async def flood(peer: Peer, data: bytes) -> None:
    while True:
        await peer.send(data)


async def flood_pings(peer: Peer) -> None:
    await peer.shake_hands()
    peer.stop_reading()
    await flood(peer, frame(PING, b"x" * 125) * 512)


async def flood_messages(peer: Peer) -> None:
    await peer.shake_hands()
    peer.stop_reading()
    await flood(peer, frame(TEXT, b"1") * 1000)


async def drip_a_frame(peer: Peer) -> None:
    await peer.shake_hands()
    for byte in itertools.chain(frame(TEXT, b"x" * MEGABYTE)):
        await peer.send(bytes([byte]))
        await asyncio.sleep(0.05)


async def send_fragments_without_end(peer: Peer) -> None:
    await peer.shake_hands()
    peer.stop_reading()
    await peer.send(frame(TEXT, b"", is_last=False))
    await flood(peer, frame(CONTINUATION, b"x" * 1000, is_last=False))


async def send_large_fragments_without_end(peer: Peer) -> None:
    await peer.shake_hands()
    await peer.send(frame(TEXT, b"", is_last=False))
    await flood(peer, frame(CONTINUATION, b"x" * MEGABYTE, is_last=False))


async def drip_headers(peer: Peer) -> None:
    await peer.reader.readuntil(b"\r\n\r\n")
    await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nX-Drip: ")
    while True:
        await peer.send(b"x")
        await asyncio.sleep(0.05)


async def send_headers_without_end(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 101 Switching Protocols\r\n")
    await flood(peer, b"X-Endless: yes\r\n" * 1000)


async def send_a_body_without_end(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
    await flood(peer, b"x" * 10_000)


IN_THE_HANDSHAKE = [drip_headers, send_headers_without_end, send_a_body_without_end]
ENOUGH_BYTES = {flood_messages: MEGABYTE}
"""More than all buffers on the way hold; the messages of a flood are landed, 70 bytes for each of its 3."""

FLOODS = [flood_pings, flood_messages, send_fragments_without_end, send_large_fragments_without_end]


def heartbeats(landed: Landed) -> int:
    files = list_files(landed.root, TRADES)
    return sum(file.path.read_bytes().count(b'"event":"heartbeat"') for file in files)


def had_enough(exchange: HostileExchange, behaviour: Behaviour) -> bool:
    """Whether it did its worst: sent what fits in no buffer, or was left three times."""
    enough = ENOUGH_BYTES.get(behaviour, 60 * MEGABYTE)
    return exchange.sent_bytes > enough or len(exchange.connected_at) >= 3


@pytest.mark.parametrize("behaviour", FLOODS)
def test_heartbeats_go_on_and_a_stop_is_obeyed(
    start_capture: StartCapture, landed: Landed, behaviour: Behaviour
) -> None:
    exchange = HostileExchange(behaviour)
    with exchange.serve() as url:
        capture = start_capture(url)
        eventually(lambda: had_enough(exchange, behaviour), 60)
        before = heartbeats(landed)
        eventually(lambda: heartbeats(landed) >= before + 3)
        began = time.monotonic()
        capture.stop()
        assert time.monotonic() - began < MAX_STOP_SECONDS

    assert landed.events()[-1]["event"] == "closed"


@pytest.mark.parametrize("behaviour", FLOODS)
def test_a_hostile_exchange_takes_a_bounded_part_of_the_memory(
    start_process: StartProcess, landed: Landed, behaviour: Behaviour
) -> None:
    exchange = HostileExchange(behaviour)
    with exchange.serve() as url:
        process = start_process("--exchange-url", url)
        eventually(lambda: had_enough(exchange, behaviour), 90)
        memory = Path(f"/proc/{process.pid}/status").read_text()
        process.terminate()

        assert process.wait(timeout=MAX_STOP_SECONDS) == 0
    peak_kilobytes = int(re.findall(r"VmHWM:\s+(\d+) kB", memory)[0])
    # the largest message is 64 MiB: it is there in pieces, and as a whole
    assert peak_kilobytes < (250_000 if behaviour is send_large_fragments_without_end else 64_000)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (flood_pings, "does not read the answers"),
        (drip_a_frame, "link is dead"),
        (send_fragments_without_end, "too many fragments"),
        (send_large_fragments_without_end, "1009"),
    ],
)
def test_the_journal_says_why_the_connection_was_ended(
    start_capture: StartCapture,
    landed: Landed,
    behaviour: Behaviour,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "MAX_MESSAGE_BYTES", 8 * MEGABYTE)
    # a heartbeat would notice first that no ping is answered
    with HostileExchange(behaviour).serve() as url:
        capture = start_capture(
            url, timing=QUICK if behaviour is drip_a_frame else replace(QUICK, heartbeat=30.0)
        )
        eventually(lambda: landed.events("disconnected"))
        end = landed.events("disconnected")[0]
        capture.stop()

    assert reason in end["reason"]


@pytest.mark.parametrize("behaviour", IN_THE_HANDSHAKE)
def test_a_handshake_without_end_is_given_up(
    start_capture: StartCapture, landed: Landed, behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    exchange = HostileExchange(behaviour)
    with exchange.serve() as url:
        capture = start_capture(url, timing=replace(QUICK, open=0.5))
        eventually(lambda: len(exchange.connected_at) >= 3)
        capture.stop()

    assert not landed.events("connected")
    assert any("cannot connect" in record.getMessage() for record in caplog.records)


def test_an_exchange_that_closes_after_one_message_is_given_time(start_capture: StartCapture) -> None:
    async def greet_and_leave(peer: Peer) -> None:
        await peer.shake_hands()
        await peer.send(frame(TEXT, b"one") + frame(8, b"\x03\xe8"))
        await peer.reader.read()

    exchange = HostileExchange(greet_and_leave)
    timing = replace(QUICK, first_delay=0.1, max_delay=30.0)
    with exchange.serve() as url:
        capture = start_capture(url, timing=timing)
        eventually(lambda: len(exchange.connected_at) >= 6)
        capture.stop()

    times = exchange.connected_at
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(wait >= 0.1 * 2**failures / 2 for failures, wait in enumerate(waits[:5])), waits


def test_a_connection_that_brought_many_messages_is_replaced_at_once(start_capture: StartCapture) -> None:
    async def trade_and_leave(peer: Peer) -> None:
        await peer.shake_hands()
        await peer.send(frame(TEXT, b"one") * 100 + frame(8, b"\x03\xe8"))
        await peer.reader.read()

    exchange = HostileExchange(trade_and_leave)
    # after seven failures in a row this would take minutes
    with exchange.serve() as url:
        capture = start_capture(url, timing=replace(QUICK, first_delay=0.1, max_delay=Timing().max_delay))
        eventually(lambda: len(exchange.connected_at) >= 10)
        capture.stop()


def test_a_close_reason_does_not_forge_a_line_of_the_log(start_process: StartProcess, landed: Landed) -> None:
    async def forge(peer: Peer) -> None:
        await peer.shake_hands()
        reason = "bye\n2026-03-02T10:00:00Z INFO all is well\u202e"
        await peer.send(frame(8, b"\x03\xf3" + reason.encode()))
        await peer.reader.read()

    with HostileExchange(forge).serve() as url:
        process = start_process("--exchange-url", url)
        eventually(lambda: landed.events("disconnected"))
        process.terminate()
        _, log = process.communicate(timeout=20)

    escaped = "bye\\n2026-03-02T10:00:00Z INFO all is well\\u202e"
    assert escaped in log
    assert not any(line.startswith("2026-03-02") for line in log.splitlines())
    assert escaped in landed.events("disconnected")[0]["reason"]


def warnings(caplog: pytest.LogCaptureFixture) -> set[str]:
    """What was logged beyond the level INFO, which other tests of the session may have switched on."""
    return {record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING}


@pytest.mark.parametrize("scheme", ["ws", "wss", "http"])
def test_a_redirect_to_another_server_is_refused(
    start_capture: StartCapture, landed: Landed, caplog: pytest.LogCaptureFixture, scheme: str
) -> None:
    other = HostileExchange(flood_messages)

    async def redirect(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        location = f"{scheme}://{other_url.removeprefix('ws://')}/feed?token=t0ken"
        answer = f"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n"
        await peer.send(answer.encode())

    exchange = HostileExchange(redirect)
    with other.serve() as other_url, exchange.serve() as url:
        capture = start_capture(url)
        eventually(lambda: len(exchange.connected_at) >= 2)
        eventually(lambda: warnings(caplog))
        capture.stop()

    assert other.connected_at == []
    [message] = warnings(caplog)
    assert (
        f"redirects to {scheme}://{other_url.removeprefix('ws://')}/feed, another scheme, host or port"
        in message
    )
    assert "t0ken" not in message


@pytest.mark.parametrize(
    "headers",
    [b"Location: ws://a/\r\nLocation: ws://b/\r\n", b"Location: http://[::1\r\n", b"Location: //b\r\n", b""],
    ids=["two", "no address", "no scheme", "none"],
)
def test_a_redirect_that_makes_no_sense_ends_nothing(
    start_capture: StartCapture, landed: Landed, caplog: pytest.LogCaptureFixture, headers: bytes
) -> None:
    async def redirect(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n" + headers + b"\r\n")

    exchange = HostileExchange(redirect)
    with exchange.serve() as url:
        capture = start_capture(url)
        eventually(lambda: len(exchange.connected_at) >= 2)
        capture.stop()
    assert all(message.startswith(f"cannot connect to {url}: ") for message in warnings(caplog))


def test_a_redirect_within_the_server_is_followed(start_capture: StartCapture, landed: Landed) -> None:
    async def redirect(peer: Peer) -> None:
        if len(peer.exchange.connected_at) == 1:
            await peer.reader.readuntil(b"\r\n\r\n")
            await peer.send(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /feed\r\n\r\n")
        else:
            await peer.shake_hands()
            await peer.send(frame(TEXT, b"hello"))
            await peer.reader.read()

    with HostileExchange(redirect).serve() as url:
        capture = start_capture(url)
        eventually(landed.payloads)
        capture.stop()

    assert landed.payloads() == [b"hello"]
