"""What befalls a running platform from outside and from within, each by itself."""

import json
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Self

import psutil
import psycopg2

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


def kill(platform: Platform, words: str) -> psutil.Process:
    """SIGKILL to the oldest living one of these processes; waits for one if there is none."""

    def killed() -> psutil.Process | None:
        for process in find(platform, words)[:1]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
                return process
        return None

    process: psutil.Process = platform.wait_for(killed, 90)
    return process


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


class Unaffected:
    """Meanwhile the exchange cuts nobody off, and a capture that lives on lands all that it sends.

    Attributes:
        messages: How many were sent.
        lost: How many of them the stand-alone capture did not land.
    """

    def __init__(self, platform: Platform, exchange: Exchange, rate_per_second: float = 50) -> None:
        self.messages = self.lost = 0
        self._platform, self._exchange, self._rate = platform, exchange, rate_per_second

    def __enter__(self) -> Self:
        self._every_seconds = self._exchange.faults.disconnect_every_seconds
        self._exchange.faults.disconnect_every_seconds = self._exchange.rate_per_second = 0
        self._process = self._platform.wait_for(lambda: find(self._platform, "include.capture"), 60)[0]
        self._exchange.wait_for_connections(1, 60)
        self._platform.wait_for(self._is_quiet, 60)
        self._sent, self._landed = self._exchange.messages_sent, self._count()
        self._exchange.rate_per_second = self._rate
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self._exchange.rate_per_second = 0
        if kind is None:
            self._platform.wait_for(self._is_quiet, 60)
            self.messages = self._exchange.messages_sent - self._sent
            self.lost = self.messages - (self._count() - self._landed)
            assert self.lost == 0
            assert self._process.is_running(), "capture was restarted"
            assert find(self._platform, "include.capture") == [self._process]
        self._exchange.rate_per_second = self._rate
        self._exchange.faults.disconnect_every_seconds = self._every_seconds

    def _count(self) -> int:
        """The messages in the files of the stand-alone capture."""
        files = (self._platform.state / "landing" / "trades").rglob("standalone-*.jsonl")
        return sum(line.count(b'"raw') > 0 for file in files for line in file.read_bytes().split(b"\n"))

    def _is_quiet(self) -> bool:
        before = self._count(), self._exchange.messages_sent
        threading.Event().wait(1.0)
        return before == (self._count(), self._exchange.messages_sent)


@contextmanager
def frozen(platform: Platform, words: str) -> Iterator[None]:
    """Every process with these words stands still, those too that are started in its place."""
    stopping = threading.Event()
    stopped: set[psutil.Process] = set()

    def freeze() -> None:
        while not stopping.wait(0.2):
            for process in find(platform, words):
                with suppress(psutil.Error):
                    process.suspend()
                    stopped.add(process)

    thread = threading.Thread(target=freeze, name="frost")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        for process in stopped:
            with suppress(psutil.Error):
                process.resume()


class Metadata:
    """Airflow's own database, in the hands of an administrator."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        address = platform.settings().warehouse_url.split("@")[1].split("/")[0]  # waits until it is up
        passwords = json.loads((platform.state / "postgres" / "passwords.json").read_text())
        self._url = f"postgresql://postgres:{passwords['postgres']}@{address}/postgres"
        (scheduler, *_) = platform.wait_for(lambda: find(platform, "airflow scheduler"), 60)
        self._environment = scheduler.environ()

    @contextmanager
    def refused(self) -> Iterator[None]:
        """Nobody is connected, and nobody gets a connection."""
        self._run("ALTER DATABASE airflow ALLOW_CONNECTIONS false")
        self._run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'airflow'")
        try:
            yield
        finally:
            self._run("ALTER DATABASE airflow ALLOW_CONNECTIONS true")

    def drop_and_make_anew(self) -> None:
        """As docs/runbook.md says, beside the running platform."""
        self._run("DROP DATABASE airflow WITH (FORCE)")
        self._run("CREATE DATABASE airflow OWNER airflow")
        self._run("REVOKE ALL ON DATABASE airflow FROM PUBLIC")
        subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            env=self._environment,
            check=True,
            capture_output=True,
        )

    def _run(self, statement: str) -> None:
        connection = psycopg2.connect(self._url)
        connection.autocommit = True
        connection.cursor().execute(statement)
        connection.close()
