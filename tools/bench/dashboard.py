"""The trading desk alone, asked as fast as it answers, and behind Airflow, where 15 traders press reload."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from include.jobs.build_pnl import publish, stage
from include.local.postgres import EmbeddedPostgres
from include.settings import PROJECT_ROOT
from include.warehouse.connection import connect
from include.warehouse.locks import lock_pnl_days
from tools.bench import views
from tools.bench.api_servers import PREFIX, ApiServers
from tools.bench.measures import Measure, WrongResultError, median_of
from tools.bench.year import LAST_DAY, PRICES, TRADERS, make_year

log = logging.getLogger(__name__)

_SECONDS = 6.0
_A_CHANGE_SECONDS = 2.0
_AT_LEAST_A_SECOND = 500
_P95_AT_MOST_MS = 50
_RELOAD_EVERY_SECONDS = 0.2
_RELOAD_P95_AT_MOST_MS = 150
_SLOWLY_EVERY_SECONDS = 1.0


@dataclass(frozen=True)
class Storm:
    """What a storm was like.

    Attributes:
        rate: Reloads a second.
        p95: Milliseconds within which 95 of 100 reloads were answered.
        changes: Publications meanwhile.
    """

    rate: float
    p95: float
    changes: int


def measure(server: EmbeddedPostgres, repeats: int, trades: int, folder: Path) -> list[Measure]:
    """The desk alone, beside an application that reads for each request, and behind Airflow."""
    url = make_year(server, "desk", trades)
    with _server(url, "--forgetful") as (port, _):
        measures = views.measure(port)
    measures += [*_measure_alone(url, repeats), *_measure_behind_airflow(server, url, repeats, folder)]
    server.drop_database("desk")
    return measures


def _measure_alone(url: str, repeats: int) -> list[Measure]:
    """Without a login: as fast as it answers; and how often it reads when reloads come slowly and quickly."""

    def storm(every: float, *options: str) -> tuple[Storm, int]:
        with _server(url, *options) as (port, reads):
            seen = _storm(url, port, every=every)
        # what was read while it warmed up is among the reads: less than a second's worth
        return seen, reads[0]

    each, ours, slow, quick = [], [], [], []
    for number in range(1, repeats + 1):
        each.append(storm(0, "--forgetful")[0])
        ours.append(storm(0)[0])
        _report("dashboard, as fast as it answers", number, repeats, each[-1], ours[-1])
        slow.append(storm(_SLOWLY_EVERY_SECONDS))
        quick.append(storm(_RELOAD_EVERY_SECONDS))
    # one of each trader at first, one after each change, and one if a minute turns
    most_reads = TRADERS * (2 + max(seen.changes for seen, _ in quick))
    reads = [count for _, count in slow], [count for _, count in quick]
    name = f"trading desk, reads in {_SECONDS:.0f} s of 75 reloads/s"
    return [
        median_of("trading desk, answers", "/s", *_rates(each, ours), at_least=_AT_LEAST_A_SECOND),
        median_of("trading desk, p95", " ms", *_p95s(each, ours), at_most=_P95_AT_MOST_MS),
        median_of(name, "", *reads, at_most=most_reads),
    ]


def _measure_behind_airflow(server: EmbeddedPostgres, url: str, repeats: int, folder: Path) -> list[Measure]:
    """As a plugin of Airflow's API server, each trader with a cookie of his own, five reloads a second each.

    A reload is what a browser asks for: the page and its numbers. It has the other files, and opens no stream
    of events before the page has stood for a second.
    """
    servers = ApiServers(server, url, folder, TRADERS)
    slow: list[Storm] = []
    quick: list[Storm] = []
    with servers.running() as port:
        cookies = servers.cookies(port)
        for number in range(1, repeats + 1):
            slow.append(_storm(url, port, PREFIX, cookies, _SLOWLY_EVERY_SECONDS))
            quick.append(_storm(url, port, PREFIX, cookies, _RELOAD_EVERY_SECONDS))
            _report("dashboard behind Airflow, 1 and 5 reloads/s each", number, repeats, slow[-1], quick[-1])
    server.drop_database("airflow")
    asked = 0.95 * TRADERS / _RELOAD_EVERY_SECONDS
    name = "trading desk behind Airflow"
    return [
        median_of(f"{name}, reloads", "/s", *_rates(slow, quick), at_least=asked),
        median_of(f"{name}, p95", " ms", *_p95s(slow, quick), at_most=_RELOAD_P95_AT_MOST_MS),
    ]


def _rates(others: list[Storm], ours: list[Storm]) -> tuple[list[float], list[float]]:
    return [storm.rate for storm in others], [storm.rate for storm in ours]


def _p95s(others: list[Storm], ours: list[Storm]) -> tuple[list[float], list[float]]:
    return [storm.p95 for storm in others], [storm.p95 for storm in ours]


def _report(name: str, number: int, repeats: int, other: Storm, ours: Storm) -> None:
    log.info(
        "%s %d of %d: the other %.0f/s, p95 %.0f ms; ours %.0f/s, %.1f ms, %d changes; load %.1f",
        *(name, number, repeats, other.rate, other.p95, ours.rate, ours.p95, ours.changes, os.getloadavg()[0]),
    )


def _storm(url: str, port: int, prefix: str = "", headers: Sequence[str] = (), every: float = 0) -> Storm:
    page = f"{prefix}/api/v1/page?day={LAST_DAY}&trader=flex_trader_"
    connections = [
        ([*([f"{prefix}/"] if every else []), f"{page}{number}"], header)
        for number, header in enumerate(headers or [""] * TRADERS, 1)
    ]
    _send(port, connections, 1.0, every)  # caches are warm
    with _changes(url) as changes:
        durations = _send(port, connections, _SECONDS, every)
    return Storm(len(durations) / _SECONDS, quantiles(durations, n=20)[-1] * 1000, len(changes))


def _send(port: int, connections: list[tuple[list[str], str]], seconds: float, every: float) -> list[float]:
    load = {"port": port, "connections": connections, "seconds": seconds, "every": every}
    done = subprocess.run(
        [sys.executable, "-m", "tools.bench.processes.storm"],
        cwd=PROJECT_ROOT,
        input=json.dumps(load),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    durations: list[float] = json.loads(done.stdout)
    return durations


@contextmanager
def _server(url: str, *options: str) -> Iterator[tuple[int, list[int]]]:
    """The port; and, at the end, the number of reads."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.bench.processes.desk", *options],
        cwd=PROJECT_ROOT,
        env=os.environ | {"WAREHOUSE_URL": url},
        stdout=subprocess.PIPE,
        text=True,
    )
    reads: list[int] = []
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline()), reads
        process.send_signal(signal.SIGINT)
        reads.append(int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def _changes(url: str) -> Iterator[list[int]]:
    """New prices for the whole day, published again and again; the rows that each publication changed."""
    changes: list[int] = []
    over = threading.Event()

    def publish_prices() -> None:
        with connect(url, "bench") as conn:
            with conn, conn.cursor() as cur:
                lock_pnl_days(cur, "DE", [LAST_DAY])
            while not over.wait(_A_CHANGE_SECONDS):
                with conn, conn.cursor() as cur:
                    cur.execute("SELECT count(*) FROM raw.reference_prices")
                    (number,) = cur.fetchone() or (0,)
                    cur.execute(PRICES, {"number": number, "first_day": LAST_DAY})
                build = stage(conn, "DE", [LAST_DAY], is_whole=True)
                with conn, conn.cursor() as cur:
                    publish(cur, build)
                changes.append(build.changed_count)

    with ThreadPoolExecutor(1) as threads:
        publishing = threads.submit(publish_prices)
        try:
            yield changes
        finally:
            over.set()
        publishing.result()
    if not changes or not all(changes):
        raise WrongResultError(f"each publication must change rows: {changes}")
