"""Answers scrapes with the metrics of the warehouse and of the landing files."""

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import psycopg2
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from psycopg2.extensions import connection

from include.errors import TerminalError, TransientError
from include.health.files import Landed, read_files, unloaded
from include.health.metrics import Sample, families
from include.health.warehouse import CONNECT_SECONDS, ROUND_SECONDS, Reading, read_warehouse
from include.settings import Settings
from include.single_flight import SingleFlight

log = logging.getLogger(__name__)

T = TypeVar("T")

GOOD_FOR_SECONDS = 5.0
"""Metrics are read again after this time; more frequent scrapes get the same values."""

TIMEOUT_SECONDS = CONNECT_SECONDS + ROUND_SECONDS + 0.5
"""How long a scrape waits for the warehouse."""

FILES_TIMEOUT_SECONDS = 1.0
"""How long it then waits for the landing files: Prometheus gives up after ten seconds in all."""


class PlatformCollector(Collector):
    """The metrics of the platform, for a registry of prometheus-client.

    Args:
        markets: The settings of each market, except the warehouse's URL.
        warehouse_url: Returns that URL; called before each read, since `make run` may restart on another port.
        good_for_seconds: Maximum age of metrics.
        timeout_seconds: How long a scrape waits for the warehouse.
    """

    def __init__(
        self,
        markets: Sequence[Settings],
        warehouse_url: Callable[[], str],
        good_for_seconds: float = GOOD_FOR_SECONDS,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._markets = markets
        self._warehouse_url = warehouse_url
        self._connection: connection | None = None
        self._lock = threading.Lock()
        self._good_for_seconds = good_for_seconds
        self._timeout_seconds = timeout_seconds
        self._readings: SingleFlight[Reading | None] = SingleFlight()
        self._landings: SingleFlight[Landed | None] = SingleFlight()

    def describe(self) -> list[Metric]:
        """Nothing: registering must not read the warehouse."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The families of a scrape; without the warehouse's metrics while it is away."""
        return families(self._samples())

    def _samples(self) -> Iterator[Sample]:
        reading, landed = self._reading(), self._landed()
        yield "warehouse_up", (), float(reading is not None)
        if reading is not None:
            yield from reading.samples
        if landed is not None:
            yield from landed.samples
        if reading is not None and landed is not None:
            yield from unloaded(landed.file_bytes, reading.loaded_bytes)

    def _reading(self) -> Reading | None:
        flight = self._readings.get("", lambda: _in_thread(self._read_warehouse), self._good_for_seconds)
        try:
            return flight.result(self._timeout_seconds)
        except TimeoutError:
            self._break()
            return None

    def _landed(self) -> Landed | None:
        flight = self._landings.get("", lambda: _in_thread(self._read_files), self._good_for_seconds)
        try:
            return flight.result(FILES_TIMEOUT_SECONDS)
        except TimeoutError:
            return None  # asked for again when it has ended: a disk that hangs is read once, not once a scrape

    def _read_warehouse(self) -> Reading | None:
        try:
            url = self._warehouse_url()
            markets = [replace(settings, warehouse_url=url) for settings in self._markets]
            return read_warehouse(markets, datetime.now(UTC), self._take)
        except (TransientError, TerminalError, psycopg2.Error) as error:
            # psycopg2.Error: not migrated yet, or a role that may not read; the next round looks again
            log.warning("the warehouse's metrics are left out: %s", str(error).strip())
            return None
        finally:
            self._take(None)

    def _read_files(self) -> Landed | None:
        try:
            return read_files(self._markets, datetime.now(UTC))
        except OSError as error:
            log.warning("the landing files' metrics are left out: %s", error)
            return None

    def _take(self, conn: connection | None) -> None:
        with self._lock:
            self._connection = conn

    def _break(self) -> None:
        """Ends a read that hangs: a server that is gone without a word would hold it for many minutes."""
        log.warning("the warehouse does not answer in time")
        with self._lock:
            if self._connection is None:
                return
            with (
                contextlib.suppress(OSError, psycopg2.InterfaceError),
                socket.socket(fileno=os.dup(self._connection.fileno())) as sock,
            ):
                sock.shutdown(socket.SHUT_RDWR)


def _in_thread(work: Callable[[], T | None]) -> "Future[T | None]":
    """Runs the work in a thread of its own: one of a pool that hangs would keep the process from ending."""
    future: Future[T | None] = Future()

    def run() -> None:
        answer = None
        try:
            answer = work()
        finally:
            future.set_result(answer)

    threading.Thread(target=run, daemon=True).start()
    return future
