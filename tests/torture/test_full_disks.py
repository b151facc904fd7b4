"""File systems without room for landing files, PostgreSQL's data, and logs."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg2
import pytest

from include.errors import TerminalError
from include.jobs import load_trades
from include.load import audit
from include.local.postgres import EmbeddedPostgres
from include.settings import PROJECT_ROOT, Settings
from include.simulator.exchange import Exchange
from include.warehouse.migrate import migrate
from tests.factories import Database
from tests.integration.capture.conftest import Landed, StartCapture, TestClock, exchange, start_capture
from tests.messages import deal, write_landing_file
from tests.messages import landed as landing_lines
from tests.torture.conftest import Torture
from tests.waiting import eventually

__all__ = ["exchange", "start_capture"]

PAGE = 4096


@contextmanager
def small_disk(folder: Path, size: str, *options: str) -> Iterator[Path]:
    """A file system in memory of that size; the test is skipped where none can be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *options]), "tmpfs", str(folder)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("a small file system takes root and the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, left: int) -> Path:
    """Takes all room but so many bytes."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        while True:
            free = os.statvfs(disk).f_bavail * PAGE - left
            try:
                os.posix_fallocate(file.fileno(), 0, max(free, PAGE))
                return filler
            except OSError:
                continue  # somebody else took a page meanwhile


@pytest.fixture
def landed(tmp_path: Path) -> Iterator[Landed]:
    with small_disk(tmp_path / "disk", "64M", "nr_inodes=4000") as disk:
        yield Landed(disk / "landing")


def test_a_full_landing_disk(
    torture: Torture,
    settings: Settings,
    database: Database,
    exchange: Exchange,
    start_capture: StartCapture,
    landed: Landed,
) -> None:
    random, clock, sent, hours = torture.random, TestClock(), 0, 0
    capture = start_capture(exchange.url, clock=clock.wall, monotonic=clock.monotonic)
    exchange.wait_for_connections()
    for _ in torture.trials(8, 300):
        filler = fill(landed.root.parent, random.choice([0, 0, PAGE, random.randrange(40_000)]))
        messages = [
            deal(id=str(number), note="x" * random.choice([0, 10, 3000]))
            for number in range(sent, sent + random.randint(1, 30))
        ]
        sent += len(messages)
        exchange.send_all(messages)
        if random.random() < 0.4 and hours < 20:
            clock.pass_by(timedelta(hours=1))  # there may be no room for a new file
            hours += 1
        time.sleep(random.choice([0, 0.05, 0.2]))
        filler.unlink()
        exchange.send_all([deal(id=str(sent))])
        sent += 1
        eventually(lambda: len(landed.payloads()) == sent)  # noqa: B023
    capture.stop()
    waits = landed.events("write_failed")
    assert landed.payloads() == [line.encode() for line in _expected(landed)]
    settings = replace(settings, landing_root=landed.root)
    loaded = load_trades.run(settings)
    assert (loaded["loaded_count"], loaded["rejected_count"], loaded["failed_files"]) == (sent, 0, 0)
    assert not any(file.problems or file.waiting_lines for file in audit.run(settings))
    torture.report(
        "A disk that is full or fails: capture waits, says so, skips nothing, and goes on",
        f"{torture.count(8, 300):,} times a full file system, {hours} new hours meanwhile",
        f"waited {len(waits)} times, each told in the file; 0 of {sent:,} messages lost or doubled",
    )


def _expected(landed: Landed) -> list[str]:
    """The payloads in order of their numbers, each once."""
    by_number = {}
    for payload in landed.payloads():
        by_number[int(payload.split(b'"id": "')[1].split(b'"')[0])] = payload.decode()
    assert sorted(by_number) == list(range(len(by_number)))
    return [by_number[number] for number in sorted(by_number)]


def test_a_log_that_cannot_be_written_stops_nothing(
    torture: Torture, exchange: Exchange, tmp_path: Path
) -> None:
    landed, count = Landed(tmp_path / "landing"), torture.count(50, 5_000)
    command = [sys.executable, "-m", "include.capture", "--exchange-url", exchange.url]
    with Path("/dev/full").open("w") as full:
        process = subprocess.Popen(
            [*command, "--landing-root", str(landed.root)], stderr=full, cwd=PROJECT_ROOT
        )
    try:
        exchange.wait_for_connections(timeout_seconds=60)
        for number in range(count):
            exchange.send(str(number))
            if number % (count // 5) == 0:
                exchange.disconnect()  # each is logged
                eventually(lambda: exchange.connections == 0)
                exchange.wait_for_connections(timeout_seconds=60)
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    numbers = [int(payload) for payload in landed.payloads()]
    assert numbers == sorted(set(numbers))
    assert set(range(count)) - set(numbers) <= {n for n in range(count) if n % (count // 5) == 0}
    assert len(landed.events("disconnected")) == 6
    torture.report(
        "A disk that is full or fails: capture waits, says so, skips nothing, and goes on",
        "every write of the log fails (no room), five reconnects",
        f"{count:,} messages landed, clean stop",
    )


def test_a_full_data_directory(torture: Torture, settings: Settings, tmp_path: Path) -> None:
    random, failures, sent, restarts = torture.random, 0, 0, 0
    kinds: set[str] = set()
    few_wal = {"max_wal_size": "32MB", "min_wal_size": "32MB", "shared_buffers": "16MB"}
    with small_disk(tmp_path / "disk", "800M") as disk:
        server = EmbeddedPostgres(disk / "postgres", log=tmp_path / "postgres.log", settings=few_wal)
        try:
            server.start()
            server.create_warehouse()
            migrate(server.url("warehouse", "pipeline"))
            settings = replace(settings, warehouse_url=server.url("warehouse", "pipeline"))
            for trial in torture.trials(3, 60):
                count = random.choice([100, 2_000, 10_000])
                write_landing_file(
                    settings.landing_root,
                    landing_lines(deal(id=str(number)) for number in range(sent, sent + count)),
                    name=f"t{trial}",
                )
                sent += count
                filler = fill(disk, random.choice([0, PAGE, random.randrange(3_000_000)]))
                try:
                    failures += load_trades.run(settings)["failed_files"] > 0
                except Exception as error:  # noqa: BLE001 - loud is what it has to be
                    failures += 1
                    kinds.add(type(error).__name__)
                filler.unlink()
                restarts += is_up_again(server)
                assert load_trades.run(settings)["failed_files"] == 0
                assert not any(file.problems or file.waiting_lines for file in audit.run(settings))
                with server.connect("warehouse") as connection, connection.cursor() as cursor:
                    cursor.execute("SELECT count(*) FROM raw.trades")
                    assert cursor.fetchall() == [(sent,)]
        finally:
            server.stop()
    torture.report(
        "A full data directory of PostgreSQL fails loads loudly; the next load makes all good",
        f"{torture.count(3, 60)} times a full file system under a load",
        f"{failures} loads failed ({', '.join(sorted(kinds)) or 'noted in the ledger'}), {restarts} restarts of"
        f" the server; then all of {sent:,} trades loaded, audit clean",
    )


def is_up_again(server: EmbeddedPostgres) -> bool:
    """Waits for the server, which may have ended for want of room; whether it had to be started again."""
    assert server.process is not None
    for _ in range(100):
        if server.process.poll() is not None:
            server.launch()
            server.wait()
            return True
        try:
            psycopg2.connect(server.url("postgres"), connect_timeout=5).close()
            return False
        except psycopg2.OperationalError:
            time.sleep(0.1)
    raise TerminalError("it does not come back")
