"""PostgreSQL goes away in every way: capture does not notice, work resumes when it returns, nothing is lost."""

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from include.capture.service import run_capture
from include.load import audit
from include.local.account import ServerAccount
from include.local.postgres import EmbeddedPostgres, binaries
from include.settings import Settings
from include.simulator.exchange import Exchange
from tests.concurrency.worker import Task, pipeline
from tests.messages import deal
from tests.signals import signal_all
from tests.torture.conftest import Torture
from tests.torture.router import Router
from tests.torture.server import (
    Worker,
    family,
    fill,
    kill_server,
    prepare,
    settings_of,
    small_disk,
    start_again,
    warehouse,
)
from tests.torture.test_hostile_input import landed_messages
from tests.waiting import eventually

RESUMES_WITHIN_SECONDS = 90.0
GUARANTEE = "Capture does not need PostgreSQL; work resumes within 90 s of its return"


def passes(settings: Settings) -> Iterator[Task]:
    """The tasks of refresh_pnl, again and again."""
    while True:
        yield from pipeline(settings, has_pull=False)
        yield "pause", lambda: time.sleep(0.1)


class Platform:
    """A capture, a process that works on what it captures, and an exchange that sends 50 messages a second."""

    def __init__(self, settings: Settings, exchange: Exchange, folder: Path) -> None:
        self.settings = replace(settings, exchange_url=exchange.url)
        self.sent = 0
        self._exchange = exchange
        self._silent, self._stopping = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=run_capture, args=(self.settings, "outages", self._stopping.is_set)),
            threading.Thread(target=self._send),
        ]
        self._threads[0].start()
        exchange.wait_for_connections(1)
        self._threads[1].start()
        self.worker = Worker(passes, self.settings, folder)

    def _send(self) -> None:
        while not self._silent.wait(0.02):
            self._exchange.send(deal(id=f"t{self.sent}"))
            self.sent += 1

    def be_silent(self) -> None:
        """Nothing more is sent."""
        self._silent.set()
        self._threads[1].join(30)

    def stop(self) -> None:
        """Ends all of it; returns when the capture has written what it received."""
        self.be_silent()
        self._stopping.set()
        self._threads[0].join(30)
        self.worker.process.kill()
        self.worker.process.join()


@contextmanager
def running(server: EmbeddedPostgres, folder: Path, url: str = "") -> Iterator[Platform]:
    """A platform whose warehouse has PnL already."""
    settings = settings_of(server, folder)
    with Exchange(rate_per_second=0) as exchange:
        platform = Platform(replace(settings, warehouse_url=url or settings.warehouse_url), exchange, folder)
        try:
            eventually(lambda: trade_count(server) > 0, 180)
            yield platform
        finally:
            platform.stop()


def trade_count(server: EmbeddedPostgres) -> int:
    """Trades in PnL; 0 if the server does not answer."""
    with (
        suppress(psycopg2.Error),
        closing(psycopg2.connect(server.url("warehouse"), connect_timeout=2)) as conn,
        conn.cursor() as cur,
    ):
        cur.execute("SET statement_timeout = '2s'; SELECT sum(trade_count)::int FROM curated.pnl_hourly")
        return (cur.fetchone() or (0,))[0] or 0
    return 0


def resumed(server: EmbeddedPostgres, platform: Platform) -> float:
    """Seconds until a trade that is sent now is in PnL."""
    began, wanted = time.monotonic(), platform.sent + 1
    eventually(lambda: platform.worker.is_done or trade_count(server) >= wanted, RESUMES_WITHIN_SECONDS)
    assert not platform.worker.is_done
    return time.monotonic() - began


def assert_nothing_is_lost(server: EmbeddedPostgres, platform: Platform) -> None:
    """Each message was captured once, by one connection; the ledger adds up; PnL has each trade."""
    platform.be_silent()
    eventually(lambda: sum(1 for _ in landed_messages(platform.settings)) >= platform.sent)
    platform.stop()
    messages = [payload for _, payload in landed_messages(platform.settings)]
    assert messages == [deal(id=f"t{number}").encode() for number in range(platform.sent)]
    settings = replace(platform.settings, warehouse_url=server.url("warehouse", "pipeline"))
    for _, task in pipeline(settings, has_pull=False):
        task()
    with warehouse(server) as database:
        assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == platform.sent
        assert database.value("SELECT count(*) FROM ops.pending_delivery_periods") == 0
    assert not [file for file in audit.run(settings) if file.problems or file.waiting_lines]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(tmp_path / "postgres", settings={"max_connections": "20"})
    try:
        prepare(postgres)
        yield postgres
    finally:
        signal_all(family(postgres) if postgres.postmaster() else (), signal.SIGCONT)
        postgres.stop()


def stopped(server: EmbeddedPostgres, seconds: float) -> None:
    server.stop()
    time.sleep(seconds)
    start_again(server)


def killed(server: EmbeddedPostgres, seconds: float) -> None:
    kill_server(server)
    time.sleep(seconds)
    start_again(server)


def frozen(server: EmbeddedPostgres, seconds: float) -> None:
    processes = family(server)
    signal_all(processes, signal.SIGSTOP)
    time.sleep(seconds)
    signal_all(processes, signal.SIGCONT)


def frozen_and_killed(server: EmbeddedPostgres, seconds: float) -> None:
    signal_all(family(server), signal.SIGSTOP)
    time.sleep(seconds)
    kill_server(server)
    start_again(server)


def out_of_connections(server: EmbeddedPostgres, seconds: float) -> None:
    end = time.monotonic() + seconds
    with ExitStack() as stack:
        while time.monotonic() < end:
            with suppress(psycopg2.OperationalError):
                conn = psycopg2.connect(server.url("warehouse", "pipeline"), connect_timeout=2)
                stack.enter_context(closing(conn))
            time.sleep(0.01)


Outage = Callable[[EmbeddedPostgres, float], None]
OUTAGES: list[Outage] = [stopped, killed, frozen, frozen_and_killed, out_of_connections]


def test_outages(torture: Torture, server: EmbeddedPostgres, tmp_path: Path) -> None:
    """Stopped, killed, frozen, frozen and then killed, out of connections: each at a random moment."""
    waits = []
    with running(server, tmp_path) as platform:
        for number in torture.trials(len(OUTAGES), 6 * len(OUTAGES)):
            time.sleep(torture.random.uniform(0, 2))
            OUTAGES[number % len(OUTAGES)](server, torture.random.uniform(0.2, 8 if torture.is_long else 1))
            waits.append(resumed(server, platform))
        assert_nothing_is_lost(server, platform)
        sent = platform.sent
    names = ", ".join(outage.__name__.replace("_", " ") for outage in OUTAGES)
    torture.report(
        GUARANTEE,
        f"{len(waits)} outages ({names}) under 50 messages a second",
        f"{sent:,} messages, 0 lost; PnL current again after {max(waits):.1f} s at most; audit clean",
    )


def test_a_full_disk(torture: Torture, tmp_path: Path) -> None:
    """The disk of the data directory is full: PostgreSQL refuses or stops, and somebody starts it again."""
    waits, stops = [], 0
    with small_disk(tmp_path / "disk", 400) as disk:
        settings = {"max_wal_size": "64MB", "min_wal_size": "32MB", "shared_buffers": "32MB"}
        server = EmbeddedPostgres(disk / "postgres", log=tmp_path / "postgres.log", settings=settings)
        try:
            prepare(server)
            with running(server, tmp_path) as platform:
                for _ in torture.trials(1, 10):
                    time.sleep(torture.random.uniform(0, 2))
                    end = time.monotonic() + torture.random.uniform(1, 10 if torture.is_long else 2)
                    while time.monotonic() < end:  # what the work frees is taken again
                        filler = fill(disk)
                        time.sleep(0.1)
                    filler.unlink()
                    assert server.process is not None
                    if server.process.poll() is not None:
                        stops += 1
                        start_again(server)
                    waits.append(resumed(server, platform))
                assert_nothing_is_lost(server, platform)
                sent = platform.sent
        finally:
            server.stop()
    torture.report(
        GUARANTEE,
        f"{len(waits)} times a full disk, upon which PostgreSQL stopped {stops} times",
        f"{sent:,} messages, 0 lost; PnL current again after {max(waits):.1f} s at most; audit clean",
    )


@contextmanager
def standby_of(server: EmbeddedPostgres, folder: Path) -> Iterator[EmbeddedPostgres]:
    """A copy that replicates synchronously, so that it has all that was committed."""
    folder.mkdir()
    shutil.copy(server.directory / "passwords.json", folder)
    standby = EmbeddedPostgres(folder)
    account = ServerAccount.choose(binaries() / "postgres", folder, server.directory / "data")
    data = folder / "data"
    data.mkdir(mode=0o700)
    account.give(data)
    copy = [str(binaries() / "pg_basebackup"), "-d", server.url("postgres"), "-D", str(data)]
    command = [*account.prefix, *copy, "-R", "-X", "stream", "--checkpoint=fast"]
    subprocess.run(command, check=True, capture_output=True, cwd="/", timeout=120)
    try:
        standby.start()
        with server.connect("postgres") as conn, conn.cursor() as cur:
            cur.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            cur.execute("SELECT pg_reload_conf()")
        yield standby
    finally:
        standby.stop()


def test_failover(torture: Torture, server: EmbeddedPostgres, tmp_path: Path) -> None:
    """The address answers nothing for a while; then the server dies, and a standby takes its place."""
    waits, sent = [], 0
    router = Router(server.port)
    url = server.url("warehouse", "pipeline").replace(f":{server.port}/", f":{router.port}/")
    try:
        with running(server, tmp_path, url) as platform, ExitStack() as stack:
            for number in torture.trials(1, 4):
                time.sleep(torture.random.uniform(0, 1))
                router.target = None
                time.sleep(torture.random.uniform(0.5, 20 if torture.is_long else 2))
                router.target = server.port
                waits.append(resumed(server, platform))
                standby = stack.enter_context(standby_of(server, tmp_path / f"standby-{number}"))
                time.sleep(torture.random.uniform(0, 2))
                kill_server(server)
                with closing(psycopg2.connect(standby.url("postgres"))) as conn, conn.cursor() as cur:
                    cur.execute("SELECT pg_promote()")
                router.target = standby.port
                router.cut()
                server = standby
                with server.connect("postgres") as conn, conn.cursor() as cur:
                    cur.execute("ALTER SYSTEM RESET synchronous_standby_names")
                    cur.execute("SELECT pg_reload_conf()")
                waits.append(resumed(server, platform))
            assert_nothing_is_lost(server, platform)
            sent = platform.sent
    finally:
        router.target = router.target or 0
        router.close()
    torture.report(
        GUARANTEE,
        f"{len(waits) // 2} times an address that swallows all, then a failover to a synchronous standby",
        f"{sent:,} messages, 0 lost; PnL current again after {max(waits):.1f} s at most; audit clean",
    )
