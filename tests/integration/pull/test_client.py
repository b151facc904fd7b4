"""One reply over a real socket: whole, bounded, verbatim, and no secrets in what is said of a failure."""

import gzip
import socket
import threading
from collections.abc import Callable
from datetime import date
from http.server import BaseHTTPRequestHandler

import pytest

from include.pull.client import MarketDataClient, RequestFailedError
from tests.integration.pull.server import Answer, ScriptedProvider

DAY = date(2026, 3, 2)


@pytest.mark.parametrize("status", [200, 400, 404, 429, 500, 503])
def test_every_status_is_a_reply(provider: ScriptedProvider, status: int) -> None:
    provider.script = [Answer(status, b"\xff not text", {"Retry-After": "7"})]
    with MarketDataClient(provider.url) as client:
        reply = client.reference_price(DAY, "08-09")
    assert (reply.status, reply.body, reply.retry_after) == (status, b"\xff not text", "7")
    assert provider.count == 1  # nothing below us tries again


@pytest.mark.parametrize("path", ["/v1", "/v1/"])
def test_the_base_path_is_kept(provider: ScriptedProvider, path: str) -> None:
    with MarketDataClient(provider.url + path) as client:
        client.reference_price(DAY, "15:00-15:15")
    assert provider.targets == ["/v1/reference-price?delivery_day=2026-03-02&delivery_hour=15%3A00-15%3A15"]


def test_a_redirect_is_a_reply_and_not_followed(provider: ScriptedProvider) -> None:
    provider.script = [Answer(302, b"over there", {"Location": f"{provider.url}/elsewhere"})]
    with MarketDataClient(provider.url) as client:
        assert client.reference_price(DAY, "08-09").status == 302
    assert provider.count == 1


def test_chunked_and_compressed_bodies_are_read_whole(provider: ScriptedProvider) -> None:
    def chunked(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
        )

    zipped = Answer(200, gzip.compress(b"hello world" * 9000), {"Content-Encoding": "gzip"})
    provider.script = [Answer(write=chunked), zipped]
    with MarketDataClient(provider.url) as client:
        assert client.reference_price(DAY, "08-09").body == b"hello world"
        assert client.reference_price(DAY, "08-09").body == b"hello world" * 9000


def drip(provider: ScriptedProvider, head: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """Never silent for long enough to be a timeout, and never done."""

    def write(handler: BaseHTTPRequestHandler) -> None:
        try:
            handler.wfile.write(head)
            while not provider.stopping.wait(0.05):
                handler.wfile.write(b"x")
        except OSError:
            return  # the client had enough

    return write


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"],
    ids=["status line", "header", "body"],
)
def test_a_reply_that_drips_is_given_up(provider: ScriptedProvider, head: bytes) -> None:
    provider.script = [Answer(write=drip(provider, head)), Answer(200, b"fine")]
    with MarketDataClient(provider.url, whole_seconds=0.4) as client:
        with pytest.raises(RequestFailedError, match=r"no whole reply within 0\.4 s"):
            client.reference_price(DAY, "08-09")
        assert client.reference_price(DAY, "08-09").body == b"fine"


def test_a_silent_provider_is_given_up(provider: ScriptedProvider) -> None:
    provider.script = [Answer(write=lambda _: bool(provider.stopping.wait()) and None)]
    with (
        MarketDataClient(provider.url, read_seconds=0.2) as client,
        pytest.raises(RequestFailedError, match="Timeout"),
    ):
        client.reference_price(DAY, "08-09")


def test_a_body_that_never_ends_is_given_up(provider: ScriptedProvider) -> None:
    provider.script = [Answer(200, b"x" * 5_000_000)]
    with (
        MarketDataClient(provider.url, body_bytes=1_000_000) as client,
        pytest.raises(RequestFailedError, match="larger than 1,000,000 bytes"),
    ):
        client.reference_price(DAY, "08-09")


@pytest.mark.parametrize(
    "sent",
    [b"", b"this is no HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"],
    ids=["hangs up", "no HTTP", "torn body"],
)
def test_a_broken_reply_is_a_failure(provider: ScriptedProvider, sent: bytes) -> None:
    provider.script = [Answer(write=lambda handler: bool(handler.wfile.write(sent)) and None)]
    with MarketDataClient(provider.url) as client, pytest.raises(RequestFailedError):
        client.reference_price(DAY, "08-09")


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_refused_connection_says_so_without_a_secret() -> None:
    url = f"http://user:password@127.0.0.1:{closed_port()}/v1?key=secret"
    with MarketDataClient(url) as client, pytest.raises(RequestFailedError) as failure:
        client.reference_price(DAY, "08-09")
    assert "Connection refused" in str(failure.value)
    for secret in ("password", "secret", "key", "delivery_hour"):
        assert secret not in str(failure.value)


def test_no_thread_is_left_after_a_dripping_body(provider: ScriptedProvider) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"
    provider.script = [Answer(write=drip(provider, head))]
    before = set(threading.enumerate())
    with MarketDataClient(provider.url, whole_seconds=0.2) as client, pytest.raises(RequestFailedError):
        client.reference_price(DAY, "08-09")
    ours = [t for t in threading.enumerate() if t not in before and t.name == "reference-price"]
    for thread in ours:
        thread.join(10)
    assert not [t for t in ours if t.is_alive()]
