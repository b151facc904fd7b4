"""What the exchange is sent when capture connects, and the proxy on the way to it."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from include.local.ports import find_free
from tests.integration.capture.conftest import Landed, StartCapture, serving, tcp_server
from tests.waiting import eventually

HEADERS = (("Authorization", "Bearer s3cret"), ("X-Desk", "power"))
SUBSCRIBE = '{"op": "subscribe", "token": "t0ken"}'


class Exchange:
    """Answers the first message of each connection with a trade; remembers headers and messages."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        self.messages: list[str | bytes] = []
        self.connections: list[ServerConnection] = []

    async def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.headers.append(dict(connection.request.headers.raw_items()))
        self.connections.append(connection)
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                self.messages.append(message)
                await connection.send("subscribed")

    @contextlib.contextmanager
    def serve(self) -> Iterator[int]:
        with serving(lambda: serve(self.handle, "127.0.0.1", 0, ping_interval=None)) as port:
            yield port


class Proxy:
    """An HTTP proxy that knows CONNECT only, and resolves every name to this machine."""

    def __init__(self, refusal: bytes = b"") -> None:
        self.requests: list[str] = []
        self._refusal = refusal

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(head)
        if self._refusal:
            writer.write(self._refusal)
            writer.close()
            return
        port = int(head.split()[1].rsplit(":", 1)[1])
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))

    @contextlib.contextmanager
    def serve(self) -> Iterator[str]:
        with serving(lambda: tcp_server(self._handle)) as port:
            yield f"http://127.0.0.1:{port}"


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


def texts(caplog: pytest.LogCaptureFixture, landed: Landed) -> str:
    """All that capture logged and landed; the exchange of the test logs what it gets."""
    logged = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]
    return "\n".join(logged + [str(line) for line in landed.lines()])


def test_every_connection_begins_with_the_headers_and_the_subscription(
    start_capture: StartCapture, landed: Landed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    exchange = Exchange()
    with exchange.serve() as port:
        capture = start_capture(
            f"ws://127.0.0.1:{port}",
            exchange_headers=HEADERS,
            exchange_subscribe=SUBSCRIBE,
            max_silence_seconds=1,
        )
        eventually(lambda: len(landed.payloads()) >= 3)
        capture.stop()

    assert len(exchange.headers) >= 3
    for headers in exchange.headers:
        assert headers["Authorization"] == "Bearer s3cret"
        assert headers["X-Desk"] == "power"
    assert set(exchange.messages) == {SUBSCRIBE}
    assert len(exchange.messages) == len(exchange.headers)
    assert "s3cret" not in texts(caplog, landed)
    assert "t0ken" not in texts(caplog, landed)


def test_an_exchange_that_hangs_up_on_the_subscription_is_asked_again_and_nothing_is_shown(
    start_capture: StartCapture, landed: Landed, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[object] = []

    async def handle(connection: ServerConnection) -> None:
        asked.append(await connection.recv())
        await connection.close(1008, "no such channel")

    with serving(lambda: serve(handle, "127.0.0.1", 0, ping_interval=None)) as port:
        capture = start_capture(f"ws://127.0.0.1:{port}", exchange_subscribe=SUBSCRIBE)
        eventually(lambda: len(asked) >= 2)
        capture.stop()

    assert asked[:2] == [SUBSCRIBE] * 2
    assert "no such channel" in str(landed.events("disconnected")[0]["reason"])
    assert "t0ken" not in texts(caplog, landed)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"])
def test_the_proxy_of_the_environment_is_used(
    start_capture: StartCapture, landed: Landed, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    exchange, proxy = Exchange(), Proxy()
    with exchange.serve() as port, proxy.serve() as proxy_url:
        monkeypatch.setenv(name, proxy_url.replace("http://", "http://desk:pr0xy@"))
        url = f"ws://exchange.invalid:{port}/feed"  # a name that only the proxy resolves
        capture = start_capture(url, exchange_headers=HEADERS, exchange_subscribe=SUBSCRIBE)
        eventually(landed.payloads)
        capture.stop()

    assert proxy.requests[0].startswith(f"CONNECT exchange.invalid:{port} HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic " in proxy.requests[0]
    assert "s3cret" not in proxy.requests[0]
    assert exchange.headers[0]["Authorization"] == "Bearer s3cret"
    assert landed.events("connected")[0]["url"] == url


@pytest.mark.parametrize("excepted", ["127.0.0.1", "127.0.0.0/8", "localhost,127.0.0.1", "*"])
def test_no_proxy_excepts_the_exchange_by_the_rules_of_the_puller(
    start_capture: StartCapture, landed: Landed, monkeypatch: pytest.MonkeyPatch, excepted: str
) -> None:
    exchange, proxy = Exchange(), Proxy()
    with exchange.serve() as port, proxy.serve() as proxy_url:
        monkeypatch.setenv("HTTPS_PROXY", proxy_url)
        monkeypatch.setenv("HTTP_PROXY", proxy_url)
        monkeypatch.setenv("NO_PROXY", excepted)
        start_capture(f"ws://127.0.0.1:{port}", exchange_subscribe=SUBSCRIBE)
        eventually(landed.payloads)

    assert proxy.requests == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
            "the proxy answered HTTP 407",
        ),
        (b"SSH-2.0-x\r\n\r\n", "the proxy gave no HTTP answer"),
    ],
)
def test_a_proxy_that_does_not_let_us_through_is_named(
    start_capture: StartCapture, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
    answer: bytes, words: str,
) -> None:  # fmt: skip
    proxy = Proxy(answer)
    with proxy.serve() as proxy_url:
        monkeypatch.setenv("HTTPS_PROXY", proxy_url.replace("http://", "http://desk:pr0xy@"))
        capture = start_capture("ws://exchange.invalid:5050")
        eventually(lambda: len(proxy.requests) >= 2)
        capture.stop()

    assert words in caplog.text
    assert "pr0xy" not in caplog.text


@pytest.mark.parametrize("scheme", ["http", "socks5", "gopher"])
def test_a_proxy_that_cannot_be_used_is_waited_for_without_a_word_of_its_password(
    start_capture: StartCapture, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://desk:pr0xy@127.0.0.1:{find_free()}")
    start_capture("ws://exchange.invalid:5050")
    eventually(lambda: "cannot connect to ws://exchange.invalid:5050: " in caplog.text)

    assert "roxy" in caplog.text.split("cannot connect", 1)[1]
    assert "pr0xy" not in caplog.text
