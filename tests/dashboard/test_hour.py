"""An hour in detail: which trades deliver in it, which messages do not count, why, and what to do."""

import re

from playwright.sync_api import Locator, expect

from tests.dashboard import scenes
from tests.dashboard.conftest import Open, Visit
from tests.dashboard.scenes import TODAY

PHONE_WIDTH = 390


def open_hour(shown: Visit, hour: str = "15-16") -> Locator:
    """Chooses an hour of the table; the dialog."""
    shown.row(hour).get_by_role("button", name=hour).click()
    dialog = shown.page.get_by_role("dialog")
    expect(dialog).to_have_attribute("aria-busy", "false")
    return dialog


def lines(dialog: Locator, title: str) -> list[list[str]]:
    """The cells of the lines of one of its lists."""
    table = dialog.get_by_role("table", name=title)
    return [row.locator("td, th").all_inner_texts() for row in table.locator("tbody tr").all()]


def test_an_hour_shows_the_trades_that_count(visit: Open) -> None:
    shown = visit(scenes.lively_hour())
    dialog = open_hour(shown)
    expect(dialog.get_by_role("heading", level=2)).to_have_text(
        "Delivery 15-16 · Wed, 25 Nov 2026 · Whole portfolio"
    )
    expect(dialog.get_by_role("heading", name="Trades that count 4")).to_be_visible()
    found = {cells[-1]: cells for cells in lines(dialog, "Trades that count")}
    quarter, block = found["q_17"], found["b_3"]
    assert quarter[2:5] + quarter[6:9] == ["sold", "0.1", "0.025", "+0.20", "15:15-15:30", "disputed"]
    assert block[2:5] + block[6:9] == ["bought", "3.0", "3.000", "\u2013", "08-20", ""]
    assert found["0a5d5e1f6f0c4c5a9d3e8b7a6c5d4e3f"][7:9] == ["", "revision 2"]
    asked = [call for call in shown.desk.asked if call.startswith("hour")]
    assert asked == ["hour?day=2026-11-25&hour=15-16"]


def test_an_hour_shows_what_does_not_count_and_why(visit: Open) -> None:
    dialog = open_hour(visit(scenes.lively_hour()))
    ((*_, note, trade_id),) = lines(dialog, "Cancelled by the exchange")
    assert (note, trade_id) == ("cancelled 13:30:20", "c_9")
    struck = dialog.get_by_role("table", name="Cancelled by the exchange").locator("tbody td.number").first
    assert "line-through" in struck.evaluate("cell => getComputedStyle(cell).textDecoration")
    held = dialog.locator(".quarantined li")
    expect(held).to_contain_text("flex_trader_2 sold 1.2 MW at 99,999.00 EUR/MWh for 15-16 · t_4711")
    expect(held).to_contain_text(
        "It breaks the rule that each price is within the exchange's bounds, -9,999.99 to 9,999.99 EUR/MWh"
    )
    expect(held.locator("code")).to_have_text("make review TRADE=t_4711 ACTION=accept|discard REASON='…'")
    rejects = dialog.locator(".rejected li")
    expect(rejects).to_have_count(2)
    expect(rejects.nth(0)).to_contain_text("the currency is not that of the market; nothing is converted")
    expect(rejects.nth(0)).to_contain_text("It is about 15-16, 16-17.")
    expect(rejects.nth(0).locator("code")).to_have_text(
        re.compile(r"make review FILE=trades/\S+ LINE=118 ACTION=disc")
    )
    expect(rejects.nth(1)).to_contain_text("It names no hour: it may concern any hour that was tradable then.")
    expect(rejects.nth(1).locator(".raw")).to_have_text("<img src=x onerror=alert(1)>")
    assert dialog.locator("img").count() == 0


def test_the_head_of_an_hour_leads_to_what_lies_below_its_trades(visit: Open) -> None:
    scene = scenes.lively_hour()
    scene.lists["trades"] = [scenes.trade(f"t_{number}") for number in range(60)]
    dialog = open_hour(visit(scene))
    below = dialog.get_by_role("navigation", name="Below the trades that count")
    expect(below.get_by_role("button")).to_have_text(
        ["Cancelled by the exchange 1", "Held back 1", "Messages that could not be used 2"]
    )
    title = dialog.get_by_role("heading", name="Held back 1")
    expect(title).not_to_be_in_viewport()
    below.get_by_role("button", name="Held back 1").click()
    expect(title).to_be_in_viewport()
    expect(dialog.locator(".quarantined")).to_be_focused()
    dialog.locator(".quarantined").get_by_role("link", name="t_4711").click()
    expect(dialog.page.get_by_role("dialog", name="Message")).to_be_visible()


def test_an_hour_without_anything_else_shows_only_its_trades(visit: Open) -> None:
    scene = scenes.busy_day()
    scene.lists = {"trades": [scenes.trade("a")]}
    dialog = open_hour(visit(scene))
    expect(dialog.get_by_role("table")).to_have_count(1)
    expect(dialog.get_by_role("navigation")).to_have_count(0)
    heads = dialog.get_by_role("columnheader")
    expect(heads.filter(has_text="Delivery")).to_have_count(0)  # each is for the hour itself
    expect(heads.filter(has_text="Note")).to_have_count(0)


def test_an_hour_about_which_only_bad_messages_came_has_a_line(visit: Open) -> None:
    shown = visit(scenes.lively_hour())
    expect(shown.row("20-21").locator("th")).to_contain_text("incomplete")
    cells = shown.cells("20-21")
    assert (cells["Trades"], cells["PnL"], cells["Price is"]) == ("\N{EN DASH}", "\N{EN DASH}", "")
    expect(shown.page.locator(".reasons li")).to_have_count(2)
    expect(shown.page.locator(".reasons li").nth(1)).to_contain_text(
        "15-16, 20-21 incomplete: 1 trade is held back"
    )
    starts = shown.page.locator("#hours-table tbody tr").evaluate_all(
        "all => all.map(tr => Number(tr.dataset.start))"
    )
    assert starts == sorted(starts)
    expect(open_hour(shown, "20-21")).to_contain_text("Delivery 20-21")


def test_a_reason_above_the_table_leads_to_its_first_hour(visit: Open) -> None:
    shown = visit(scenes.lively_hour())
    reason = shown.page.locator(".reasons li").nth(1).get_by_role("link")
    assert "hour=15-16" in (reason.get_attribute("href") or "")
    reason.click()
    expect(shown.page.get_by_role("dialog", name="Delivery 15-16")).to_contain_text("t_4711")
    past = visit(scenes.lively_hour(), "?as_of=2026-11-25T10:00:00Z")
    expect(past.page.locator(".reasons li")).not_to_have_count(0)
    expect(past.page.locator(".reasons a")).to_have_count(0)


def test_a_day_of_bad_messages_only_is_not_empty(visit: Open) -> None:
    scene = scenes.lively_hour()
    scene.rows = lambda day, trader: []
    shown = visit(scene)
    expect(shown.row("20-21")).to_be_visible()
    expect(shown.page.locator("#empty")).to_be_hidden()
    expect(shown.page.locator("#pictures")).to_be_hidden()
    expect(shown.page.locator(".reasons li")).to_have_count(1)


def test_cancelled_trades_are_noted_in_the_table(visit: Open) -> None:
    shown = visit(scenes.lively_hour())
    assert shown.cells("15-16")["Note"].startswith("1 trade cancelled")


def test_an_hour_has_an_address_and_goes_with_escape_and_back(visit: Open) -> None:
    shown = visit(scenes.lively_hour(), "?hour=15-16")
    dialog = shown.page.get_by_role("dialog")
    expect(dialog).to_contain_text("q_17")
    shown.page.keyboard.press("ArrowLeft")  # is no step to another day in here
    expect(dialog).to_be_visible()
    shown.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(shown.page).not_to_have_url(re.compile("hour="))
    open_hour(shown, "16-17")
    assert shown.page.url.endswith("?hour=16-17")
    shown.page.go_back()
    expect(dialog).to_be_hidden()
    open_hour(shown)
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    expect(shown.row("15-16").get_by_role("button")).to_be_focused()


def test_an_hour_follows_what_changes(visit: Open) -> None:
    shown = visit(scenes.lively_hour())
    dialog = open_hour(shown)
    shown.desk.scene.lists["quarantined"] = []
    shown.desk.tell()
    expect(dialog.locator(".quarantined")).to_have_count(0)
    expect(dialog).to_contain_text("q_17")


def test_an_hour_of_a_trader(visit: Open) -> None:
    shown = visit(scenes.lively_hour(), f"?trader=flex_trader_3&day={TODAY}")
    dialog = open_hour(shown)
    expect(dialog.get_by_role("heading", level=2)).to_contain_text("flex_trader_3")
    expect(dialog.get_by_role("columnheader", name="Trader")).to_have_count(0)
    assert "hour?day=2026-11-25&hour=15-16&trader=flex_trader_3" in shown.desk.asked


def test_an_hour_that_cannot_be_read_says_so(visit: Open) -> None:
    scene = scenes.lively_hour()
    scene.failure, scene.failing = (503, "The database does not answer."), ("hour",)
    shown = visit(scene)
    shown.row("15-16").get_by_role("button", name="15-16").click()
    expect(shown.page.get_by_role("dialog")).to_contain_text("The database does not answer.")
    scene.failure = None
    shown.desk.tell()
    expect(shown.page.get_by_role("dialog")).to_contain_text("q_17")


def test_a_moment_of_the_past_has_no_trades(visit: Open) -> None:
    shown = visit(scenes.lively_hour(), "?as_of=2026-11-25T10:00:00Z&hour=15-16")
    expect(shown.page.get_by_role("dialog")).to_have_count(0)
    expect(shown.row("15-16").get_by_role("button")).to_be_disabled()


def test_trades_of_an_hour_are_a_file(visit: Open) -> None:
    dialog = open_hour(visit(scenes.lively_hour()))
    for name, kind in (("Download CSV", "csv&decimal=point"), ("XLSX", "xlsx")):
        href = dialog.get_by_role("link", name=name).get_attribute("href") or ""
        assert href.endswith(f"api/v1/trades?day=2026-11-25&hour=15-16&limit=10000&format={kind}")


def test_a_phone_shows_side_energy_and_price_at_once(visit: Open) -> None:
    shown = visit(scenes.lively_hour(), "?hour=15-16", viewport={"width": PHONE_WIDTH, "height": 844})
    table = shown.page.get_by_role("table", name="Trades that count")
    for column in ("Received", "Side", "Energy", "Price"):
        box = table.get_by_role("columnheader", name=re.compile(column)).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= PHONE_WIDTH, column
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH
