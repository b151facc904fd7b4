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


def test_every_alarm_has_its_section(cur: cursor) -> None:
    rules = (PROJECT_ROOT / "include" / "health" / "alarm_rules.py").read_text(encoding="utf-8")
    alarms = set(re.findall(r'(?:Alarm|_warning|_news)\(\s*"(\w+)"', rules))
    cur.execute("SELECT alarm FROM ops.freshness WHERE alarm IS NOT NULL")
    alarms |= {alarm for (alarm,) in cur}
    assert len(alarms) >= 16
    assert {alarm for alarm in alarms if f"\n### {alarm}\n" not in RUNBOOK} == set()


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: " ".join(query.split())[:40])
def test_a_day_is_the_day_of_the_market(query: str) -> None:
    assert not re.search(r"current_date|now\(\)::date|date_trunc\('day'", query, re.IGNORECASE)
