"""TLS with certificates of a private authority: exchange, provider, warehouse; no secret for anybody else."""

import logging
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.sync.server import ServerConnection, serve

from include.capture.service import run_capture
from include.errors import TransientError
from include.pull.client import MarketDataClient, RequestFailedError
from include.settings import Settings
from include.warehouse.connection import connect
from tests.integration.capture.conftest import QUICK, Landed
from tests.integration.pull.server import scripted_provider
from tests.messages import deal
from tests.torture.conftest import Torture
from tests.waiting import eventually

SECRETS = ("header-of-the-desk", "subscription-of-the-desk", "key-of-the-desk")
HEADER, SUBSCRIPTION, KEY = SECRETS


class Authority:
    """Issues certificates."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._signed(
            self._subject, self._key, (-1, 1), [(x509.BasicConstraints(True, None), True)]
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(
        self,
        days: tuple[float, float] = (-1, 1),
        names: tuple[x509.GeneralName, ...] = (),
        is_client: bool = False,
    ) -> Path:
        """Key and certificate of a server in one file, of 127.0.0.1 unless it is given other names."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.ExtendedKeyUsageOID.CLIENT_AUTH if is_client else x509.ExtendedKeyUsageOID.SERVER_AUTH
        of_host = x509.SubjectAlternativeName(names or [x509.IPAddress(ip_address("127.0.0.1"))])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        extensions = [(of_host, False), (x509.ExtendedKeyUsage([usage]), False)]
        certificate = self._signed(subject, key, days, extensions)
        path = self._folder / f"{self._name}-{certificate.serial_number}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        days: tuple[float, float],
        extensions: list[tuple[x509.ExtensionType, bool]],
    ) -> x509.Certificate:
        begin, end = (datetime.now(UTC) + timedelta(days=each) for each in days)
        builder = (
            x509.CertificateBuilder(self._subject, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
        )
        for extension, is_critical in extensions:
            builder = builder.add_extension(extension, is_critical)
        return builder.sign(self._key, hashes.SHA256())


class Certificates(NamedTuple):
    """What a server may show, and whom its clients trust."""

    trusted: Path
    good: Path
    bad: dict[str, Path]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    ours, other = Authority(folder, "ours"), Authority(folder, "other")
    bad = {
        "another authority": other.server(),
        "expired": ours.server(days=(-3, -1)),
        "not yet valid": ours.server(days=(1, 3)),
        "another host": ours.server(
            names=(x509.DNSName("exchange.example"), x509.IPAddress(ip_address("127.0.0.2")))
        ),
        "self-signed": Authority(folder, "self").server(),
        "no certificate of a server": ours.server(is_client=True),
    }
    return Certificates(ours.file, ours.server(), bad)


@pytest.fixture
def trusting(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    """The environment as docs/deploy.md says."""
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PGSSLROOTCERT"):
        monkeypatch.setenv(name, str(certificates.trusted))
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    return certificates


def context(certificate: Path) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(certificate)
    return made


@contextmanager
def exchange(certificate: Path) -> Iterator[tuple[str, list[str]]]:
    """URL of an exchange, and what it was told by whom it has let in."""
    told: list[str] = []

    def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        told.append(connection.request.headers["Authorization"])
        told.append(str(connection.recv()))
        connection.send(deal())
        connection.recv()

    logger = logging.getLogger(f"{__name__}.exchange")
    logger.setLevel(logging.CRITICAL + 1)  # refused handshakes
    with serve(handle, "127.0.0.1", 0, ssl=context(certificate), logger=logger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"wss://127.0.0.1:{server.socket.getsockname()[1]}", told
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def capturing(settings: Settings) -> Iterator[Landed]:
    """A capture of that exchange, and what it has landed."""
    stopping = threading.Event()
    thread = threading.Thread(
        target=run_capture, args=(settings, "tls", stopping.is_set), kwargs={"timing": QUICK}
    )
    thread.start()
    try:
        yield Landed(settings.landing_root)
    finally:
        stopping.set()
        thread.join(20)


def assert_nothing_leaked(text: str) -> None:
    assert [secret for secret in SECRETS if secret in text] == []


def try_exchange(settings: Settings, log: pytest.LogCaptureFixture, certificate: Path, is_good: bool) -> str:
    """What the journal and the log say of it."""
    with exchange(certificate) as (url, told):
        ours = replace(
            settings,
            exchange_url=url,
            exchange_headers={"Authorization": HEADER},
            exchange_subscribe=SUBSCRIPTION,
        )
        with capturing(ours) as landed:
            eventually(
                lambda: landed.payloads() if is_good else f"cannot connect to {url}: TLS failed" in log.text
            )
        assert told == ([HEADER, SUBSCRIPTION] if is_good else [])
        return f"{landed.lines()} {log.text}"


def try_provider(certificate: Path, is_good: bool) -> str:
    """What the error says."""
    with (
        scripted_provider(context(certificate)) as provider,
        MarketDataClient(f"{provider.url}?key={KEY}") as client,
    ):
        if is_good:
            assert client.reference_price(date(2026, 3, 2), "08-09").status == 200
            return ""
        with pytest.raises(RequestFailedError) as failure:
            client.reference_price(date(2026, 3, 2), "08-09")
        assert provider.targets == []
        return str(failure.value)


@contextmanager
def in_front(certificate: Path, port: int) -> Iterator[tuple[int, list[bytes]]]:
    """PostgreSQL's way to begin TLS, for a server that cannot do it; port, and what was sent within TLS."""
    sent: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            assert len(self.request.recv(8)) == 8  # SSLRequest
            self.request.sendall(b"S")
            try:
                client = context(certificate).wrap_socket(self.request, server_side=True)
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", port)) as server:
                back = threading.Thread(target=self._pump, args=(server, client))
                back.start()
                self._pump(client, server, sent)
                back.join()

        @staticmethod
        def _pump(source: socket.socket, target: socket.socket, noted: list[bytes] | None = None) -> None:
            with suppress(OSError):
                while data := source.recv(65_536):
                    if noted is not None:
                        noted.append(data)
                    target.sendall(data)
            with suppress(OSError):
                target.shutdown(socket.SHUT_RDWR)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as front:
        thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield front.server_address[1], sent
        finally:
            front.shutdown()
            thread.join()


def try_warehouse(warehouse_url: str, certificate: Path, is_good: bool) -> str:
    """What the error says."""
    parts = urlsplit(warehouse_url)
    with in_front(certificate, int(parts.port or 0)) as (port, sent):
        url = warehouse_url.replace(f":{parts.port}/", f":{port}/")
        if is_good:
            with connect(url, "test") as conn:
                assert conn.info.ssl_in_use
            return ""
        with pytest.raises(TransientError) as failure, connect(url, "test"):
            pass
        assert sent == []
        assert str(parts.password) not in str(failure.value)
        return str(failure.value)


def test_a_private_authority_is_trusted_and_nobody_else(
    settings: Settings,
    trusting: Certificates,
    torture: Torture,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    attempts: dict[str, Callable[[Path, bool], str]] = {
        "exchange": lambda certificate, is_good: try_exchange(settings, caplog, certificate, is_good),
        "provider": try_provider,
        "warehouse": lambda certificate, is_good: try_warehouse(settings.warehouse_url, certificate, is_good),
    }
    refused = 0
    for name, attempt in attempts.items():
        for reason, certificate in trusting.bad.items():
            if (name, reason) == ("warehouse", "no certificate of a server"):
                continue  # libpq takes it: it is of our authority, and of this host
            said = attempt(certificate, False)
            assert said, (name, reason)
            assert_nothing_leaked(said)
            refused += 1
        assert_nothing_leaked(attempt(trusting.good, True))
    assert_nothing_leaked(caplog.text)
    torture.report(
        "exchange, provider and warehouse may have certificates of a private authority; nobody else is trusted",
        f"{refused} connections to servers whose certificate is of another authority, expired, not yet valid,"
        " of another host, signed by itself, or not that of a server; one to each with a good one",
        "the good ones are used; no other server got a header, a subscription, a key or a password, and no log,"
        " journal or error has one",
    )
