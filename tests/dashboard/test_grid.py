"""Tables are sorted by their headings and filtered by typing, also by keyboard, and addresses keep both."""

from decimal import Decimal
from typing import Any

from playwright.sync_api import Locator, expect

from tests.dashboard import scenes
from tests.dashboard.conftest import Open, Visit
from tests.dashboard.scenes import TODAY, TRADERS
from tests.dashboard.test_hour import open_hour


def hours(shown: Visit) -> Locator:
    return shown.page.locator("#hours-table tbody th time")


def by_pnl(*, descending: bool) -> list[str]:
    """The day's hours by their PnL, those without at the end."""
    rows = scenes.whole_day(TODAY)
    known = [row for row in rows if row["pnl_eur"] is not None]
    known.sort(key=lambda row: Decimal(row["pnl_eur"]), reverse=descending)
    return [row["delivery_hour"] for row in [*known, *(row for row in rows if row["pnl_eur"] is None)]]


def test_a_heading_sorts_and_says_so(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    in_time = hours(shown).all_inner_texts()
    head = shown.page.locator("#hours-table").get_by_role("columnheader", name="PnL EUR", exact=True)
    expect(head).not_to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button").click()
    expect(hours(shown)).to_have_text(by_pnl(descending=True))
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(shown.page.locator("[aria-sort]")).to_have_count(1)
    assert shown.page.url.endswith("?sort.hours=-pnl_eur")
    head.get_by_role("button").press("Enter")  # the focus stays on it
    expect(hours(shown)).to_have_text(by_pnl(descending=False))
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(head.get_by_role("button")).to_be_focused()
    shown.page.keyboard.press("Space")
    expect(hours(shown)).to_have_text(in_time)
    expect(shown.page.locator("[aria-sort]")).to_have_count(0)
    assert "sort" not in shown.page.url
    assert [call for call in shown.desk.asked if call.startswith("page")] == ["page"], "nothing is asked for it"


def test_what_is_sorted_stays_so_when_numbers_change(visit: Open) -> None:
    shown = visit(scenes.busy_day(), "?sort.hours=-pnl_eur")
    expect(hours(shown).first).to_have_text("18-19")
    rows = scenes.whole_day(TODAY)
    rows[5]["pnl_eur"] = "9007199254740993.005"
    rows[6]["pnl_eur"] = "9007199254740993.004"  # the same to a float
    shown.desk.scene.rows = lambda day, trader: rows
    shown.desk.tell()
    expect(hours(shown).first).to_have_text("05-06")
    expect(hours(shown).nth(1)).to_have_text("06-07")
    expect(shown.page.locator("#hours-table tfoot")).to_contain_text("Total")


def test_a_line_for_now_is_only_where_rows_are_in_time(visit: Open) -> None:
    scene = scenes.two_rows()
    scene.now = scenes.NOW.replace(hour=9)
    shown = visit(scene)
    expect(shown.page.locator(".now-line")).to_have_count(1)
    shown.page.goto(f"{shown.desk.url}?sort.hours=-pnl_eur")
    expect(hours(shown)).to_have_text(["12-13", "13-14"])
    expect(shown.page.locator(".now-line")).to_have_count(1)  # it is the same order
    shown.page.goto(f"{shown.desk.url}?sort.hours=pnl_eur")
    expect(hours(shown)).to_have_text(["13-14", "12-13"])
    expect(shown.page.locator(".now-line")).to_have_count(0)


def test_hours_are_found_by_typing(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    field = shown.page.get_by_role("searchbox", name="Filter delivery hours")
    field.press_sequentially("missing")
    expect(hours(shown)).to_have_text(["21-22", "22-23", "23-24"])
    expect(field).to_be_focused()
    expect(shown.page.locator(".found").first).to_have_text("3 of 24 rows")
    assert shown.page.url.endswith("?filter.hours=missing")
    expect(shown.page.locator("#hours-table tfoot")).to_contain_text("230")  # the total stays that of the day
    field.fill("FINAL 05-06")  # each word, in any case
    expect(hours(shown)).to_have_text(["05-06"])
    field.fill("")
    expect(hours(shown)).to_have_count(24)
    assert "filter" not in shown.page.url


def test_words_are_looked_for_in_what_is_shown(visit: Open) -> None:
    shown = visit(scenes.busy_day(), "?filter.hours=2026")
    expect(hours(shown)).to_have_count(0)
    field = shown.page.get_by_role("searchbox", name="Filter delivery hours")
    for words, found in (("-11-", []), ("20-21", ["20-21"]), ("T19", []), ("◐", [])):
        field.fill(words)
        expect(hours(shown)).to_have_text(found)
    german = visit(scenes.busy_day(), "?filter.hours=fehlend", locale="de-DE")
    expect(hours(german)).to_have_text(["21-22", "22-23", "23-24"])
    german.page.get_by_role("searchbox", name="Filter Lieferstunden").fill("missing")
    expect(hours(german)).to_have_count(0)


def test_times_and_links_of_a_list_are_found_as_they_are_shown(visit: Open) -> None:
    scene = scenes.lively_hour()
    scene.lists["trades"] += [scenes.trade(f"m_{number}") for number in range(4)]
    dialog = open_hour(visit(scene))
    field = dialog.get_by_role("searchbox", name="Filter Trades that count")
    ids = dialog.locator("section.trades td.id")
    field.fill("2026-11-25")
    expect(ids).to_have_count(0)
    field.fill("revision 0a5d5e")
    expect(ids).to_have_text(["0a5d5e1f6f0c4c5a9d3e8b7a6c5d4e3f"])
    field.fill("13:30: m_")
    expect(ids).to_have_text([f"m_{number}" for number in range(4)])


def test_an_address_has_the_order_and_the_words_of_each_table(visit: Open) -> None:
    path = "?day=2026-11-25&sort.traders=-trader_id&filter.traders=TRADER_2&filter.hours=05-06&view=desk"
    shown = visit(scenes.busy_day(scenes.FIFTEEN_TRADERS), path)
    traders = shown.page.locator("#by-trader tbody button")
    expect(traders).to_have_text(["flex_trader_2"])
    expect(hours(shown)).to_have_text(["05-06"])
    shown.page.get_by_role("searchbox", name="Filter PnL of each trader").fill("")
    expect(traders).to_have_text(scenes.FIFTEEN_TRADERS[::-1])  # 15 before 2
    traders.first.click()
    expect(shown.page.locator("#heading")).to_contain_text("flex_trader_15")
    shown.page.go_back()
    expect(traders).to_have_count(15)
    expect(hours(shown)).to_have_text(["05-06"])


def test_an_address_that_is_no_order_changes_nothing(visit: Open) -> None:
    shown = visit(
        scenes.busy_day(), "?sort.hours=--x&sort.traders=nothing&sort.__proto__=-pnl_eur&filter.hours="
    )
    expect(hours(shown)).to_have_count(24)
    expect(shown.page.locator("[aria-sort]")).to_have_count(0)
    expect(shown.page.locator("#by-trader tbody button")).to_have_text(TRADERS)


def test_trades_of_an_hour_are_sorted_and_found(visit: Open) -> None:
    scene = scenes.lively_hour()
    more: list[dict[str, Any]] = [scenes.trade(f"m_{number}") for number in range(4)]
    scene.lists["trades"] += more
    dialog = open_hour(visit(scene))
    table = dialog.get_by_role("table", name="Trades that count")
    ids = table.locator("tbody td.id")
    table.get_by_role("button", name="Energy in the hour").click()
    expect(ids.first).to_have_text("0a5d5e1f6f0c4c5a9d3e8b7a6c5d4e3f")
    dialog.get_by_role("searchbox", name="Filter Trades that count").fill("disputed")
    expect(ids).to_have_text(["q_17"])


def test_health_is_sorted_too(visit: Open) -> None:
    page = visit(scenes.busy_day(), "?view=health").page
    page.locator("#health-runs").get_by_role("button", name="DAG").click()
    expect(page.locator("#health-runs tbody tr > :first-child")).to_have_text(["hourly_pnl", "refresh_pnl"])


def test_decimals_are_compared_with_all_their_digits(visit: Open) -> None:
    texts = ["2", "-1", "-2", "10", "9", "0.101", "0.1", "-0", "1e3", "999", "-0.001", "9007199254740993.005"]
    texts += ["9007199254740993.004", "1E+20"]
    found = visit(scenes.two_rows()).page.evaluate(
        """async (texts) => {
            const { comparable } = await import("./static/js/numbers.js");
            const keys = comparable([...texts, null, ""]);
            const order = texts.map((_, i) => i).sort((a, b) => (keys[a] < keys[b] ? -1 : 1));
            return [order.map((i) => texts[i]), keys.slice(-2)];
        }""",
        texts,
    )
    assert found == [sorted(texts, key=Decimal), [None, None]]


HELD = """(() => {
    const frames = [];
    window.requestAnimationFrame = (work) => frames.push(work);
    window.nextFrame = () => frames.splice(0).forEach((work) => work(performance.now()));
})()"""
"""Frames come only when a test says so: what is drawn before it does, nothing has to wait for."""


def long_hour() -> scenes.Scene:
    """As many rows in each list as the server sends, the trades by rising energy."""
    scene = scenes.lively_hour()
    (held, *_), (refused, *_) = (scene.lists[name] for name in ("quarantined", "rejected"))
    scene.lists = {
        "trades": [scenes.trade(f"t{n}", energy_mwh=f"{n}.0") for n in range(500)],
        "quarantined": [held | {"trade_id": f"q{n}"} for n in range(500)],
        "rejected": [refused | {"line_number": n} for n in range(500)],
    }
    return scene


def test_a_long_list_is_drawn_in_parts_and_as_a_whole_on_demand(visit: Open) -> None:
    shown = visit(long_hour(), script=HELD)
    dialog = open_hour(shown)
    rows, items = dialog.locator("tbody tr"), dialog.locator("li")
    expect(rows).to_have_count(30)
    expect(items).to_have_count(60)
    expect(dialog.locator("section.trades h3")).to_have_text("Trades that count 500")
    while rows.count() < 100 or items.count() < 200:
        before = rows.count() + items.count()
        shown.page.evaluate("nextFrame()")
        assert rows.count() + items.count() - before <= 35, "one list a frame"
    shown.page.evaluate("nextFrame()")
    expect(rows).to_have_count(100)
    trades = dialog.locator("section.trades")
    expect(trades.locator(".rest")).to_have_text("The first 100 of 500. Show all")
    trades.get_by_role("button", name="Show all").click()
    while rows.count() < 500:
        shown.page.evaluate("nextFrame()")
    expect(rows.last).to_contain_text("t499")
    expect(trades.locator(".rest")).to_have_count(0)
    expect(items).to_have_count(200)


def test_what_is_not_drawn_yet_is_sorted_and_found(visit: Open) -> None:
    dialog = open_hour(visit(long_hour(), script=HELD))
    ids = dialog.locator("tbody td.id")
    dialog.get_by_role("button", name="Energy in the hour").click()
    expect(ids.first).to_have_text("t499")
    expect(ids).to_have_count(30)
    dialog.get_by_role("searchbox", name="Filter Trades that count").fill("t250")
    expect(ids).to_have_text(["t250"])
    expect(dialog.locator(".found")).to_have_text("1 of 500 rows")


def test_what_is_drawn_stays_when_numbers_change(visit: Open) -> None:
    shown = visit(long_hour())
    dialog = open_hour(shown)
    rows = dialog.locator("tbody tr")
    expect(rows).to_have_count(100)
    shown.page.evaluate(HELD)
    shown.desk.scene.lists["trades"][0]["energy_mwh"] = "7777.0"
    shown.desk.tell()
    expect(rows.first).to_contain_text("7,777.0")
    expect(rows).to_have_count(100)


def test_a_list_is_printed_whole_before_all_of_it_is_drawn(visit: Open) -> None:
    scene = scenes.lively_hour()
    scene.lists |= {"trades": [scenes.trade(f"T{number}") for number in range(400)]}
    shown = visit(scene, "?hour=15-16", script="window.requestAnimationFrame = () => 0")  # no second part comes
    rows = shown.page.get_by_role("dialog").locator("section.trades tbody tr")
    expect(rows).to_have_count(30)
    shown.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(rows).to_have_count(400)
