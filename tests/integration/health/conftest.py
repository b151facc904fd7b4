"""Receivers of notifications, and the exporter on a warehouse whose connection can be cut."""

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from prometheus_client.exposition import start_http_server
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry

from include.health.collector import PlatformCollector
from include.settings import Settings
from tests.integration.health.receivers import MailReceiver, mail_receiver

Samples = dict[tuple[str, tuple[str, ...]], float]


def parsed(text: str) -> Samples:
    """Value by name and values of the labels, in the order of the labels' names; all are of one market."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(text for name, text in sorted(sample.labels.items()) if name != "market")
            found[sample.name.removeprefix("power_desk_"), labels] = sample.value
    return found


class Wire:
    """Passes bytes on to a server until it is told not to."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.connections = 0
        self.frozen = 0
        """So many of the first connections are silent and open: a machine that is gone without a word."""
        self.is_cut = False
        """Connections are closed at once: a machine that is there and a server that is not."""
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.is_cut = True
        self._listening.shutdown(socket.SHUT_RDWR)  # else its thread waits for ever
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self.connections += 1
                threading.Thread(target=self._pass, args=(client, self.connections), daemon=True).start()

    def _pass(self, client: socket.socket, number: int) -> None:
        with client, suppress(OSError), socket.create_connection(self._target) as server:
            other = {client: server, server: client}
            while not self.is_cut:
                if number <= self.frozen:
                    time.sleep(0.01)
                    continue
                for ready in select.select([client, server], [], [], 0.05)[0]:
                    if number > self.frozen:
                        if not (data := ready.recv(65536)):
                            return
                        other[ready].sendall(data)


@pytest.fixture
def wire(warehouse_url: str) -> Iterator[Wire]:
    parts = urlsplit(warehouse_url)
    assert parts.hostname
    wire = Wire(parts.hostname, parts.port or 5432)
    yield wire
    wire.close()


@pytest.fixture
def wired_url(warehouse_url: str, wire: Wire) -> str:
    """The warehouse's URL through the wire."""
    parts = urlsplit(warehouse_url)
    login = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{wire.port}"))


class Exporter:
    """The exporter's server, as Prometheus sees it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def text(self) -> str:
        with requests.Session() as session:
            session.trust_env = False
            reply = session.get(self.url, timeout=10)
        assert reply.status_code == 200
        return reply.text

    def scrape(self) -> Samples:
        return parsed(self.text())


@pytest.fixture
def good_for_seconds() -> float:
    """Metrics are read anew for each scrape, unless a test says otherwise."""
    return 0.0


@pytest.fixture
def exporter(settings: Settings, wired_url: str, good_for_seconds: float) -> Iterator[Exporter]:
    registry = CollectorRegistry()
    settings = replace(settings, warehouse_url="")
    registry.register(PlatformCollector([settings], lambda: wired_url, good_for_seconds, 2.0))
    server, thread = start_http_server(0, "127.0.0.1", registry)
    yield Exporter(f"http://127.0.0.1:{server.server_port}/metrics")
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def mail() -> Iterator[MailReceiver]:
    with mail_receiver() as receiver:
        yield receiver
