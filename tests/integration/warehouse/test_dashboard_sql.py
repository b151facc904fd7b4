"""Every statement of the trading desk is one that the role `analyst` may run: it reads curated and ops only."""

from datetime import date, datetime
from typing import Any

import pytest
from psycopg2.extensions import cursor

from include.warehouse.connection import SQL_ROOT, run_sql

NAMES = sorted(path.stem for path in (SQL_ROOT / "dashboard").glob("*.sql"))

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
}


@pytest.mark.parametrize("name", NAMES)
def test_an_analyst_may_run_it(cur: cursor, name: str) -> None:
    cur.execute("SET ROLE analyst")
    run_sql(cur, f"dashboard/{name}", PARAMETERS)
    assert cur.description is not None
