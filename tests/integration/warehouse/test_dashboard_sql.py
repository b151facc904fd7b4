"""Every query of the trading desk and of the monitoring is one that the role `analyst` may run."""

from datetime import date, datetime
from typing import Any

import pytest
from psycopg2.extensions import cursor

from include.warehouse.queries import load_queries, run_sql
from tests.factories import NOW, Database

SHARED = ("alarms", "gaps", "capture_instances", "health_prices")
QUERIES = {
    **{f"dashboard/{name}": query for name, query in load_queries("dashboard/queries.sql").items()},
    **{f"monitoring/{name}": query for name, query in load_queries("health/metrics.sql").items()},
    **{f"warehouse/{name}": load_queries("warehouse/queries.sql")[name] for name in SHARED},
}

PARAMETERS: dict[str, Any] = {
    "day": date(2026, 3, 1),
    "market": "DE",
    "provider": "provider",
    "markets": ["DE"],
    "days": [date(2026, 3, 1)],
    "hours": ["12-13"],
    "pnl_hours": ["12-13"],
    "hour": "12-13",
    "trader_id": "anna",
    "all_traders": False,
    "from_day": date(2026, 3, 1),
    "to_day": date(2026, 3, 1),
    "first_day": date(2026, 2, 1),
    "previous_from_day": date(2026, 2, 1),
    "previous_to_day": date(2026, 2, 28),
    "month_from_day": date(2026, 3, 1),
    "month_to_day": date(2026, 3, 1),
    "last_day": date(2026, 3, 1),
    "step": "day",
    "from_at": datetime(2026, 3, 1),
    "until_at": datetime(2026, 3, 2),
    "as_of": datetime(2026, 3, 1),
    "limit": 10,
    "landing_file": "trades/date=2026-03-01/hour=12/a.jsonl",
    "timeout": "1s",
}


@pytest.mark.parametrize("name", QUERIES)
def test_an_analyst_may_run_it(cur: cursor, name: str) -> None:
    cur.execute("SET ROLE analyst")
    run_sql(cur, QUERIES[name], PARAMETERS)
    assert cur.description is not None


def test_an_analyst_reads_what_became_of_amended_trades(database: Database) -> None:
    batch = database.batch()
    trade = {"trade_id": "a", "direction": "sell"}
    for revision in (0, 1):
        database.trade(batch, date(2026, 3, 1), "12-13", revision=revision, **trade)
    line = {"market": "DE", "load_batch_id": batch, "landing_file_id": 1, "received_at": NOW}
    database.insert("raw.trade_receipts", **trade, revision=1, is_disputed=False, line_number=90, **line)
    database.insert("raw.trade_cancellations", trade_id="a", line_number=91, **line)
    database.cursor.execute("SET ROLE analyst")
    assert database.rows("SELECT trade_id, revision FROM curated.cancelled_trades") == [("a", 1)]
    assert database.rows("SELECT trade_id FROM curated.trades") == []
    assert database.rows("SELECT pnl_hour, hours FROM curated.period_hours") == [("12-13", 1)]
