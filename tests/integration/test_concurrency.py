"""An hour of the desk in half a minute: two captures, four kinds of runs and a reader at once; nothing is lost.

The trades of the live hour come from a simulated exchange, 100 a second instead of 100 a minute, with
duplicates, conflicts, broken messages and cut connections; those of the past lie in landing files already.
"""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.capture.service import run_capture
from include.capture.timing import Timing
from include.jobs import build_pnl
from include.landing import REFERENCE_PRICES, list_files
from include.load import audit
from include.settings import PROJECT_ROOT, Settings
from include.simulator.exchange import Exchange
from include.simulator.faults import ExchangeFaults
from include.simulator.market import SimulatedMarket
from include.simulator.provider import Provider
from include.warehouse.queries import load_queries, run_sql
from tests.concurrency.reader import Reader
from tests.concurrency.worker import Outcomes, pipeline
from tests.e2e.specification import assert_as_specified, built_of
from tests.factories import Database
from tests.messages import read_lines
from tools.fingerprint import fingerprint
from tools.history import write_history

log = logging.getLogger(__name__)

DEALS_PER_SECOND = 100.0
SECONDS = 25.0
MAX_SECONDS = 150.0
"""Until each kind of run has been through a few times, on a machine however slow."""
PASSES = 3
KINDS = ("live", "hourly", "backfill", "rebuild")
PAST_HOURS = 4
BUDGET = 120
"""Requests a minute: soon spent, so that runs wait for each other's."""

pytestmark = pytest.mark.timeout(420)


def test_everything_at_once(
    settings: Settings, database: Database, second_warehouse_url: str, tmp_path: Path
) -> None:
    # final prices of the past, too, have been observed by now
    past = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=72)
    write_history(settings.landing_root, past, PAST_HOURS, per_minute=10)
    market = SimulatedMarket()
    reader = Reader(settings.warehouse_url)
    with ExitStack() as running:
        provider = running.enter_context(Provider(market, budget=((BUDGET, 60), (1000, 3600))))
        exchange = running.enter_context(Exchange(market, rate_per_second=DEALS_PER_SECOND, faults=faults()))
        settings = replace(
            settings,
            exchange_url=exchange.url,
            market_data_url=provider.url,
            reference_price_per_minute=BUDGET,
        )
        running.enter_context(captures(settings, ("airflow", "standalone")))
        exchange.wait_for_connections(2)
        workers = running.enter_context(working(settings, past, tmp_path))
        reader.start()
        running.callback(reader.stop)
        began = time.monotonic()
        while time.monotonic() < began + SECONDS or (
            min(workers.passes().values()) < PASSES and time.monotonic() < began + MAX_SECONDS
        ):
            assert not workers.ended(), workers.errors()
            assert not reader.problems, reader.problems
            time.sleep(0.1)
        exchange.rate_per_second = 0.0
        outcomes = workers.stop()
    log.info("%d snapshots; %s", reader.snapshots, outcomes)
    assert not reader.problems, reader.problems
    assert reader.snapshots > PASSES
    assert min(outcome["passes"] for outcome in outcomes.values()) >= PASSES, outcomes
    # waiting for one another is ordered, so that nobody has to be chosen as a deadlock's victim
    assert not [kind for kind in transient(outcomes) if "Deadlock" in kind], outcomes

    finish(settings)
    assert not [file for file in audit.run(settings) if file.problems or file.waiting_lines]
    assert database.value("SELECT count(*) FROM ops.load_batches WHERE state <> 'accepted'") == 0
    assert database.value("SELECT count(*) FROM ops.pending_delivery_periods") == 0
    for source in ("staging.pnl_hourly", "staging.trade_copies"):
        assert database.value(f"SELECT count(*) FROM {source}") == 0
    reasons = dict(database.rows("SELECT reason_code, count(*) FROM ops.rejected_messages GROUP BY 1"))
    assert reasons["conflicting_duplicate"] > 10
    assert 429 not in [line.get("status") for line in landed_replies(settings)]

    again = replace(settings, warehouse_url=second_warehouse_url)
    finish(again)
    with closing(Database(second_warehouse_url)) as rebuilt:
        for one in (database, rebuilt):
            see_gaps_up_to_the_last_connection(one)
        build_pnl.run(settings)
        build_pnl.run(again)
        assert fingerprint(database) == fingerprint(rebuilt)
    assert assert_as_specified(built_of(database), settings.landing_root) > 0


def faults() -> ExchangeFaults:
    """What the exchange does wrong all the time."""
    return ExchangeFaults(
        disconnect_every_seconds=8.0,
        duplicates=0.02,
        conflicting_duplicates=0.01,
        reordering=0.02,
        broken_json=0.002,
    )


@contextmanager
def captures(settings: Settings, names: tuple[str, ...]) -> Iterator[None]:
    """A capture of each name, in threads."""
    stopping = threading.Event()
    timing = Timing(heartbeat=1.0)
    with ThreadPoolExecutor(len(names)) as threads:
        results = [
            threads.submit(run_capture, settings, name, stopping.is_set, timing=timing) for name in names
        ]
        try:
            yield
        finally:
            stopping.set()
        for result in results:
            assert result.result().messages > 0


class Workers:
    """A process for each kind of run."""

    def __init__(self, settings: Settings, past: datetime, folder: Path) -> None:
        self._folder = folder
        environment = os.environ | {
            "WAREHOUSE_URL": settings.warehouse_url,
            "LANDING_ROOT": str(settings.landing_root),
            "DATA_DOCS_ROOT": str(settings.data_docs_root),
            "MARKET_DATA_URL": settings.market_data_url,
            "REFERENCE_PRICE_PER_MINUTE": str(settings.reference_price_per_minute),
            "MARKET_TIMEZONE": settings.market.timezone.key,
        }
        self._processes = {}
        for kind in KINDS:
            command = ["-m", "tests.concurrency.worker", kind, past.isoformat(), str(PAST_HOURS)]
            with (folder / f"{kind}.out").open("wb") as out, (folder / f"{kind}.err").open("wb") as err:
                self._processes[kind] = subprocess.Popen(
                    [sys.executable, *command], cwd=PROJECT_ROOT, env=environment, stdout=out, stderr=err
                )

    def ended(self) -> list[str]:
        """Those that gave up."""
        return [kind for kind, process in self._processes.items() if process.poll() is not None]

    def errors(self) -> dict[str, str]:
        """The last that they wrote about it."""
        return {kind: (self._folder / f"{kind}.err").read_text()[-2000:] for kind in self.ended()}

    def passes(self) -> dict[str, int]:
        """How often each has been through."""
        return {kind: len(self._lines(kind)) for kind in KINDS}

    def stop(self) -> dict[str, Any]:
        """What happened to each; returns when all have finished the run under way."""
        for process in self._processes.values():
            process.terminate()
        for kind, process in self._processes.items():
            assert process.wait(120) == 0, self.errors()[kind]
        return {kind: json.loads(self._lines(kind)[-1]) for kind in KINDS}

    def kill(self) -> None:
        """Ends what is left of them."""
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _lines(self, kind: str) -> list[str]:
        return (self._folder / f"{kind}.out").read_text().splitlines()


@contextmanager
def working(settings: Settings, past: datetime, folder: Path) -> Iterator[Workers]:
    """The workers, none of which is left at the end."""
    workers = Workers(settings, past, folder)
    try:
        yield workers
    finally:
        workers.kill()


def transient(outcomes: dict[str, Any]) -> Counter[str]:
    """Failures that were tried again, by task and cause, of all workers."""
    return sum((Counter(outcome["transient"]) for outcome in outcomes.values()), Counter())


def finish(settings: Settings) -> None:
    """A last run over all there is."""
    Outcomes().run(pipeline(settings, has_pull=False))


def landed_replies(settings: Settings) -> list[dict[str, Any]]:
    return [
        line for file in list_files(settings.landing_root, REFERENCE_PRICES) for line in read_lines(file.path)
    ]


def see_gaps_up_to_the_last_connection(database: Database) -> None:
    """The time since then is a gap of which each look at the landing files sees more: leave it out."""
    database.rows(
        "UPDATE ops.landing_scans SET scanned_at = (SELECT max(connected_until) FROM ops.connected_intervals)"
    )
    marking = load_queries("load/queries.sql")["pending_capture_gaps"]
    run_sql(database.cursor, marking, {"since": datetime(2000, 1, 1, tzinfo=UTC), "market": "DE"})
