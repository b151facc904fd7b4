"""The validation of loaded trades beside its limit: one query that counts what breaks each expectation."""

import logging
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from psycopg2.extensions import connection as Connection

from include.expectations.acceptance import QUERIES
from include.jobs import validate_trades
from include.settings import Settings
from include.warehouse.connection import connect
from tools.bench.measures import Measure, WrongResultError, duration
from tools.bench.warehouses import Warehouses

log = logging.getLogger(__name__)

_AT_MOST = 2.5

_UNDO = """
UPDATE ops.load_batches SET state = 'loaded', validated_at = NULL;
TRUNCATE ops.pending_delivery_periods;
"""
_LIMIT = """
WITH batch AS (
    SELECT t.*, b.loaded_at, p.delivery_start_at AS calendar_start_at, p.delivery_end_at AS calendar_end_at,
           greatest(t.delivery_start_at, p.tradable_until) AS delivery_begins_at
    FROM raw.trades AS t
    LEFT JOIN ops.landing_files AS f ON f.landing_file_id = t.landing_file_id
    LEFT JOIN ops.load_batches AS b ON b.load_batch_id = t.load_batch_id
    LEFT JOIN raw.delivery_periods AS p
        ON (p.market, p.delivery_day, p.delivery_hour) = (t.market, t.delivery_day, t.delivery_hour)
)
SELECT
    count(*),
    count(*) FILTER (WHERE length(trade_id) < 1 OR length(trader_id) < 1),
    count(*) FILTER (WHERE NOT ((trade_id, trader_id, delivery_day, delivery_hour, received_at) IS NOT NULL)),
    count(*) FILTER (WHERE executed_at IS NULL),
    count(*) FILTER (WHERE direction NOT IN ('buy', 'sell')),
    count(*) FILTER (WHERE price_eur_per_mwh NOT BETWEEN -9999.99 AND 9999.99),
    count(*) FILTER (WHERE quantity_mw <= 0),
    count(*) FILTER (WHERE quantity_mw > %(quantity)s),
    count(*) FILTER (WHERE (delivery_start_at, delivery_end_at)
                           IS DISTINCT FROM (calendar_start_at, calendar_end_at)),
    count(*) FILTER (WHERE (delivery_start_at AT TIME ZONE %(timezone)s)::date IS DISTINCT FROM delivery_day),
    count(*) FILTER (WHERE executed_at > delivery_begins_at),
    count(*) FILTER (WHERE revision >= 0 AND (executed_at < received_at - interval '3 hours'
                                              OR executed_at > received_at + interval '3 hours')),
    count(*) FILTER (WHERE received_at > loaded_at + interval '1 minute'),
    count(*) FILTER (WHERE abs(price_eur_per_mwh - reference_price_eur_per_mwh) > %(deviation)s)
FROM batch
LEFT JOIN (
    SELECT market, delivery_day, delivery_hour, price_eur_per_mwh AS reference_price_eur_per_mwh
    FROM curated.reference_prices
) AS r USING (market, delivery_day, delivery_hour)
"""


def measure(warehouses: Warehouses, repeats: int, folder: Path) -> list[Measure]:
    """The query and the job in turns, on the same loaded trades, which count for the job each time anew.

    Raises:
        WrongResultError: Not every row was validated, or one is in quarantine.
    """
    settings = replace(Settings(), warehouse_url=warehouses.loaded, data_docs_root=folder / "data_docs")
    limits, seconds = list[float](), list[float]()
    with connect(warehouses.loaded, "bench") as conn:
        conn.autocommit = True
        with conn.cursor() as cur:
            cur.execute(QUERIES["vacuum_trades"])
        for number in range(repeats + 1):
            with conn.cursor() as cur:
                cur.execute(_UNDO)
            warehouses.settle()
            limit = _limit(conn, settings)
            began = time.perf_counter()
            counts = validate_trades.run(settings)
            taken = time.perf_counter() - began
            if (counts["rows"], counts["quarantined"]) != (warehouses.dataset.trade_count, 0):
                raise WrongResultError(f"validated {counts} of {warehouses.dataset.trade_count} rows")
            if number:  # before it everything is cold
                limits.append(limit)
                seconds.append(taken)
                log.info("validation %d of %d: limit %.2f s, job %.2f s", number, repeats, limit, taken)
    return [
        duration("validate_trades", seconds, limits, _AT_MOST),
        duration("imports of Great Expectations, in addition", [_imports() for _ in range(repeats)]),
    ]


def _limit(conn: Connection, settings: Settings) -> float:
    parameters = {
        "timezone": settings.market.timezone.key,
        "quantity": settings.trade_max_quantity_mw,
        "deviation": settings.trade_max_deviation_eur_per_mwh,
    }
    began = time.perf_counter()
    with conn.cursor() as cur:
        cur.execute(_LIMIT, parameters)
        cur.fetchall()
    return time.perf_counter() - began


def _imports() -> float:
    """Seconds of a process that imports what a validation needs, less those of one that does not."""

    def process(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - began

    return process("import include.expectations.validation") - process("import include.jobs.validate_trades")
