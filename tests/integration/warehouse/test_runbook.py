"""Every query of runbook and README runs, and every alarm has its section."""

import re

import pytest
from psycopg2.extensions import cursor

from include.settings import PROJECT_ROOT

RUNBOOK = (PROJECT_ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
QUERIES = [
    statement
    for block in re.findall(r"```sql\n(.*?)```", RUNBOOK + README, re.DOTALL)
    for statement in re.sub(r"--.*", "", block).split(";")
    if statement.strip()
]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: " ".join(query.split())[:40])
def test_every_query_runs(cur: cursor, query: str) -> None:
    cur.execute("SET ROLE analyst")
    cur.execute(query.replace("'…'", "''").replace("…", "1"))


@pytest.mark.parametrize(
    "alarm",
    [
        "capture_silent",
        "capture_disconnected",
        "loading_stuck",
        "no_trades",
        "capture_differences",
        "hourly_pnl_late",
        "reference_prices_late",
        "analyst_changed",
        "price_revised",
        "stale_price",
        "suspicious_prices",
        "trades_quarantined",
        "messages_rejected",
        "unknown_fields",
    ],
)
def test_every_alarm_has_its_section(alarm: str) -> None:
    assert f"\n### {alarm}\n" in RUNBOOK


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: " ".join(query.split())[:40])
def test_a_day_is_the_day_of_the_market(query: str) -> None:
    assert not re.search(r"current_date|now\(\)::date|date_trunc\('day'", query, re.IGNORECASE)
