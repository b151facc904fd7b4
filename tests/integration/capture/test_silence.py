"""A stream that is up and says nothing: capture connects anew, and misses nothing by it."""

import asyncio
import contextlib
import http
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from include.domain.delivery_period import Market
from include.jobs import load_trades
from include.settings import Settings
from include.simulator.exchange import Exchange
from tests.factories import Database
from tests.integration.capture.conftest import QUICK, Landed, StartCapture, serving, shake_hands, tcp_server
from tests.waiting import eventually

REASON = "no message for 1 s: the subscription may be dead"


def connected(landed: Landed) -> list[datetime]:
    """When the capture instance connected, first of all to last of all."""
    return [datetime.fromisoformat(line["received_at"]) for line in landed.events("connected")]


def test_a_silent_connection_is_replaced_once_a_period_without_a_gap(
    exchange: Exchange,
    start_capture: StartCapture,
    landed: Landed,
    settings: Settings,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    capture = start_capture(exchange.url, max_silence_seconds=1)
    eventually(lambda: len(connected(landed)) >= 4)
    exchange.send("still there")
    eventually(landed.payloads)
    summary = capture.stop()

    assert summary.connections == len(connected(landed))
    first, *later = connected(landed)
    assert all(b - a >= timedelta(seconds=1) for a, b in itertools.pairwise([first, *later]))
    replaced = landed.events("replaced")
    assert [line["reason"] for line in replaced] == [REASON] * len(later)
    [stopped] = landed.events("disconnected")
    assert stopped["reason"] == "capture was stopped"
    end = stopped["received_at"]
    between = [line for line in landed.events("heartbeat") if first.isoformat() < line["received_at"] < end]
    assert all(line["connected"] for line in between)
    assert sum(REASON in record.message for record in caplog.records) >= len(later)
    assert exchange.connections == 0

    load_trades.run(replace(settings, landing_root=landed.root))
    intervals = database.rows("SELECT connected_from, connected_until FROM ops.connected_intervals")
    assert intervals == [(first, datetime.fromisoformat(end))]


def test_messages_end_the_silence(exchange: Exchange, start_capture: StartCapture, landed: Landed) -> None:
    start_capture(exchange.url, max_silence_seconds=2)
    exchange.wait_for_connections()
    for _ in range(40):
        exchange.send('{"type": "heartbeat"}')  # of whatever kind: capture does not parse
        time.sleep(0.1)

    assert len(connected(landed)) == 1


def test_no_silence_while_nothing_can_be_traded(
    exchange: Exchange, start_capture: StartCapture, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime] = []
    monkeypatch.setattr(Market, "tradable_hours", lambda _self, at: asked.append(at) or [])
    start_capture(exchange.url, max_silence_seconds=1)
    eventually(lambda: len(asked) >= 3)

    assert len(connected(landed)) == 1


def test_what_arrives_on_the_new_connection_while_the_old_one_ends_is_landed(
    start_capture: StartCapture, landed: Landed
) -> None:
    async def greet_the_second(connection: ServerConnection) -> None:
        if next(numbers):
            for number in range(100):
                await connection.send(f"{number}")
        await connection.wait_closed()

    numbers = itertools.count()
    with serving(lambda: serve(greet_the_second, "127.0.0.1", 0, ping_interval=None)) as port:
        start_capture(f"ws://127.0.0.1:{port}", max_silence_seconds=1)
        eventually(lambda: len(landed.payloads()) >= 100)

    assert landed.payloads()[:100] == [b"%d" % number for number in range(100)]


@pytest.mark.parametrize("status", [http.HTTPStatus.TOO_MANY_REQUESTS, http.HTTPStatus.CONFLICT])
def test_an_exchange_that_allows_one_connection_gets_one_at_a_time(
    start_capture: StartCapture, landed: Landed, status: http.HTTPStatus
) -> None:
    open_now: set[ServerConnection] = set()

    def refuse_a_second(connection: ServerConnection, _request: Request) -> Response | None:
        return connection.respond(status, "one a login") if open_now else None

    async def handle(connection: ServerConnection) -> None:
        open_now.add(connection)
        try:
            await connection.wait_closed()
        finally:
            open_now.discard(connection)

    with serving(
        lambda: serve(handle, "127.0.0.1", 0, ping_interval=None, process_request=refuse_a_second)
    ) as port:
        capture = start_capture(f"ws://127.0.0.1:{port}", max_silence_seconds=1)
        eventually(lambda: len(connected(landed)) >= 2)
        capture.stop()

    refused = landed.events("not_replaced")[0]
    assert refused["reason"] == REASON
    assert f"HTTP {status.value}" in refused["error"]
    ended = landed.events("disconnected")[0]
    assert ended["reason"] == REASON
    assert ended["alive_until"] <= ended["received_at"] < landed.events("connected")[1]["received_at"]


def test_an_exchange_that_takes_no_new_connection_keeps_the_old_one(
    start_capture: StartCapture, landed: Landed
) -> None:
    first = itertools.count()

    def refuse_later_ones(connection: ServerConnection, _request: Request) -> Response | None:
        return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "") if next(first) else None

    greeting: list[Callable[[], None]] = []

    async def handle(connection: ServerConnection) -> None:
        loop, said = asyncio.get_running_loop(), asyncio.Event()
        greeting.append(lambda: loop.call_soon_threadsafe(said.set))
        await said.wait()
        await connection.send("at last")
        await connection.wait_closed()

    with serving(
        lambda: serve(handle, "127.0.0.1", 0, ping_interval=None, process_request=refuse_later_ones)
    ) as port:
        start_capture(f"ws://127.0.0.1:{port}", max_silence_seconds=1)
        eventually(lambda: len(landed.events("not_replaced")) >= 2)
        greeting[0]()
        eventually(landed.payloads)

    assert landed.payloads() == [b"at last"]
    assert len(connected(landed)) == 1
    assert "HTTP 503" in landed.events("not_replaced")[0]["error"]


def test_an_exchange_that_hangs_up_on_the_old_connection_is_reconnected_to(
    start_capture: StartCapture, landed: Landed
) -> None:
    """Some exchanges end the first connection of a login when there is a second one."""
    open_now: list[ServerConnection] = []

    async def end_the_others(connection: ServerConnection) -> None:
        others = list(open_now)
        open_now.append(connection)
        for other in others:
            await other.close(4001, "logged in elsewhere")
        try:
            async for _ in connection:
                pass
        except ConnectionClosed:
            pass
        finally:
            open_now.remove(connection)

    quiet = logging.getLogger("tests.quiet")
    quiet.setLevel(logging.CRITICAL + 1)
    with serving(lambda: serve(end_the_others, "127.0.0.1", 0, ping_interval=None, logger=quiet)) as port:
        capture = start_capture(f"ws://127.0.0.1:{port}", max_silence_seconds=1)
        eventually(lambda: len(connected(landed)) >= 3)
        exchange_knows = list(open_now)
        capture.stop()

    assert len(exchange_knows) <= 2
    is_connected = False
    for line in landed.lines():
        if line["event"] == "connected":
            is_connected = True
        elif line["event"] == "disconnected":
            assert is_connected
            is_connected = False
        elif "connected" in line:
            assert line["connected"] is is_connected
    assert not is_connected


def test_a_link_that_was_dead_is_not_claimed_until_it_was_replaced(
    start_capture: StartCapture, landed: Landed
) -> None:
    numbers, is_over = itertools.count(), threading.Event()

    async def die_at_first(connection: ServerConnection) -> None:
        if next(numbers) == 0:
            connection.transport.pause_reading()  # neither pings nor the closing handshake get an answer
            for _ in range(1000):
                if not is_over.is_set():
                    await asyncio.sleep(0.02)
            connection.transport.abort()
        await connection.wait_closed()

    quiet = logging.getLogger("tests.quiet")
    quiet.setLevel(logging.CRITICAL + 1)
    with serving(
        lambda: serve(die_at_first, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1, logger=quiet)
    ) as port:
        url = f"ws://127.0.0.1:{port}"
        start_capture(url, timing=replace(QUICK, pong=60.0), max_silence_seconds=1)
        eventually(lambda: len(connected(landed)) >= 2)
        is_over.set()

    assert landed.events("disconnected", "replaced")[0]["event"] == "disconnected"
    alive_until = datetime.fromisoformat(landed.events("disconnected")[0]["alive_until"])
    assert alive_until - connected(landed)[0] < timedelta(milliseconds=100)


def test_a_stop_while_a_connection_is_being_replaced_is_quick(
    start_capture: StartCapture, landed: Landed, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = itertools.count()

    async def answer_the_first_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if next(numbers) == 0:
            await shake_hands(reader, writer)
        with contextlib.suppress(ConnectionError):
            while await reader.read(1000):  # neither pings nor the closing handshake get an answer
                pass
        writer.close()

    with serving(lambda: tcp_server(answer_the_first_only)) as port:
        timing = replace(QUICK, pong=60.0, open=60.0)
        capture = start_capture(f"ws://127.0.0.1:{port}", timing=timing, max_silence_seconds=1)
        eventually(lambda: any(REASON in record.message for record in caplog.records))
        capture.stop()

    events = [line["event"] for line in landed.events() if line["event"] != "heartbeat"]
    assert events == ["opened", "connected", "disconnected", "closed"]
