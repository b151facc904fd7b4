"""The exporter lives on while the warehouse is away, and cannot hurt it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg2 import sql

from include.health import collector, warehouse
from include.settings import PROJECT_ROOT, Settings
from tests.factories import Database
from tests.integration.health.conftest import Exporter, Samples, Wire, parsed
from tests.waiting import eventually, run_module

UP = ("warehouse_up", ())


def has_metrics(samples: Samples) -> bool:
    return ("pending_delivery_periods", ()) in samples


def test_a_warehouse_that_refuses_is_down_and_comes_back_by_itself(exporter: Exporter, wire: Wire) -> None:
    assert exporter.scrape()[UP] == 1
    wire.is_cut = True
    samples = exporter.scrape()
    assert (samples[UP], has_metrics(samples)) == (0, False)
    wire.is_cut = False
    samples = exporter.scrape()
    assert (samples[UP], has_metrics(samples)) == (1, True)


def test_a_warehouse_that_hangs_is_down_in_time_and_comes_back_by_itself(
    exporter: Exporter, wire: Wire
) -> None:
    assert exporter.scrape()[UP] == 1
    wire.frozen = sys.maxsize
    before = time.monotonic()
    assert exporter.scrape()[UP] == 0
    assert time.monotonic() - before < 9
    wire.frozen = wire.connections
    eventually(lambda: exporter.scrape()[UP], 10)


def test_a_connection_that_hangs_in_a_query_is_broken(
    exporter: Exporter, database: Database, wire: Wire
) -> None:
    database.rows("BEGIN; LOCK TABLE ops.landing_files IN ACCESS EXCLUSIVE MODE")
    with ThreadPoolExecutor(1) as pool:
        scrape = pool.submit(exporter.scrape)
        time.sleep(1.0)  # it waits for the table now
        wire.frozen = wire.connections  # for good
        assert scrape.result()[UP] == 0
    database.rows("ROLLBACK")
    eventually(lambda: exporter.scrape()[UP], 3)  # the frozen connection alone would be waited for many minutes


def test_a_slow_warehouse_is_left_alone_after_seconds(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse, "ROUND_SECONDS", 0.5)
    database.rows("BEGIN; LOCK TABLE ops.landing_files IN ACCESS EXCLUSIVE MODE")
    exporter = collector.PlatformCollector([settings], lambda: settings.warehouse_url)
    before = time.monotonic()
    (up,) = exporter.collect()
    assert up.samples[0].value == 0
    assert 0.4 < time.monotonic() - before < 3
    database.rows("ROLLBACK")


class TestStorm:
    """Many scrapers at once."""

    @pytest.fixture
    def good_for_seconds(self) -> float:
        return 60.0

    def test_a_storm_of_scrapes_is_one_read(self, exporter: Exporter, wire: Wire) -> None:
        with ThreadPoolExecutor(20) as pool:
            scrapes = list(pool.map(lambda _: exporter.scrape(), range(100)))
        assert all(samples[UP] == 1 for samples in scrapes)
        assert wire.connections == 1

    def test_a_storm_while_the_warehouse_is_away_is_one_try(self, exporter: Exporter, wire: Wire) -> None:
        wire.is_cut = True
        with ThreadPoolExecutor(20) as pool:
            scrapes = list(pool.map(lambda _: exporter.scrape(), range(40)))
        assert all(samples[UP] == 0 for samples in scrapes)
        assert wire.connections == 1


def test_it_reads_with_the_rights_of_an_analyst_and_writes_nothing(
    exporter: Exporter, database: Database, warehouse_url: str
) -> None:
    name = sql.Identifier(warehouse_url.rsplit("/", 1)[1])
    database.cursor.execute(sql.SQL("ALTER DATABASE {} SET role = 'analyst'").format(name))
    assert exporter.scrape()[UP] == 1


def test_a_warehouse_that_is_not_set_up_yet_is_down(exporter: Exporter, database: Database) -> None:
    database.rows("DROP SCHEMA ops CASCADE")
    samples = exporter.scrape()
    assert (samples[UP], has_metrics(samples)) == (0, False)


@pytest.fixture
def process(settings: Settings) -> Iterator["subprocess.Popen[str]"]:
    settings.landing_root.mkdir()
    environment = {"WAREHOUSE_URL": settings.warehouse_url, "LANDING_ROOT": str(settings.landing_root)}
    process = subprocess.Popen(
        [sys.executable, "-m", "include.health", "--port", "0"],
        cwd=PROJECT_ROOT,
        env=os.environ | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def test_the_command_serves_and_ends_at_sigterm(process: "subprocess.Popen[str]") -> None:
    assert process.stderr
    found = re.search(r"http://\S+/metrics", process.stderr.readline())
    assert found
    samples = parsed(Exporter(found[0]).text())
    assert samples[UP] == 1
    assert ("landing_free_bytes", ()) in samples
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0


@pytest.mark.parametrize("arguments", [["--host", "192.0.2.1"], []], ids=["address", "setting"])
def test_what_cannot_work_ends_with_a_sentence(arguments: list[str], settings: Settings) -> None:
    url = settings.warehouse_url if arguments else "mysql://nowhere"
    ended = run_module("include.health", "--port", "0", *arguments, WAREHOUSE_URL=url)
    assert ended.returncode == 2
    assert ended.stderr.startswith("monitoring: ")
    assert "Traceback" not in ended.stderr
