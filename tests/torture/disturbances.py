"""What befalls a running platform from outside and from within, each by itself."""

import json
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import psutil

from include.local import leftovers
from include.simulator.exchange import Exchange
from include.simulator.provider import Provider
from tests.e2e.platform import Platform

_VALUES: list[Any] = [
    None, True, 0, -1, 1e308, 10**400, "", "x" * 300, "\x00", "\ud800", "NaN", [], {}, [[[[[]]]]], "02-03",
    "25-26", "2026-03-29", "2026-02-30", "'; DROP TABLE raw.trades --", "<script>alert(1)</script>",
    "\u202egro.elpmaxe", "\\N", "\t\n", "2026-03-02T24:00:00Z", "99999-01-01",
]  # fmt: skip
"""What no field should hold."""

_PROVIDER_FAULTS: list[tuple[str, Any]] = [
    ("error_status", 404), ("error_status", 500), ("error_status", 503), ("hang_up", True), ("garbage", True),
    ("raw_value", "NaN"), ("slow_body_seconds", 5.0),
]  # fmt: skip


def find(platform: Platform, words: str) -> list[psutil.Process]:
    """The platform's processes with these words in their command line, oldest first."""
    found = []
    for process in leftovers.find(platform.state):
        try:
            if words in " ".join(process.cmdline()):
                found.append((process.create_time(), process.pid, process))
        except psutil.Error:
            continue
    return [process for _, _, process in sorted(found)]


def local_ports(process: psutil.Process) -> set[int]:
    """The local ports of its connections."""
    try:
        return {connection.laddr.port for connection in process.net_connections() if connection.laddr}
    except psutil.Error:
        return set()


def hostile_messages(exchange: Exchange, random: random.Random, count: int) -> Iterator[str | bytes]:
    """Deals of this moment, each damaged in one of many ways."""
    deals = exchange.market.deals()
    for _ in range(count):
        deal = deals.deal(datetime.now(UTC))
        body = deal.body()
        field, kind = random.choice(sorted(body)), random.randrange(6)
        text = json.dumps({deal.key: body})
        if kind == 0:
            del body[field]
            yield json.dumps({deal.key: body})
        elif kind == 1:
            yield text[: random.randrange(len(text))]
        elif kind == 2:
            yield random.randbytes(random.randrange(60))
        elif kind == 3:
            yield "[" * random.randrange(1, 20_000)
        else:
            yield json.dumps({deal.key: body | {field: random.choice(_VALUES)}})


class Disturbances:
    """Faults of all kinds, one after the other, as a context manager: a thread that ends when told to.

    Args:
        platform: Which runs.
        exchange: Its exchange.
        provider: Its provider.
        random: Decides order, moments and kinds.
        pause_seconds: The mean pause between two faults.
        say: Is told of each.

    Attributes:
        done: How often each kind was done.
    """

    def __init__(
        self,
        platform: Platform,
        exchange: Exchange,
        provider: Provider,
        random: random.Random,
        pause_seconds: float,
        say: Callable[[str], None],
    ) -> None:
        self.done: Counter[str] = Counter()
        self.hostile_messages = 0
        self._platform, self._exchange, self._provider = platform, exchange, provider
        self._random, self._pause_seconds, self._say = random, pause_seconds, say
        self.kinds: dict[str, Callable[[], None]] = {
            "capture SIGKILLed": lambda: self._kill("include.capture"),
            "Airflow's capture SIGKILLed": self._kill_capture_task,
            "scheduler SIGKILLed": lambda: self._kill("airflow scheduler"),
            "PostgreSQL restarted": self._restart_postgres,
            "provider failing": self._spoil_provider,
            "exchange disconnecting": self._disconnect,
            "exchange silent": self._silence,
            "hostile messages": self._send_hostile_messages,
        }

    @contextmanager
    def running(self) -> Iterator[None]:
        """Each kind once in random order, and again, until left."""
        stopping = threading.Event()
        thread = threading.Thread(target=self._run, args=(stopping,), name="disturbances")
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()

    def once(self, pause: Callable[[], object]) -> None:
        """Each kind once, in random order."""
        for kind in self._random.sample(sorted(self.kinds), len(self.kinds)):
            self._say(kind)
            with suppress(psutil.NoSuchProcess):
                self.kinds[kind]()
                self.done[kind] += 1
            pause()

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            for kind in self._random.sample(sorted(self.kinds), len(self.kinds)):
                if stopping.wait(self._random.uniform(0.5, 1.5) * self._pause_seconds):
                    return
                self._say(kind)
                with suppress(psutil.NoSuchProcess):
                    self.kinds[kind]()
                    self.done[kind] += 1

    def _kill(self, words: str, with_signal: int = signal.SIGKILL) -> None:
        for process in find(self._platform, words)[:1]:
            process.send_signal(with_signal)

    def _kill_capture_task(self) -> None:
        for process in find(self._platform, "airflow worker"):
            if any(c.raddr and c.raddr.port == self._exchange.port for c in process.net_connections()):
                process.kill()

    def _restart_postgres(self) -> None:
        self._kill("bin/postgres", self._random.choice((signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)))

    def _spoil_provider(self) -> None:
        faults = self._provider.faults
        name, value = self._random.choice(_PROVIDER_FAULTS)
        before = getattr(faults, name)
        setattr(faults, name, value)
        threading.Event().wait(self._pause_seconds)
        setattr(faults, name, before)

    def _disconnect(self) -> None:
        for _ in range(3):
            self._exchange.disconnect(self._random.choice((None, 1000, 1001, 1011, 1012)))
            threading.Event().wait(self._pause_seconds / 10)

    def _silence(self) -> None:
        self._exchange.faults.silence = True
        threading.Event().wait(self._pause_seconds)
        self._exchange.faults.silence = False

    def _send_hostile_messages(self) -> None:
        messages = list(hostile_messages(self._exchange, self._random, 50))
        self._exchange.send_all(messages)
        self.hostile_messages += len(messages)
