"""The trading desk alone, asked as fast as it answers, and behind Airflow, where 15 traders press reload."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import quantiles

from psycopg2.extensions import connection as Connection

from include.domain.delivery_period import Market
from include.jobs.build_pnl import publish, stage
from include.local.postgres import EmbeddedPostgres
from include.settings import PROJECT_ROOT
from include.warehouse.connection import connect
from include.warehouse.locks import lock_pnl_days
from include.warehouse.migrate import migrate
from include.warehouse.queries import load_queries, run_sql
from tools.bench import views
from tools.bench.api_servers import PREFIX, ApiServers
from tools.bench.measures import Measure, WrongResultError, median_of

log = logging.getLogger(__name__)

QUERIES = load_queries("load/queries.sql")

_OWNER = "pipeline"
_TRADERS = 15
_DAYS = 365
_LAST_DAY = date(2026, 3, 1)
_SECONDS = 6.0
_A_CHANGE_SECONDS = 2.0
_AT_LEAST_A_SECOND = 500
_P95_AT_MOST_MS = 50
_RELOAD_EVERY_SECONDS = 0.2
_RELOAD_P95_AT_MOST_MS = 150
_SLOWLY_EVERY_SECONDS = 1.0

_BATCHES = """
WITH files AS (
    INSERT INTO ops.landing_files (market, landing_file, source, hour_start_at)
    VALUES ('DE', 'trades/bench', 'trades', now()), ('DE', 'reference_prices/bench', 'reference_prices', now())
    RETURNING landing_file_id, source
)
INSERT INTO ops.load_batches (source, landing_file_id, from_bytes, to_bytes, line_count, loaded_count,
                              duplicate_count, rejected_count, event_count, state)
SELECT source, landing_file_id, 0, 0, 0, 0, 0, 0, 0, 'accepted' FROM files
"""
# in order of the days, as trades come in time
_TRADES = """
INSERT INTO raw.trades
SELECT
    lpad(to_hex(n), 16, '0'), 'flex_trader_' || (n %% %(traders)s + 1),
    CASE n %% 4 WHEN 0 THEN 'buy' ELSE 'sell' END, ((n * 7919) %% 20011 - 5000) * 0.01, (n %% 97 + 1) * 0.1,
    p.delivery_day, p.delivery_hour, p.delivery_start_at, p.delivery_end_at, p.tradable_from, p.tradable_from,
    1, 1, n, 'DE'
FROM (SELECT *, row_number() OVER (ORDER BY delivery_start_at) - 1 AS number, count(*) OVER () AS all_periods
      FROM raw.delivery_periods) AS p
CROSS JOIN LATERAL generate_series(
    number * %(trades)s / all_periods, (number + 1) * %(trades)s / all_periods - 1) AS n
"""
_PRICES = """
INSERT INTO raw.reference_prices (market, delivery_day, delivery_hour, price_eur_per_mwh, observed_at,
                                  load_batch_id, landing_file_id, line_number)
SELECT market, delivery_day, delivery_hour, 40 + %(number)s + extract(hour FROM delivery_start_at),
       price_final_from + %(number)s * interval '1 second', 2, 2,
       %(number)s * 100000::bigint + row_number() OVER ()
FROM raw.delivery_periods
WHERE delivery_day >= %(first_day)s
"""


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
    server.create_database("desk", _OWNER)
    url = server.url("desk", _OWNER)
    migrate(url)
    _fill(url, trades)
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
    most_reads = _TRADERS * (2 + max(seen.changes for seen, _ in quick))
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
    servers = ApiServers(server, url, folder, _TRADERS)
    slow: list[Storm] = []
    quick: list[Storm] = []
    with servers.running() as port:
        cookies = servers.cookies(port)
        for number in range(1, repeats + 1):
            slow.append(_storm(url, port, PREFIX, cookies, _SLOWLY_EVERY_SECONDS))
            quick.append(_storm(url, port, PREFIX, cookies, _RELOAD_EVERY_SECONDS))
            _report("dashboard behind Airflow, 1 and 5 reloads/s each", number, repeats, slow[-1], quick[-1])
    server.drop_database("airflow")
    asked = 0.95 * _TRADERS / _RELOAD_EVERY_SECONDS
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


def _fill(url: str, trades: int) -> None:
    """A year of trades of 15 traders with its prices and its PnL."""
    market = Market.of("Europe/Berlin")
    days = [_LAST_DAY - timedelta(days=n) for n in reversed(range(_DAYS))]
    began = time.monotonic()
    with connect(url, "bench") as conn:
        with conn, conn.cursor() as cur:
            cur.execute("SET LOCAL synchronous_commit = off")
            for day in days:
                for period in market.hours_of(day):
                    run_sql(cur, QUERIES["delivery_periods"], asdict(period))
            cur.execute(_BATCHES)
            cur.execute(_TRADES, {"traders": _TRADERS, "trades": trades})
            cur.execute(_PRICES, {"number": 0, "first_day": days[0]})
        log.info("dashboard: %d trades of a year are there after %.0f s", trades, time.monotonic() - began)
        conn.autocommit = True
        with conn.cursor() as cur:
            cur.execute("VACUUM (ANALYZE)")
        conn.autocommit = False
        build = stage(conn, "DE", days, is_whole=True)
        with conn, conn.cursor() as cur:
            publish(cur, build)
        rows = build.row_count
        conn.autocommit = True
        with conn.cursor() as cur:
            cur.execute("VACUUM (ANALYZE)")
            cur.execute("SELECT count(*), sum(trade_count)::bigint, count(pnl_eur) FROM curated.pnl_hourly")
            found = cur.fetchone()
    if found != (rows, trades, rows):
        raise WrongResultError(f"{rows} rows of {trades} trades must be there and priced, not {found}")
    log.info("dashboard: %d rows of PnL are built after %.0f s", rows, time.monotonic() - began)


def _publish(conn: Connection, days: list[date]) -> int:
    with conn, conn.cursor() as cur:
        lock_pnl_days(cur, "DE", days)
    build = stage(conn, "DE", days, is_whole=True)
    with conn, conn.cursor() as cur:
        publish(cur, build)
    return build.changed_count


def _storm(url: str, port: int, prefix: str = "", headers: Sequence[str] = (), every: float = 0) -> Storm:
    page = f"{prefix}/api/v1/page?day={_LAST_DAY}&trader=flex_trader_"
    connections = [
        ([*([f"{prefix}/"] if every else []), f"{page}{number}"], header)
        for number, header in enumerate(headers or [""] * _TRADERS, 1)
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
                lock_pnl_days(cur, "DE", [_LAST_DAY])
            while not over.wait(_A_CHANGE_SECONDS):
                with conn, conn.cursor() as cur:
                    cur.execute("SELECT count(*) FROM raw.reference_prices")
                    (number,) = cur.fetchone() or (0,)
                    cur.execute(_PRICES, {"number": number, "first_day": _LAST_DAY})
                changes.append(_publish(conn, [_LAST_DAY]))

    with ThreadPoolExecutor(1) as threads:
        publishing = threads.submit(publish_prices)
        try:
            yield changes
        finally:
            over.set()
        publishing.result()
    if not changes or not all(changes):
        raise WrongResultError(f"each publication must change rows: {changes}")
