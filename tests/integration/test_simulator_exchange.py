"""The exchange over real sockets: one stream for all, and every fault of the connection."""

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_as

from include.simulator.deals import Deal
from include.simulator.exchange import Exchange
from include.simulator.faults import ExchangeFaults
from include.simulator.market import SimulatedMarket
from include.simulator.statement import EndOfDayFiles
from tests.waiting import eventually

FAST = 500.0
WAIT_S = 20


def connect(url: str) -> ClientConnection:
    """A client that always reads on, so that pongs and close frames are not stuck behind deals."""
    return connect_as(url, max_size=None, max_queue=None, ping_interval=None)


def receive(connection: ClientConnection, number: int, timeout: float = WAIT_S) -> list[str | bytes]:
    return [connection.recv(timeout=timeout) for _ in range(number)]


def lasting(connection: ClientConnection) -> tuple[int, ConnectionClosed]:
    """How many messages came before the end, and the end."""
    for number in range(1_000_000):
        try:
            connection.recv(timeout=WAIT_S)
        except ConnectionClosed as closed:
            return number, closed
    raise AssertionError("the connection did not end")


def test_every_connection_gets_the_same_deals() -> None:
    with Exchange(rate_per_second=0) as exchange, connect(exchange.url) as one, connect(exchange.url) as two:
        exchange.wait_for_connections(2)
        exchange.rate_per_second = FAST
        first = receive(one, 200)
        assert first == receive(two, 200)
        assert len(set(first)) == 200


def test_the_index_is_of_the_deals_that_were_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    market, recorded = SimulatedMarket(7), list[Deal]()
    monkeypatch.setattr(market, "record", recorded.append)
    with Exchange(market, rate_per_second=0) as exchange, connect(exchange.url) as client:
        exchange.wait_for_connections()
        exchange.rate_per_second = FAST
        received = receive(client, 300)
        exchange.rate_per_second = 0
        exchange.send("end")
        while (message := client.recv(timeout=WAIT_S)) != "end":
            received.append(message)
    assert [deal.message() for deal in recorded] == received


def test_the_end_of_day_file_has_what_was_sent_while_nobody_was_connected(tmp_path: Path) -> None:
    now = datetime(2025, 6, 2, 10, tzinfo=UTC)
    market = SimulatedMarket(7)
    files = EndOfDayFiles(tmp_path, market.calendar, clock=lambda: now)
    with Exchange(market, rate_per_second=0, clock=lambda: now, statements=files) as exchange:
        for deal in market.deals().between(now - timedelta(minutes=1), now, 1):
            exchange.send(deal.message())
        assert exchange.connections == 0
        now = datetime(2025, 6, 2, 22, 5, tzinfo=UTC)
        path = tmp_path / "epex_trades_20250602.csv"
        eventually(path.exists, WAIT_S)
        assert len(path.read_text().splitlines()) == 61


def test_the_file_of_the_running_day_is_written_on_demand(tmp_path: Path) -> None:
    now = datetime(2025, 6, 2, 10, tzinfo=UTC)
    market = SimulatedMarket(7)
    files = EndOfDayFiles(tmp_path, market.calendar, clock=lambda: now)
    with Exchange(market, rate_per_second=0, clock=lambda: now, statements=files) as exchange:
        exchange.send(market.deals().deal(now).message())
        answer = requests.get(f"http://{exchange.host}:{exchange.port}/statement", timeout=WAIT_S)
        assert answer.text == f"{tmp_path}/epex_trades_20250602.csv\n"
        assert len((tmp_path / "epex_trades_20250602.csv").read_text().splitlines()) == 2
    with Exchange(market, rate_per_second=0) as exchange:
        answer = requests.get(f"http://{exchange.host}:{exchange.port}/statement", timeout=WAIT_S)
        assert (answer.status_code, answer.text) == (404, "this exchange writes no end-of-day file\n")


def test_a_script_is_sent_as_it_stands() -> None:
    with Exchange(rate_per_second=0) as exchange, connect(exchange.url) as client:
        exchange.wait_for_connections()
        script: list[str | bytes] = ["{", "", '{"id": "ü\u0000"}', b"\xff\x00", "x" * 6_000_000]
        exchange.send_all(script)
        assert receive(client, len(script)) == script
        exchange.send(b"\xff not text", is_text=True)
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=WAIT_S)


def test_a_client_that_reads_nothing_holds_up_nobody_and_is_cut_off_at_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("include.simulator.exchange._HOPELESS_BYTES", 500_000)
    with Exchange(rate_per_second=0) as exchange, connect(exchange.url) as client, socket.socket() as sleeper:
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sleeper.connect((exchange.host, exchange.port))
        sleeper.sendall(
            f"GET / HTTP/1.1\r\nHost: {exchange.host}:{exchange.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        exchange.wait_for_connections(2)
        for number in range(2000):
            exchange.send(f"{number}" + "x" * 50_000)
            assert str(client.recv(timeout=WAIT_S)).startswith(f"{number}x")
            if exchange.connections == 1:
                break
        assert exchange.connections == 1


def test_connections_are_cut_every_so_many_messages() -> None:
    faults = ExchangeFaults(disconnect_every_messages=50)
    with Exchange(rate_per_second=FAST, faults=faults) as exchange:
        for _ in range(3):
            with connect(exchange.url) as client:
                number, closed = lasting(client)
                assert number <= 50
                assert closed.rcvd is None, "no close frame"


def test_connections_are_cut_every_so_many_seconds() -> None:
    with Exchange(rate_per_second=FAST) as exchange, connect(exchange.url) as client:
        receive(client, 5)
        exchange.faults.disconnect_every_seconds = 0.05
        assert lasting(client)[1].rcvd is None


def test_in_the_dying_hour_connections_end_with_1011_again_and_again() -> None:
    faults = ExchangeFaults(dying_hour=True, dying_after_seconds=0.1)
    with Exchange(rate_per_second=FAST, faults=faults) as exchange:
        for _ in range(3):
            with connect(exchange.url) as client:
                closed = lasting(client)[1]
                assert closed.rcvd is not None
                assert closed.rcvd.code == 1011
        exchange.faults.dying_hour = False
        with connect(exchange.url) as client:
            receive(client, 100)


def test_the_dying_hour_can_be_one_of_the_day() -> None:
    now = datetime(2025, 6, 2, 22, 59, tzinfo=UTC)
    faults = ExchangeFaults(dying_utc_hour=23, dying_after_seconds=0.05)
    with (
        Exchange(rate_per_second=FAST, faults=faults, clock=lambda: now) as exchange,
        connect(exchange.url) as client,
    ):
        receive(client, 100)
        now = datetime(2025, 6, 2, 23, 0, tzinfo=UTC)
        closed = lasting(client)[1]
        assert closed.rcvd is not None
        assert closed.rcvd.code == 1011


def test_silence_sends_nothing_answers_no_ping_and_stays_open() -> None:
    with Exchange(rate_per_second=FAST) as exchange, connect(exchange.url) as client:
        receive(client, 5)
        assert client.ping().wait(WAIT_S)
        exchange.faults.silence = True
        with pytest.raises(TimeoutError):
            receive(client, 100_000, timeout=0.3)
        unanswered = client.ping()
        assert not unanswered.wait(0.3)
        exchange.faults.silence = False
        receive(client, 5)
        assert unanswered.wait(WAIT_S)


def test_it_ends_at_once_while_silent_and_leaves_nothing_behind() -> None:
    threads = threading.active_count()
    exchange = Exchange(rate_per_second=FAST, faults=ExchangeFaults(silence=True))
    exchange.start()
    with connect(exchange.url):
        exchange.wait_for_connections()
        exchange.stop()
    exchange.stop()
    assert threading.active_count() == threads
    with pytest.raises(ConnectionRefusedError), connect(exchange.url):
        pass


def test_a_client_can_be_disconnected_with_a_code() -> None:
    with Exchange(rate_per_second=0) as exchange, connect(exchange.url) as client:
        exchange.wait_for_connections()
        exchange.disconnect(1012)
        closed = lasting(client)[1]
        assert closed.rcvd is not None
        assert closed.rcvd.code == 1012


def test_waiting_for_nobody_is_an_error() -> None:
    with Exchange() as exchange, pytest.raises(TimeoutError):
        exchange.wait_for_connections(1, timeout_seconds=0.05)


def test_the_mean_rate_is_the_one_asked_for() -> None:
    with Exchange(rate_per_second=1000) as exchange:
        start, before = time.monotonic(), exchange.messages_sent
        time.sleep(0.5)
        sent, seconds = exchange.messages_sent - before, time.monotonic() - start
    assert sent <= 1000 * seconds + 100
    assert sent > 0
