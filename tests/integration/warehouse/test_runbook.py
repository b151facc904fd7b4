"""Every query of runbook and README runs, and every alarm has its section."""

import re

import pytest
from psycopg2.extensions import cursor

from include.jobs import build_pnl, load_trades
from include.settings import PROJECT_ROOT, Settings
from tests.factories import Database
from tests.messages import cancellation, deal, landed, write_landing_file
from tests.passes import validate_landed

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
    # `raw` is read by its owner, as in make psql WRITE=1
    cur.execute(f"SET ROLE {'none' if ' raw.' in query else 'analyst'}")
    cur.execute(query.replace("'…'", "''").replace("…", "1"))


def test_a_trade_is_found_wherever_it_is(settings: Settings, database: Database) -> None:
    (query,) = (each for each in QUERIES if "AS place" in each)
    sent = [
        deal(id="counts"),
        deal(id="amended"),
        deal(id="amended", price=12, revision=1),
        deal(id="held", price=99_999),
        deal(id="refused", currency="GBP"),
        deal(id="gone"),
        cancellation(id="gone"),
        cancellation(id="never"),
    ]
    write_landing_file(settings.landing_root, landed(sent))
    validate_landed(settings)
    build_pnl.run(settings)
    write_landing_file(settings.landing_root, landed([deal(id="fresh")]), "b")
    load_trades.run(settings)

    def places(trade_id: str) -> list[str]:
        return [row[0] for row in database.rows(re.sub("'3624[0-9a-f]+'", f"'{trade_id}'", query))]

    assert places("counts") == ["counts"]
    assert sorted(places("amended")) == ["counts", "replaced by another revision or the statement"]
    assert places("held") == ["in quarantine or discarded"]
    assert places("refused") == ["refused"]
    assert places("gone") == ["cancelled by the exchange"]
    assert places("never") == ["cancellation of a trade that never came"]
    assert places("fresh") == ["not validated yet"]
    assert places("nowhere") == []


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
