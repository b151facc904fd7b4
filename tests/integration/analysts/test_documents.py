"""What analysts copy works: the pandas example, the statements of the page, the queries of the dashboards."""

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from psycopg2.extensions import cursor

from include.commands.export import main
from include.health.metrics import METRICS, full_name
from include.settings import PROJECT_ROOT
from include.warehouse.connection import sqlalchemy_url
from tests.integration.analysts.desk import FUTURE, TODAY, hours, total

DOCS = PROJECT_ROOT / "docs"
PAGE = (DOCS / "analysts.md").read_text(encoding="utf-8")
TABLES, PLATFORM = (
    json.loads((DOCS / "monitoring" / f"grafana-{name}.json").read_text()) for name in ("tables", "metrics")
)


def by_trader(url: str, first: date) -> Any:
    """What the example for pandas says of the days from `first` on."""
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    known: dict[str, Any] = {"URL": sqlalchemy_url(url) + "?options=-c%20role%3Danalyst"}
    exec(example.replace("2025-03-01", str(first)), known)
    known["engine"].dispose()
    return known["by_trader"]


def test_the_example_for_pandas_keeps_decimals(desk_url: str) -> None:
    first = TODAY.replace(day=1)
    expected = total(hours(lambda t: (t.market, t.trader) == ("DE", "carl") and t.day >= first))
    result = by_trader(desk_url, first)["DE", "carl"]
    assert isinstance(result, Decimal)
    assert result == expected.priced_pnl_eur


def test_the_example_for_pandas_says_nothing_where_all_prices_are_missing(desk_url: str) -> None:
    expected = total(hours(lambda t: (t.market, t.trader) == ("DE", "anna") and t.day >= FUTURE))
    assert expected.priced_pnl_eur is None
    assert by_trader(desk_url, FUTURE)["DE", "anna"] is None


def test_the_statement_for_duckdb_says_what_is_missing(
    desk_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", desk_url)
    monkeypatch.delenv("MARKET", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["--table", "curated.pnl_hourly", "--market", "DE", "--file", "march.parquet"]) == 0
    (statement,) = [s for s in re.findall(r"```sql\n(.*?)```", PAGE, re.S) if "parquet" in s]
    with duckdb.connect() as duck:
        rows = duck.execute(statement).fetchall()
    assert rows
    for trader, pnl, missing in rows:
        expected = total(row for row in hours(lambda trade: trade.market == "DE") if row.trader == trader)
        assert (pnl, missing) == (expected.priced_pnl_eur, expected.missing_price_count), trader


@pytest.mark.parametrize("sql", [s for s in re.findall(r"```sql\n(.*?)```", PAGE, re.S) if "parquet" not in s])
def test_each_statement_of_the_page_has_rows(analyst: cursor, sql: str) -> None:
    analyst.execute(sql)
    assert analyst.fetchall()


def as_grafana(sql: str) -> str:
    """The statement with Grafana's variables and macros filled in."""
    between = r"\1 BETWEEN '2025-03-01T00:00:00Z' AND '2025-04-01T00:00:00Z'"
    sql = re.sub(r"\$__timeFilter\(((?:[^()]|\([^()]*\))*)\)", between, sql)
    return sql.replace("$market", "'DE', 'FI'")


@pytest.mark.parametrize("panel", TABLES["panels"], ids=lambda panel: panel["title"])
def test_each_query_of_the_dashboard_runs(analyst: cursor, panel: dict[str, Any]) -> None:
    (target,) = panel["targets"]
    analyst.execute(as_grafana(target["rawSql"]))
    rows = analyst.fetchall()
    assert rows or panel["title"] == "What is wrong now"
    if target["format"] == "time_series":
        names = [column.name for column in analyst.description or ()]
        assert names[:2] == ["time", "metric"]
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_the_variable_of_the_dashboard_lists_the_markets(analyst: cursor) -> None:
    (query,) = [v["query"] for v in TABLES["templating"]["list"] if v["type"] == "query"]
    analyst.execute(query)
    assert analyst.fetchall() == [("DE",), ("FI",)]


def test_each_metric_of_the_dashboard_is_exported() -> None:
    exported = {full_name(metric) for metric in METRICS}
    used = {
        name
        for panel in PLATFORM["panels"]
        for target in panel["targets"]
        for name in re.findall(r"power_desk_\w+", target["expr"])
    }
    assert used <= exported
    assert len(used) >= 9
