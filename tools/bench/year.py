"""A warehouse with a year of trades, filled by SQL: what lists and builds of a long history are measured on."""

import logging
import time
from datetime import date, timedelta

from include.domain.delivery_period import Market
from include.jobs.build_pnl import publish, stage
from include.load.ledger import store_periods
from include.local.postgres import EmbeddedPostgres
from include.warehouse.connection import connect
from include.warehouse.migrate import migrate
from include.warehouse.roles import WRITER
from tools.bench.measures import WrongResultError
from tools.bench.warehouses import vacuum

log = logging.getLogger(__name__)

TRADERS = 15
LAST_DAY = date(2026, 3, 1)
_DAYS = 365

_BATCHES = """
WITH files AS (
    INSERT INTO ops.landing_files (market, landing_file, source, hour_start_at, line_count, loaded_count)
    VALUES ('DE', 'trades/bench', 'trades', now(), %(trades)s, %(trades)s),
           ('DE', 'reference_prices/bench', 'reference_prices', now(), 0, 0)
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
PRICES = """
INSERT INTO raw.reference_prices (market, delivery_day, delivery_hour, price_eur_per_mwh, observed_at,
                                  load_batch_id, landing_file_id, line_number)
SELECT market, delivery_day, delivery_hour, 40 + %(number)s + extract(hour FROM delivery_start_at),
       price_final_from + %(number)s * interval '1 second', 2, 2,
       %(number)s * 100000::bigint + row_number() OVER ()
FROM raw.delivery_periods
WHERE delivery_day >= %(first_day)s
"""


def make_year(server: EmbeddedPostgres, name: str, trades: int) -> str:
    """Makes a database with a year of trades of 15 traders, its prices and its PnL; its URL."""
    server.create_database(name, WRITER)
    url = server.url(name, WRITER)
    migrate(url)
    market = Market.of("Europe/Berlin")
    days = [LAST_DAY - timedelta(days=n) for n in reversed(range(_DAYS))]
    began = time.monotonic()
    with connect(url, "bench") as conn:
        with conn, conn.cursor() as cur:
            cur.execute("SET LOCAL synchronous_commit = off")
            for day in days:
                store_periods(cur, market.hours_of(day))
            cur.execute(_BATCHES, {"trades": trades})
            cur.execute(_TRADES, {"traders": TRADERS, "trades": trades})
            cur.execute(PRICES, {"number": 0, "first_day": days[0]})
        log.info("%d trades of a year are there after %.0f s", trades, time.monotonic() - began)
        vacuum(conn)
        build = stage(conn, "DE", days, is_whole=True)
        with conn, conn.cursor() as cur:
            publish(cur, build)
        rows = build.row_count
        vacuum(conn)
        with conn, conn.cursor() as cur:
            cur.execute("SELECT count(*), sum(trade_count)::bigint, count(pnl_eur) FROM curated.pnl_hourly")
            found = cur.fetchone()
    if found != (rows, trades, rows):
        raise WrongResultError(f"{rows} rows of {trades} trades must be there and priced, not {found}")
    log.info("%d rows of PnL are built after %.0f s", rows, time.monotonic() - began)
    return url
