"""What the exchange's statements say beside what was captured, as the API of the desk tells it."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook

from include.expectations.review import Selection, decide
from include.jobs import build_pnl, load_statement, reconcile_trades, validate_trades
from include.settings import Settings
from tests.factories import Database
from tests.integration.dashboard.conftest import Client
from tests.messages import RECEIVED_AT, deal, landed, write_landing_file
from tests.passes import validate_landed

DAY = date(2026, 3, 2)
DAYS = {"from": str(DAY), "to": str(DAY)}
FILE = """id,price,quantity,direction,delivery_day,delivery_hour,trader_id,execution_time
same,20.64,1.2,sell,2026-03-02,15,flex_trader_4,2026-03-02T10:13:43Z
changed,21.64,1.2,sell,2026-03-02,15,flex_trader_4,2026-03-02T10:13:43Z
=added,-3.5,2,buy,2026-03-02,16,flex_trader_1,2026-03-02T11:13:43Z
"""


@pytest.fixture
def reconciled(settings: Settings, database: Database, tmp_path: Path) -> None:
    """Three trades are captured; the statement matches one, changes one, lacks one and adds another."""
    trades = [deal(id=trade_id) for trade_id in ("same", "changed", "unexpected")]
    hour = RECEIVED_AT.replace(minute=0)
    write_landing_file(settings.landing_root, landed(trades), hour=hour)
    validate_landed(settings)
    file = tmp_path / "epex_trades_20260302.csv"
    file.write_text(FILE)
    load_statement.run(settings, DAY, file)
    reconcile_trades.run(settings, [DAY])
    validate_trades.run(settings)
    build_pnl.run(settings)


@pytest.mark.usefixtures("reconciled")
def test_a_day_has_both_sides_in_trades_energy_and_money(client: Client) -> None:
    (row,) = client.json("reconciliations", **DAYS)["rows"]
    found = {
        side: (row[f"{side}_count"], *(Decimal(row[f"{side}_{what}"]) for what in ("mwh", "cash_flow_eur")))
        for side in ("captured", "statement", "matched", "missing", "differs", "unexpected")
    }
    one = Decimal("1.2") * Decimal("20.64")
    assert found == {
        "captured": (3, Decimal("3.6"), 3 * one),
        "statement": (3, Decimal("4.4"), one + Decimal("1.2") * Decimal("21.64") + 7),
        "matched": (1, Decimal("1.2"), one),
        "missing": (1, Decimal(2), Decimal(7)),
        "differs": (1, Decimal("1.2"), Decimal("1.2") * Decimal("21.64")),
        "unexpected": (1, Decimal("1.2"), one),
    }
    assert (row["state"], row["unreviewed_unexpected_count"]) == ("differences", 1)
    assert client.json("reconciliations", **{"from": "2026-03-03"})["rows"] == []


@pytest.mark.usefixtures("reconciled")
def test_the_trades_that_differ_have_both_contents_and_what_to_do(client: Client) -> None:
    rows = {row["trade_id"]: row for row in client.json("reconciliation_differences", **DAYS)["rows"]}
    assert {trade_id: row["outcome"] for trade_id, row in rows.items()} == {
        "=added": "missing",
        "changed": "differs",
        "unexpected": "unexpected",
    }
    changed = rows["changed"]
    assert (changed["captured_price_eur_per_mwh"], changed["statement_price_eur_per_mwh"]) == ("20.64", "21.64")
    assert changed["review_command"] is None
    command = "make review TRADE=unexpected ACTION=accept|discard REASON='…'"
    assert rows["unexpected"]["review_command"] == command


@pytest.mark.usefixtures("reconciled")
def test_the_page_shows_the_days_on_which_a_delivery_day_is_traded(client: Client) -> None:
    statements = client.json("page", day=str(DAY))["statements"]
    assert [(day["statement_day"], day["row"] and day["row"]["state"]) for day in statements["days"]] == [
        (str(DAY - timedelta(days=1)), None),
        (str(DAY), "differences"),
    ]
    assert len(statements["differences"]) == 3
    of_trader = client.json("page", day=str(DAY), trader="flex_trader_1")["statements"]
    assert [row["trade_id"] for row in of_trader["differences"]] == ["=added"]
    tomorrow = client.json("page", day=str(DAY + timedelta(days=1)))["statements"]
    assert tomorrow["differences"] == []
    assert client.json("page", day=str(DAY), as_of="2026-03-02T12:00:00Z")["statements"] is None


def test_a_file_of_a_delivery_day_is_the_only_one_about_it(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "trades_20260302.csv"
    file.write_text(
        "TradeId;Side;DeliveryStart;DeliveryEnd;ExecutionTime;Price;Currency;Volume;VolumeUnit\n"
        "t1;SELL;2026-03-02T14:00:00Z;2026-03-02T15:00:00Z;2026-03-01T20:00:00Z;81.29;EUR;0.1;MWH\n"
    )
    load_statement.run(settings, DAY, file)
    reconcile_trades.run(settings, [DAY])
    for day, state in ((DAY, "reconciled"), (DAY + timedelta(days=1), None)):
        (shown,) = client.json("page", day=str(day))["statements"]["days"]
        assert (shown["statement_day"], shown["row"] and shown["row"]["state"]) == (str(day), state)


@pytest.mark.usefixtures("reconciled")
def test_an_hour_shows_what_the_statement_added_or_changed(client: Client) -> None:
    hour = client.json("hour", day=str(DAY), hour="15-16")
    assert sorted(row["trade_id"] for row in hour["statement"]) == ["changed", "unexpected"]
    assert {row["trade_id"]: row["source"] for row in hour["trades"]} == {
        "same": "stream",
        "changed": "statement",
        "unexpected": "stream",
    }
    next_hour = client.json("hour", day=str(DAY), hour="16-17")
    assert [row["trade_id"] for row in next_hour["statement"]] == ["=added"]


@pytest.mark.usefixtures("reconciled")
def test_a_review_changes_the_state(client: Client, settings: Settings) -> None:
    decide(settings, "accept", "the exchange confirmed it", Selection(trade_id="unexpected"))
    (row,) = client.json("reconciliations", **DAYS)["rows"]
    assert (row["state"], row["unexpected_count"]) == ("reconciled", 1)
    reviewed = client.json("reconciliation_differences", **DAYS)["rows"][-1]
    assert (reviewed["trade_id"], reviewed["review_command"]) == ("unexpected", None)
    assert reviewed["review"]


@pytest.mark.usefixtures("reconciled")
def test_both_lists_are_files_for_finance(client: Client) -> None:
    reply = client.get("api/v1/reconciliations", format="csv", decimal="comma", **DAYS)
    assert reply.headers["Content-Disposition"] == 'attachment; filename="reconciliations-2026-03-02.csv"'
    (row,) = csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig")), delimiter=";")
    assert (row["state"], row["captured_mwh"].rstrip("0")) == ("differences", "3,6")
    reply = client.get("api/v1/reconciliation_differences", format="xlsx", **DAYS)
    assert reply.headers["Content-Disposition"].endswith('reconciliation_differences-2026-03-02.xlsx"')
    sheet = load_workbook(io.BytesIO(reply.content)).active
    assert sheet is not None
    head, *rows = ([cell.value for cell in line] for line in sheet.iter_rows())
    found = {row[head.index("trade_id")]: dict(zip(head, row, strict=True)) for row in rows}
    assert found["=added"]["statement_price_eur_per_mwh"] == -3.5
    assert found["=added"]["statement_delivery_period"] == "2026-03-02 16-17"
    assert found["=added"]["captured_delivery_period"] is None
    assert sheet.cell(2, head.index("trade_id") + 1).data_type == "s", "no formula"


def test_without_statements_nothing_is_said(client: Client) -> None:
    assert client.json("reconciliations", **DAYS) == {"rows": []}
    days = client.json("page", day=str(DAY))["statements"]["days"]
    assert [day["row"] for day in days] == [None, None]
