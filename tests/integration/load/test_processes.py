"""Several processes load at once: every trade once, whatever they meet."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psutil
import psycopg2
import pytest

from include.errors import TransientError
from include.jobs import load_trades, validate_trades
from include.landing import TRADES, list_files
from include.load import audit, portions, processes
from include.load.source import load_each
from include.load.trades import TradeSink
from include.settings import PROJECT_ROOT, Settings
from include.warehouse.connection import connect
from tests.factories import Database
from tests.messages import deal, landed, write_landing_file
from tests.waiting import eventually
from tools.database import Database as AnyDatabase
from tools.fingerprint import fingerprint
from tools.history import write_history

START_AT = datetime(2026, 3, 1, tzinfo=UTC)
HOURS = 12


@pytest.fixture
def processes_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """However little there is to load."""
    monkeypatch.setattr(processes, "BYTES_PER_PROCESS", 1_000)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})


def test_equal_to_what_one_process_loads(
    settings: Settings, second_warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = write_history(settings.landing_root, START_AT, HOURS, per_minute=5, is_fast=True)
    found = []
    for at_once, url in ((1, second_warehouse_url), (3, settings.warehouse_url)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, count=at_once: set(range(count)))
        monkeypatch.setattr(processes, "BYTES_PER_PROCESS", 1_000)
        with closing(AnyDatabase(url)) as database:
            here = replace(settings, warehouse_url=url)
            counts = load_trades.run(here)
            validate_trades.run(here)
            assert not _workers(os.getpid())
            assert counts["files"] == history.trade_files == 2 * HOURS
            assert counts["loaded_count"] == database.value("SELECT count(*) FROM raw.trades")
            assert [file for file in audit.run(here) if file.problems] == []
            gaps = database.rows("SELECT * FROM ops.capture_gaps WHERE NOT is_ongoing ORDER BY 2")
            # which of three copies are duplicates, and which conflict, depends on the order; their sum does not
            counts["others"] = counts.pop("duplicate_count") + counts.pop("rejected_count")
            found.append((counts, fingerprint(database), gaps))
    assert found[0] == found[1]


@pytest.fixture
def other_load(settings: Settings) -> Iterator[psycopg2.extensions.cursor]:
    """A load that has stored trade 1 and not ended yet."""
    write_landing_file(settings.landing_root, landed([deal(id="1")]), "a")
    with closing(psycopg2.connect(settings.warehouse_url)) as conn, conn.cursor() as cur:
        load_trades.run(settings)  # the ledger, the calendar
        cur.execute("CREATE TEMPORARY TABLE stored AS SELECT * FROM raw.trades; DELETE FROM raw.trades")
        conn.commit()
        cur.execute("INSERT INTO raw.trades SELECT * FROM pg_temp.stored")
        yield cur


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_trade_that_another_load_stores_meanwhile(
    settings: Settings, database: Database, other_load: psycopg2.extensions.cursor, is_kept: bool
) -> None:
    write_landing_file(settings.landing_root, landed([deal(id=str(n)) for n in range(5)]), "b")
    with ThreadPoolExecutor(1) as thread:
        loading = thread.submit(load_trades.run, settings)
        eventually(lambda: database.value("SELECT count(*) FROM pg_locks WHERE NOT granted") == 1)
        if is_kept:
            other_load.connection.commit()
        else:
            other_load.connection.rollback()
        counts = loading.result()
    assert counts["loaded_count"] == (4 if is_kept else 5)
    assert counts["duplicate_count"] == (1 if is_kept else 0)
    assert counts["rejected_count"] == 0
    assert database.value("SELECT count(*) FROM raw.trades") == 5


def test_two_loads_that_wait_for_each_other(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portions, "ROWS_PER_WRITE", 10)
    ids = [f"{n:03}" for n in range(200)]
    write_landing_file(settings.landing_root, landed([deal(id=id_) for id_ in ids]), "a")
    write_landing_file(settings.landing_root, landed([deal(id=id_) for id_ in reversed(ids)]), "b")
    both = threading.Barrier(2)

    class Meeting(TradeSink):
        """Waits after its first portion until the other one has stored its own."""

        has_met = False

        def write(self, cur: psycopg2.extensions.cursor, rows: dict[str, str], repeated: list[str]) -> int:
            known = super().write(cur, rows, repeated)
            if not self.has_met:
                self.has_met = True
                both.wait(20)
            return known

    def load(number: int) -> int:
        with connect(settings.warehouse_url, "test") as conn:
            files = [list_files(settings.landing_root, TRADES)[number]]
            [(_, loads, has_failed)] = load_each(conn, files, Meeting(settings.market))
            assert not has_failed
            return loads[0].duplicate_count

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(load, range(2))) == [0, 200]
    assert database.value("SELECT count(*) FROM raw.trades") == 200


def _workers(parent: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(parent).children() if _is_worker(child)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "include.load.worker" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


@pytest.mark.usefixtures("processes_are_worth_it")
def test_a_killed_process_is_made_good_by_the_next_load(settings: Settings, database: Database) -> None:
    history = write_history(settings.landing_root, START_AT, HOURS, per_minute=40, is_fast=True)
    with ThreadPoolExecutor(1) as thread:
        loading = thread.submit(load_trades.run, settings)
        eventually(lambda: database.value("SELECT count(*) FROM ops.load_batches") > 2)
        _workers(os.getpid())[0].kill()
        with pytest.raises(TransientError, match="was ended"):
            loading.result()
    assert not _workers(os.getpid())
    load_trades.run(settings)
    assert database.value("SELECT count(*) FROM raw.trades") == history.trade_count
    assert not any(file.problems for file in audit.run(settings))


LOAD = """
import os
from include.load import processes
processes.BYTES_PER_PROCESS = 1_000
os.sched_getaffinity = lambda _: {0, 1}
from include.jobs import load_trades
from include.settings import Settings
load_trades.run(Settings.from_environment())
"""


def test_they_end_with_a_parent_that_was_killed(settings: Settings, database: Database) -> None:
    write_history(settings.landing_root, START_AT, HOURS, per_minute=40, is_fast=True)
    variables = {"WAREHOUSE_URL": settings.warehouse_url, "LANDING_ROOT": str(settings.landing_root)}
    parent = subprocess.Popen([sys.executable, "-c", LOAD], cwd=PROJECT_ROOT, env=os.environ | variables)
    eventually(lambda: database.value("SELECT count(*) FROM ops.load_batches") > 0)
    workers = _workers(parent.pid)
    assert workers
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive
    assert database.value("SELECT count(*) FROM ops.load_batches") < 2 * HOURS, "it was killed in between"


def test_little_is_loaded_by_this_process(settings: Settings) -> None:
    hour = timedelta(hours=1)
    for number in range(3):
        write_landing_file(settings.landing_root, landed([deal()]), hour=START_AT + number * hour)
    assert processes.process_count(list_files(settings.landing_root, TRADES), {}) == 1
