"""Every query of the trading desk and of the monitoring is one that the role `analyst` may run."""

from datetime import date, datetime
from typing import Any

import pytest
from psycopg2.extensions import cursor

from include.warehouse.queries import load_queries, run_sql

SHARED = ("alarms", "gaps", "capture_instances", "health_prices")
QUERIES = {
    **{f"dashboard/{name}": query for name, query in load_queries("dashboard/queries.sql").items()},
    **{f"monitoring/{name}": query for name, query in load_queries("health/metrics.sql").items()},
    **{f"warehouse/{name}": load_queries("warehouse/queries.sql")[name] for name in SHARED},
}

PARAMETERS: dict[str, Any] = {
    "day": date(2026, 3, 1),
    "days": [date(2026, 3, 1)],
    "hours": ["12-13"],
    "hour": "12-13",
    "trader_id": "anna",
    "all_traders": False,
    "from_day": date(2026, 3, 1),
    "to_day": date(2026, 3, 1),
    "from_at": datetime(2026, 3, 1),
    "until_at": datetime(2026, 3, 2),
    "as_of": datetime(2026, 3, 1),
    "limit": 10,
    "timeout": "1s",
}


@pytest.mark.parametrize("name", QUERIES)
def test_an_analyst_may_run_it(cur: cursor, name: str) -> None:
    cur.execute("SET ROLE analyst")
    run_sql(cur, QUERIES[name], PARAMETERS)
    assert cur.description is not None
