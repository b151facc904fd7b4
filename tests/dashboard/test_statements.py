"""The exchange's end-of-day files: is a day reconciled, what did they add or change, files for finance."""

import re

from playwright.sync_api import expect

from tests.dashboard import scenes
from tests.dashboard.conftest import Open
from tests.dashboard.test_hour import lines, open_hour


def test_a_day_says_whether_it_is_reconciled(visit: Open) -> None:
    shown = visit(scenes.reconciled_day())
    figure = shown.page.locator(".figure.statement")
    expect(figure).to_contain_text("differences")
    expect(figure).to_contain_text("122 added, 1 changed, 1 cancelled, 1 unexpected")
    held = "9 of its trades equal captured ones in all but their id. Are ids written differently?"
    for state, words in (("held", held), ("rejects", "unreadable lines"), ("reconciled", "reconciled in part")):
        shown.desk.scene.statements = scenes.reconciled_day(state).statements
        shown.desk.tell()
        expect(figure).to_contain_text(words)
    assert shown.desk.scene.statements is not None
    days = shown.desk.scene.statements["days"]
    days[1] = days[0] | {"statement_day": days[1]["statement_day"]}
    shown.desk.tell()
    expect(figure.locator(".state")).to_have_text("● reconciled")


def test_both_sides_of_each_day_of_trading(visit: Open) -> None:
    shown = visit(scenes.reconciled_day())
    section = shown.page.locator("#statements")
    heads = section.get_by_role("table").first.get_by_role("columnheader").all_inner_texts()
    assert heads[1:] == ["Captured", "In the file", "Matched", "Added", "Changed", "Cancelled", "Unexpected"]
    rows = section.get_by_role("table").first.locator("tbody tr")
    assert rows.nth(0).locator("td").nth(3).inner_text().split("\n") == ["122", "366.25 MWh", "+18,300.50 EUR"]
    expect(rows.nth(0).locator("th")).to_have_text("Tue, 24 Nov 2026▲ differences")
    expect(rows.nth(1)).to_contain_text("○ no file yet")


def test_the_trades_that_differ_with_both_contents(visit: Open) -> None:
    shown = visit(scenes.reconciled_day())
    table = shown.page.locator("#statements").get_by_role("table").nth(1)
    added, changed, cancelled, unexpected = (
        row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()
    )
    assert added == ["added", "sold", "not captured", "4.2 MW at 61.50 for 15-16, flex_trader_3", "a_1"]
    assert changed[2:4] == ["4.2 MW at 99.99 for 15-16, flex_trader_3", "4.2 MW at 61.50 for 15-16"]
    expect(table.locator("tbody tr").nth(1).locator("b")).to_have_text(["99.99", "61.50"])
    assert cancelled[0] == "cancelled"
    assert cancelled[2] == cancelled[3] == "4.2 MW at 61.50 for 15-16, flex_trader_3"
    assert "make review TRADE=x_1 ACTION=accept|discard REASON='…'" in cancelled[4]
    assert unexpected[:1] + unexpected[3:4] == ["unexpected", "not in it"]
    assert "make review TRADE=u_1 ACTION=accept|discard REASON='…'" in unexpected[4]


def test_an_hour_shows_what_the_file_added_or_changed(visit: Open) -> None:
    dialog = open_hour(visit(scenes.reconciled_day()))
    counting = {cells[-1]: cells for cells in lines(dialog, "Trades that count")}
    assert counting["a_1"][-2] == "from the file"
    assert counting["u_1"][-2] == ""
    differing = lines(dialog, "Different in the exchange's end-of-day file")
    assert [cells[1] for cells in differing] == ["added", "changed", "cancelled", "unexpected"]


def test_reports_for_finance_are_files(visit: Open) -> None:
    links = visit(scenes.reconciled_day()).page.locator("#statements .downloads a")
    found = [link.get_attribute("href") or "" for link in links.all()]
    days = "from=2026-10-26&to=2026-11-25"
    assert [re.sub("&decimal=point", "", href) for href in found] == [
        f"api/v1/reconciliations?{days}&format=csv",
        f"api/v1/reconciliations?{days}&format=xlsx",
        f"api/v1/reconciliation_differences?{days}&format=csv",
        f"api/v1/reconciliation_differences?{days}&format=xlsx",
    ]


def test_where_there_are_no_files_nothing_is_said_of_them(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    expect(shown.page.locator("#statements")).to_be_hidden()
    expect(shown.page.locator(".figure.statement")).to_have_count(0)
    shown = visit(scenes.reconciled_day(), "?as_of=2026-11-25T10:00:00Z")
    expect(shown.page.locator("#statements")).to_be_hidden()
