"""An analyst who reads all the time: never waits for a lock, and never sees a state that is torn."""

import threading
from contextlib import closing
from typing import Any

import psycopg2
from psycopg2.extensions import connection

_TIMEOUT = "-c TimeZone=UTC -c lock_timeout=200ms -c statement_timeout=30s"

_TORN_ROWS = """
SELECT delivery_day, delivery_hour, trader_id
FROM curated.pnl_hourly
WHERE (price_status = 'missing') <> (reference_price_eur_per_mwh IS NULL)
   OR pnl_eur IS DISTINCT FROM cash_flow_eur + net_position_mwh * reference_price_eur_per_mwh
   OR pnl_eur IS DISTINCT FROM realised_pnl_eur + unrealised_pnl_eur
   OR net_position_mwh <> buy_mwh - sell_mwh OR is_complete <> (capture_gap_seconds = 0)
"""

_NOT_AS_OF_NOW = """
(TABLE curated.pnl_hourly EXCEPT ALL SELECT * FROM curated.pnl_hourly_as_of(clock_timestamp()))
UNION ALL
(SELECT * FROM curated.pnl_hourly_as_of(clock_timestamp()) EXCEPT ALL TABLE curated.pnl_hourly)
"""

_NOT_THE_SUM_OF_TRADERS = """
SELECT delivery_day, delivery_hour, t.trade_count, p.trade_count
FROM (SELECT delivery_day, delivery_hour, sum(trade_count) AS trade_count, sum(cash_flow_eur) AS cash_flow_eur,
             CASE WHEN count(pnl_eur) = count(*) THEN sum(pnl_eur) END AS pnl_eur,
             count(DISTINCT reference_price_eur_per_mwh) AS prices
      FROM curated.pnl_hourly GROUP BY 1, 2) AS t
FULL JOIN curated.portfolio_pnl_hourly AS p USING (delivery_day, delivery_hour)
WHERE (t.trade_count, t.cash_flow_eur, t.pnl_eur) IS DISTINCT FROM (p.trade_count, p.cash_flow_eur, p.pnl_eur)
   OR t.prices > 1
"""

_NOT_THE_SUM_OF_HOURS = """
SELECT delivery_day, h.trade_count, d.trade_count
FROM (SELECT delivery_day, sum(trade_count) AS trade_count, sum(cash_flow_eur) AS cash_flow_eur
      FROM curated.portfolio_pnl_hourly GROUP BY 1) AS h
FULL JOIN curated.portfolio_pnl_daily AS d USING (delivery_day)
WHERE (h.trade_count, h.cash_flow_eur) IS DISTINCT FROM (d.trade_count, d.cash_flow_eur)
"""

_RULES = {
    "rows that contradict themselves": _TORN_ROWS,
    "the table differs from what as_of says of now": _NOT_AS_OF_NOW,
    "an hour is not the sum of its traders, or has two prices": _NOT_THE_SUM_OF_TRADERS,
    "a day is not the sum of its hours": _NOT_THE_SUM_OF_HOURS,
}


class Reader(threading.Thread):
    """Takes a snapshot after the other until it is stopped.

    Attributes:
        problems: What was wrong, in words.
        snapshots: How many were looked at.
    """

    def __init__(self, warehouse_url: str) -> None:
        super().__init__(name="reader")
        self.problems: list[str] = []
        self.snapshots = 0
        self._url = warehouse_url
        self._stopping = threading.Event()
        self._counts: dict[Any, int] = {}

    def run(self) -> None:
        try:
            with closing(psycopg2.connect(self._url, options=_TIMEOUT)) as conn:
                conn.set_session(isolation_level="REPEATABLE READ", readonly=True)
                while not self._stopping.wait(0.02) and not self.problems:
                    with conn:
                        self._look(conn)
                    self.snapshots += 1
        except psycopg2.Error as error:
            self.problems.append(f"the reader was stopped: {type(error).__name__}: {error}")

    def stop(self) -> None:
        """Returns when the last snapshot is done."""
        self._stopping.set()
        self.join()

    def _look(self, conn: connection) -> None:
        with conn.cursor() as cur:
            cur.execute("SELECT delivery_day, delivery_hour, trade_count FROM curated.portfolio_pnl_hourly")
            counts = {(day, hour): count for day, hour, count in cur}
            for key, before in self._counts.items():
                if counts.get(key, 0) < before:
                    self.problems.append(f"{key} had {before} trades and has {counts.get(key, 0)}")
            self._counts = counts
            for rule, query in _RULES.items():
                cur.execute(query)
                if rows := cur.fetchmany(5):
                    self.problems.append(f"{rule}: {rows}")
