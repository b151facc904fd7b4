"""One reply over a real socket: whole, bounded, verbatim, and no secrets in what is said of a failure."""

import gzip
import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from include.local.ports import find_free
from include.pull.client import MarketDataClient, RequestFailedError
from tests.integration.pull.server import Answer, ScriptedProvider, scripted_provider

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


def wait_for_abandoned_threads() -> None:
    """None is left of a request that was given up."""
    for thread in threading.enumerate():
        if thread.name == "reference-price":
            thread.join(10)
            assert not thread.is_alive()


def assert_given_up(url: str, said: str | None = None, **limits: Any) -> None:
    """A request with these limits is no reply."""
    with MarketDataClient(url, **limits) as client, pytest.raises(RequestFailedError, match=said):
        client.reference_price(DAY, "08-09")


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


DRIPS = {
    "status line": b"",
    "header": b"HTTP/1.1 200 OK\r\nX-Slow: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n",
}


@pytest.mark.parametrize("head", DRIPS.values(), ids=DRIPS.keys())
def test_a_reply_that_drips_is_given_up(provider: ScriptedProvider, head: bytes) -> None:
    provider.script = [Answer(write=drip(provider, head)), Answer(200, b"fine")]
    with MarketDataClient(provider.url, whole_seconds=0.4) as client:
        with pytest.raises(RequestFailedError, match=r"no complete reply within 0\.4 s"):
            client.reference_price(DAY, "08-09")
        assert client.reference_price(DAY, "08-09").body == b"fine"
    wait_for_abandoned_threads()


def test_a_silent_provider_is_given_up(provider: ScriptedProvider) -> None:
    provider.script = [Answer(write=lambda _: bool(provider.stopping.wait()) and None)]
    assert_given_up(provider.url, "Timeout", read_seconds=0.2)


@pytest.mark.parametrize("status", [200, 302])
def test_a_body_that_never_ends_is_given_up_also_that_of_a_redirect(
    provider: ScriptedProvider, status: int
) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 %d Found\r\nLocation: /x\r\nConnection: close\r\n\r\n" % status)
        while not provider.stopping.is_set():
            handler.wfile.write(b"x" * 65_536)

    provider.script = [Answer(write=endless)]
    assert_given_up(provider.url, "larger than 1,000,000 bytes", body_bytes=1_000_000)
    wait_for_abandoned_threads()


@pytest.mark.parametrize(
    "location", [b"http://[::1", b"\xff\xfe", "http://a\u2100b/".encode(), b"//x", b"http://x:99999999/"]
)
def test_a_redirect_to_no_address_is_a_reply(provider: ScriptedProvider, location: bytes) -> None:
    answer = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
    provider.script = [Answer(write=lambda handler: bool(handler.wfile.write(answer)) and None)]
    with MarketDataClient(provider.url) as client:
        assert client.reference_price(DAY, "08-09").status == 302


def test_a_drip_after_which_the_server_closes_is_given_up(provider: ScriptedProvider) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not provider.stopping.wait(0.02):
            handler.wfile.write(b"x")

    provider.script = [Answer(write=drip)]
    assert_given_up(provider.url, "no complete reply", whole_seconds=0.5)
    wait_for_abandoned_threads()


@pytest.mark.parametrize(
    "sent",
    [b"", b"this is no HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"],
    ids=["hangs up", "no HTTP", "torn body"],
)
def test_a_broken_reply_is_a_failure(provider: ScriptedProvider, sent: bytes) -> None:
    provider.script = [Answer(write=lambda handler: bool(handler.wfile.write(sent)) and None)]
    assert_given_up(provider.url)


def test_a_refused_connection_says_so_without_a_secret() -> None:
    url = f"http://user:password@127.0.0.1:{find_free()}/v1?key=secret"
    with MarketDataClient(url) as client, pytest.raises(RequestFailedError) as failure:
        client.reference_price(DAY, "08-09")
    assert "Connection refused" in str(failure.value)
    for secret in ("password", "secret", "key", "delivery_hour"):
        assert secret not in str(failure.value)


@pytest.fixture
def tls_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedProvider]:
    """The same by HTTPS, with a certificate that we trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provider")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain = tmp_path / "provider.pem"
    encoding, private_format = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(encoding, private_format, serialization.NoEncryption())
    chain.write_bytes(private + certificate.public_bytes(encoding))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(chain))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    with scripted_provider(context) as running:
        yield running


def test_https(tls_provider: ScriptedProvider) -> None:
    with MarketDataClient(tls_provider.url) as client:
        assert [client.reference_price(DAY, hour).status for hour in ("08-09", "09-10")] == [200, 200]


class SlowNames:
    """A resolver that answers when the test lets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.may_answer = threading.Event()
        resolve = socket.getaddrinfo

        def slowly(*arguments: Any, **options: Any) -> Any:
            self.may_answer.wait(30)
            return resolve(*arguments, **options)

        monkeypatch.setattr(socket, "getaddrinfo", slowly)


@pytest.mark.parametrize("through", ["directly", "by TLS", "through a proxy"])
def test_a_request_whose_name_resolves_too_late_never_leaves(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, through: str
) -> None:
    provider = request.getfixturevalue("tls_provider" if through == "by TLS" else "provider")
    url = provider.url
    if through == "through a proxy":
        monkeypatch.setenv("http_proxy", provider.url)
        url = "http://provider.example"
    names = SlowNames(monkeypatch)
    assert_given_up(url, r"no complete reply within 0\.2 s", whole_seconds=0.2)
    names.may_answer.set()
    wait_for_abandoned_threads()
    assert provider.count == 0


def test_time_that_passed_since_the_budget_was_taken_counts(provider: ScriptedProvider) -> None:
    """The process was suspended between the two, say."""
    with MarketDataClient(provider.url) as client:
        with pytest.raises(RequestFailedError, match=r"within 20 s"):
            client.reference_price(DAY, "08-09", time.monotonic() - 20)
        wait_for_abandoned_threads()
        assert provider.count == 0
        assert client.reference_price(DAY, "08-09", time.monotonic() - 1).status == 200


def test_a_proxy_of_the_environment_is_used(
    provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", provider.url)
    with MarketDataClient("http://provider.example/v1") as client:
        assert client.reference_price(DAY, "08-09").status == 200
        assert client.reference_price(DAY, "09-10").status == 200
    assert [target.split("?")[0] for target in provider.targets] == [
        "http://provider.example/v1/reference-price"
    ] * 2


def test_what_was_not_delivered_is_discarded_when_the_connection_is_closed(provider: ScriptedProvider) -> None:
    """The kernel would go on delivering it, also for a process that was killed."""
    with MarketDataClient(provider.url) as client:
        client.reference_price(DAY, "08-09")
        port = urlsplit(provider.url).port
        sockets = [c for c in psutil.Process().net_connections("tcp") if c.raddr and c.raddr.port == port]
        assert len(sockets) == 1
        with socket.socket(fileno=os.dup(sockets[0].fd)) as own:
            linger = own.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
    assert struct.unpack("ii", linger) == (1, 0)
