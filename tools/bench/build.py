"""The build of PnL beside its limit: one bare pass over the trades that groups and sums them."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from psycopg2.extensions import connection as Connection

from include.expectations.acceptance import QUERIES
from include.expectations.pnl_hourly import check_pnl
from include.jobs.build_pnl import publish, stage
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.locks import lock_pnl_days
from tools.bench.dataset import DELIVERY_DAYS, DELIVERY_HOURS
from tools.bench.measures import Measure, WrongResultError, duration
from tools.bench.warehouses import Warehouses, vacuum

log = logging.getLogger(__name__)

_AT_MOST = 1.3
_DAYS = [date.fromisoformat(day) for day in DELIVERY_DAYS]

_LIMIT = """
SELECT delivery_day, delivery_hour, trader_id, direction,
       count(*), sum(quantity_mw), sum(quantity_mw * price_eur_per_mwh)
FROM raw.trades
GROUP BY delivery_day, delivery_hour, trader_id, direction
"""
_ACCEPT = "UPDATE ops.load_batches SET state = 'accepted', validated_at = clock_timestamp()"
_PRICE_BATCH = """
INSERT INTO ops.load_batches (source, landing_file_id, from_bytes, to_bytes, line_count, loaded_count,
                              duplicate_count, rejected_count, event_count, state)
SELECT 'reference_prices', min(landing_file_id), 0, 0, 0, 0, 0, 0, 0, 'accepted' FROM ops.landing_files
RETURNING load_batch_id
"""
_PRICES = """
INSERT INTO raw.reference_prices (market, delivery_day, delivery_hour, price_eur_per_mwh, observed_at,
                                  load_batch_id, landing_file_id, line_number)
SELECT market, delivery_day, delivery_hour, 30 + %(load_batch_id)s, clock_timestamp(), %(load_batch_id)s,
       -%(load_batch_id)s, row_number() OVER ()
FROM raw.delivery_periods
"""
_PENDING = """
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
SELECT market, delivery_day, delivery_hour, 'bench' FROM raw.delivery_periods
"""


@dataclass
class _Times:
    limits: list[float] = field(default_factory=list)
    builds: list[float] = field(default_factory=list)
    checks: list[float] = field(default_factory=list)


def measure(warehouses: Warehouses, repeats: int, folder: Path) -> list[Measure]:
    """Limit, first build, limit, rebuild with all prices changed: all delivery periods pending each time."""
    url = warehouses.loaded
    settings = replace(Settings(), warehouse_url=url, data_docs_root=folder / "data_docs")
    first, again = _Times(), _Times()
    with connect(url, "bench") as conn:
        with conn, conn.cursor() as cur:
            cur.execute(_ACCEPT)
        vacuum(conn, QUERIES["vacuum_trades"])  # as the validation of so many trades does at its end
        with conn, conn.cursor() as cur:
            lock_pnl_days(cur, "DE", _DAYS)
        for number in range(repeats + 1):
            for times, is_first in ((first, True), (again, False)):
                _change(conn, is_first)
                warehouses.settle()
                limit = _limit(conn)
                build, check = _build(conn, settings)
                if number == 0:
                    continue  # caches, imports and folders are warm from here on
                times.limits.append(limit)
                times.builds.append(build)
                times.checks.append(check)
            if number:
                log.info(
                    "build %d of %d: limit %.2f s, first build %.2f s, rebuild %.2f s, check %.2f s",
                    *(number, repeats, again.limits[-1], first.builds[-1], again.builds[-1], again.checks[-1]),
                )
    return [
        duration("build_pnl, first build", first.builds, first.limits, _AT_MOST),
        duration("build_pnl, rebuild, all prices changed", again.builds, again.limits, _AT_MOST),
        duration("check of the built PnL, in addition", [*first.checks, *again.checks]),
    ]


def _change(conn: Connection, is_first: bool) -> None:
    """New prices for all delivery periods, and all of them pending; at first with nothing built yet."""
    with conn, conn.cursor() as cur:
        if is_first:
            cur.execute("TRUNCATE curated.pnl_versions")
        cur.execute(_PRICE_BATCH)
        cur.execute(_PRICES, {"load_batch_id": cur.fetchone()[0]})  # type: ignore[index]
        cur.execute(_PENDING)


def _limit(conn: Connection) -> float:
    def group() -> None:
        with conn, conn.cursor() as cur:
            cur.execute(_LIMIT)
            cur.fetchall()

    return _timed(group)


def _build(conn: Connection, settings: Settings) -> tuple[float, float]:
    """Seconds of the build and, beside it, of its check.

    Raises:
        WrongResultError: Not every row was built and published.
    """
    began = time.perf_counter()
    build = stage(conn, "DE", _DAYS)
    staged = time.perf_counter()
    check_pnl(settings, build.days)
    checked = time.perf_counter()
    with conn, conn.cursor() as cur:
        publish(cur, build)
    published = time.perf_counter()
    with conn, conn.cursor() as cur:
        cur.execute("SELECT count(*), sum(trade_count)::bigint, count(pnl_eur) FROM curated.pnl_hourly")
        rows, trades, priced = cur.fetchone() or (0, 0, 0)
        cur.execute("SELECT count(*) FROM raw.trades")
        (expected,) = cur.fetchone() or (0,)
    periods = len(DELIVERY_DAYS) * len(DELIVERY_HOURS)
    if not (
        rows == priced == build.changed_count == build.row_count
        and trades == expected
        and build.period_count == periods
    ):
        raise WrongResultError(
            f"built {build.period_count} of {periods} delivery periods: {rows} rows, {priced} priced,"
            f" {build.changed_count} changed, {trades} of {expected} trades"
        )
    return (staged - began) + (published - checked), checked - staged


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
