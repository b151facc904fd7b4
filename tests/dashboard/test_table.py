"""What the table, the headline values and the charts say, and that nothing of it is lost or made up."""

import re
from datetime import date, timedelta
from typing import Any

from playwright.sync_api import expect

from tests.dashboard import scenes
from tests.dashboard.conftest import Open
from tests.dashboard.scenes import MARCH_CHANGE, MARKET, NOW, OCTOBER_CHANGE, TODAY, Payload, Scene, row


def scene_of(*rows: Payload) -> Scene:
    return Scene(rows=lambda day, trader: list(rows))


def test_the_traders_table(visit: Open) -> None:
    shown = visit(scenes.two_rows(), "?trader=flex_trader_1")
    first, second = shown.cells("12-13"), shown.cells("13-14")
    assert (first["Our average price"], first["Reference price"], first["How are we doing"]) == (
        "10.20",
        "9.80",
        "+0.40",
    )
    assert (second["Our average price"], second["Reference price"], second["How are we doing"]) == (
        "5.70",
        "8.90",
        "-3.20",
    )
    assert (first["Price is"], second["Price is"]) == ("●final", "◐provisional")
    assert (first["PnL"], second["PnL"]) == ("+4.00", "-16.00")
    good, bad = (shown.row(hour).locator("td.result") for hour in ("12-13", "13-14"))
    colours = [cell.evaluate("cell => getComputedStyle(cell).color") for cell in (good, bad)]
    assert colours == ["rgb(8, 112, 63)", "rgb(179, 33, 27)"]
    expect(shown.page.locator("#hours-table tfoot")).to_contain_text("-12.00")


def test_the_hour_that_is_being_delivered_is_marked(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    expect(shown.row("13-14")).to_have_attribute("aria-current", "time")
    expect(shown.page.locator("[aria-current=time]")).to_have_count(1)


def test_now_has_a_line_where_its_hour_has_no_trades(visit: Open) -> None:
    scene = scenes.two_rows()
    scene.now = NOW - timedelta(hours=2)
    shown = visit(scene)
    lines = shown.page.locator("#hours-table tbody tr")
    expect(lines.nth(0)).to_have_text("now, 11:34: no trades for this hour")
    expect(lines.nth(1)).to_contain_text("12-13")


def test_times_are_of_the_market_and_utc_on_hover(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    period = shown.row("12-13").locator("th time")
    expect(period).to_have_attribute("title", "2026-11-25 11:00 UTC to 2026-11-25 12:00 UTC")
    expect(shown.page.locator("#age")).to_contain_text("Data as of 13:34:00")
    expect(shown.page.locator("#age")).to_have_attribute("title", "2026-11-25 12:34:00 UTC")
    expect(shown.page.locator("#waits")).to_contain_text("Next prices 13:40")


def test_no_digit_is_lost(visit: Open) -> None:
    big = row(
        MARKET.period(TODAY, "12-13"),
        sell="1.0",
        average="12345678901234567890.125",
        reference="-0.004",
        performance="1E+20",
        pnl="9007199254740993.005",
    )
    shown = visit(scene_of(big)).cells("12-13")
    assert shown["Our average price"] == "12,345,678,901,234,567,890.13"  # half up, as in the other reports
    assert shown["Reference price"] == "0.00"
    assert shown["How are we doing"] == "+100,000,000,000,000,000,000.00"
    assert shown["PnL"] == "+9,007,199,254,740,993.01"
    german = visit(scene_of(big), locale="de-DE").cells("12-13")
    assert german["Unser Ø-Preis"] == "12.345.678.901.234.567.890,13"


def test_sums_of_the_page_are_exact(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    sums = shown.page.evaluate(
        """async () => {
            const { sum, energyPlaces } = await import("./static/js/numbers.js");
            return [
                sum(["0.1", "0.2"]), sum(["9007199254740993", null, "-0.005"]), sum(["-1", "0.5"]),
                sum([null]), sum(["1E+2", "0E-20"]),
                energyPlaces(["1.20", "3"]), energyPlaces(["0.025"]), energyPlaces(["1.23456"]),
            ];
        }"""
    )
    assert sums == ["0.3", "9007199254740992.995", "-0.5", None, "100.00000000000000000000", 1, 3, 3]


def test_a_missing_price_is_not_zero(visit: Open) -> None:
    priced, missing = scenes.traders_dashboard()
    missing |= {
        "price_status": "missing",
        **dict.fromkeys(
            ("reference_price_eur_per_mwh", "performance_eur_per_mwh", "pnl_eur", "unrealised_pnl_eur")
        ),
    }
    shown = visit(scene_of(priced, missing))
    cells = shown.cells("13-14")
    assert cells["Price is"] == "○missing"
    assert {cells[name] for name in ("Reference price", "How are we doing", "PnL")} == {"\N{EN DASH}"}
    expect(shown.page.locator("#hours-table tfoot")).to_contain_text("+4.00so far")
    expect(shown.page.locator("#figures")).to_contain_text("PnL so far")
    expect(shown.page.locator("#picture-pnl-sentence")).to_contain_text("1 hour without a price not counted")


def test_incomplete_hours_say_why(visit: Open) -> None:
    shown = visit(scenes.incomplete_hours())
    expect(shown.row("15-16").locator("th")).to_contain_text("incomplete")
    assert shown.cells("15-16")["Note"].endswith("3 trades wait for validation")
    reasons = shown.page.locator(".reasons li")
    expect(reasons).to_have_count(2)
    expect(reasons.nth(0)).to_contain_text("09-10, 15-16 incomplete: no connection to the exchange for 12 min")
    expect(shown.row("10-11").locator("th")).not_to_contain_text("incomplete")


def test_a_reason_of_many_hours_is_said_once(visit: Open) -> None:
    shown = visit(scenes.one_reason_for_many_hours())
    expect(shown.page.locator(".reasons li")).to_have_text([f"⚠ 09-10 to 21-22 incomplete: {scenes.GAP}"])
    seen = shown.page.locator("#view-desk").inner_text()
    assert seen.count(scenes.GAP) == 1
    assert shown.cells("12-13")["Note"] == ""
    for hour in ("09-10", "21-22"):
        mark = shown.row(hour).locator(".warn")
        expect(mark).to_have_attribute("title", f"Incomplete: {scenes.GAP}")
    expect(shown.page.locator("#hours-table .warn")).to_have_count(13)
    # above the table: who sees a mark in a line has the reason in sight
    reasons, table = (shown.page.locator(each).bounding_box() for each in (".reasons", "#hours"))
    assert reasons is not None
    assert table is not None
    assert reasons["y"] + reasons["height"] <= table["y"]


def test_hours_in_words(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    found = shown.page.evaluate(
        """async (groups) => {
            const { hoursInWords } = await import("./static/js/words.js");
            const label = (i) => `${i}-${i + 1}`;
            const hour = (i) => ({ delivery_hour: label(i), delivery_start_at: i, delivery_end_at: i + 1 });
            return groups.map(([some, all]) => hoursInWords(some.map(hour), all.map(hour)));
        }""",
        [
            [[1], [1]],
            [[1, 2], [1, 2, 3]],
            [[1, 2, 3], [1, 2, 3]],
            [[1, 2, 3], [1, 2, 3, 4]],
            [[1, 3, 4, 5, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8]],
        ],
    )
    assert found == ["1-2", "1-2, 2-3", "all hours", "1-2 to 3-4", "1-2, 3-4 to 5-6, 7-8, 8-9"]


def test_reasons_count_although_the_capture_had_no_gap(visit: Open) -> None:
    first, second = scenes.traders_dashboard()
    second["incomplete_because"] = ["trades for this hour have arrived and are not checked yet"]
    shown = visit(scene_of(first, second))
    expect(shown.row("13-14").locator("th")).to_contain_text("incomplete")
    assert "not checked yet" in shown.cells("13-14")["Note"]


def test_the_march_change_has_23_hours_and_says_so(visit: Open) -> None:
    shown = visit(scenes.busy_day(), f"?day={MARCH_CHANGE}")
    expect(shown.page.locator("#hours-table tbody tr")).to_have_count(23)
    expect(shown.page.locator("#clock-change")).to_have_text(
        "The clocks go forward on this day: it has 23 hours, and none is 02-03."
    )


def test_the_october_change_has_one_row_for_the_doubled_hour(visit: Open) -> None:
    shown = visit(scenes.busy_day(), f"?day={OCTOBER_CHANGE}")
    assert "this hour happens twice" in shown.cells("02-03")["Note"]
    expect(shown.page.locator("#clock-change")).to_contain_text("the hour 02-03 happens twice")
    expect(shown.row("02-03").locator("th time")).to_have_attribute(
        "title", "2026-10-25 00:00 UTC to 2026-10-25 02:00 UTC"
    )


def test_pages_agree_with_the_calendar_on_every_kind_of_day(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    days = [MARCH_CHANGE, MARCH_CHANGE + timedelta(days=1), TODAY, OCTOBER_CHANGE, date(2026, 12, 31)]
    found: Any = shown.page.evaluate(
        """async (days) => {
            const times = await import("./static/js/times.js");
            return days.map((day) => times.hoursOf(day).map(({ label, start, end }) => [label, start, end]));
        }""",
        [day.isoformat() for day in days],
    )
    expected = [
        [
            [p.delivery_hour, p.start_at.timestamp() * 1000, p.end_at.timestamp() * 1000]
            for p in MARKET.hours_of(day)
        ]
        for day in days
    ]
    assert found == expected


def test_what_comes_from_outside_is_text(visit: Open) -> None:
    attack = "<img src=x onerror='window.attacked = true'>"
    first, second = scenes.traders_dashboard()
    second |= {"is_complete": False, "incomplete_because": [attack]}
    scene = scene_of(first, second)
    scene.traders = [attack]
    scene.status["troubles"] = [{"code": "x", "since": None, "text": attack}]
    scene.history = [{"at": "2026-11-25T12:00:00Z", "pnl_eur": "1", "priced_pnl_eur": "1", "cause": attack}]
    shown = visit(scene)
    expect(shown.page.locator("#troubles")).to_contain_text(attack)
    assert attack in shown.cells("13-14")["Note"]
    expect(shown.page.locator("#trader option")).to_have_text(["Whole portfolio", attack])
    shown.page.locator("#tab-health").click()
    expect(shown.page.locator("#health-rejects .raw")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(shown.page.locator("#health-runs a")).to_have_count(1)  # the other address is javascript:
    assert shown.page.locator("img").count() == 0
    assert shown.page.evaluate("window.attacked") is None


def test_empty_states_say_what_to_expect(visit: Open) -> None:
    nothing = visit(scenes.nothing_yet())
    expect(nothing.page.locator("#empty")).to_contain_text("No trades have arrived yet.")
    expect(nothing.page.locator("#empty")).to_contain_text("within a minute of their arrival")
    expect(nothing.page.locator("#content")).to_be_hidden()
    tomorrow = visit(scenes.two_rows(), f"?day={TODAY + timedelta(days=1)}")
    expect(tomorrow.page.locator("#empty")).to_contain_text("Trading for tomorrow opens at 15:00 market time")
    scene = scenes.two_rows()
    scene.days = (TODAY, TODAY)
    later = visit(scene, f"?day={TODAY + timedelta(days=4)}")
    expect(later.page.locator("#empty").get_by_role("button")).to_have_text(["Show today"])  # and not twice
    expect(later.page.locator("#empty")).to_contain_text("Trading for it opens on 28 Nov, 15:00 market time.")
    past = visit(scenes.two_rows(), "?day=2026-11-01&trader=flex_trader_2")
    expect(past.page.locator("#empty")).to_contain_text(
        "flex_trader_2 did not trade for delivery on Sun, 1 Nov 2026."
    )
    past.page.get_by_role("button", name="Show today").click()
    expect(past.row("12-13")).to_be_visible()


def test_a_day_that_was_not_captured_is_not_one_on_which_nobody_traded(visit: Open) -> None:
    shown = visit(scenes.not_captured(), "?day=2026-11-24")
    empty = shown.page.locator("#empty")
    expect(empty.locator("h3")).to_have_text("No trades for delivery on Tue, 24 Nov 2026 are known.")
    expect(empty.locator("p").first).to_have_text(
        "Nothing was connected to the exchange from 24 Nov, 11:34 to 24 Nov, 14:34, while this day was"
        " tradable: trades may be missing."
    )
    gap = shown.desk.scene.capture_gaps[0]
    shown.desk.scene.capture_gaps = [gap, gap, gap, gap]
    shown.page.reload()
    expect(empty).to_contain_text("14:34, from 24 Nov, 11:34 to 24 Nov, 14:34 and at other times, while")
    shown.desk.scene.capture_gaps = [gap | {"is_ongoing": True}]
    shown.page.goto(f"{shown.desk.url}?trader=flex_trader_1&day=2026-11-24")
    expect(empty).to_contain_text("No trades of flex_trader_1 for delivery on Tue, 24 Nov 2026 are known.")
    expect(empty).to_contain_text("exchange since 24 Nov, 11:34, while this day was tradable")
    shown.desk.scene.capture_gaps = []
    shown.page.goto(f"{shown.desk.url}?day=2026-11-24")
    expect(empty).to_contain_text("Nobody traded for delivery on Tue, 24 Nov 2026.")


def test_a_day_before_the_first_trade_is_not_one_on_which_nobody_traded(visit: Open) -> None:
    scene = scenes.two_rows()
    scene.days = (TODAY, TODAY)
    empty = visit(scene, "?day=2026-11-01").page.locator("#empty")
    expect(empty.locator("h3")).to_have_text("No trades for delivery on Sun, 1 Nov 2026 are known.")


def test_the_portfolio_by_trader_leads_to_each(visit: Open) -> None:
    shown = visit(scenes.busy_day(scenes.FIFTEEN_TRADERS))
    traders = shown.page.locator("#by-trader tbody tr")
    expect(traders.locator("button")).to_have_text(scenes.FIFTEEN_TRADERS)  # 2 before 10
    expect(traders.first).to_contain_text("so far")
    shown.page.get_by_role("button", name="flex_trader_12", exact=True).click()
    expect(shown.page.locator("#heading")).to_contain_text("flex_trader_12")
    expect(shown.page.locator("#by-trader")).to_be_hidden()


def test_trades_say_why_their_total_is_less_than_the_sum_of_the_rows(visit: Open) -> None:
    for locale, heading, title in (
        ("en-GB", "Trades", "A block or another trade of several hours counts in each of its hours, and once"),
        (
            "de-DE",
            "Trades",
            "Ein Block oder anderer Trade über mehrere Stunden zählt in jeder seiner Stunden und einmal",
        ),
    ):
        table = visit(scenes.busy_day(), locale=locale).page.locator("#hours-table")
        starts = re.compile(f"^{title}")
        head = table.get_by_role("columnheader", name=heading, exact=True)
        expect(head).to_have_attribute("title", starts)
        expect(table.locator("tfoot td").first).to_have_attribute("title", starts)


def test_more_columns_on_demand(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    realised = shown.page.get_by_role("columnheader", name="Realised EUR", exact=True)
    expect(realised).to_be_hidden()
    shown.page.get_by_label("All columns").check()
    expect(realised).to_be_visible()
    shown.page.reload()
    expect(realised).to_be_visible()


def test_pictures_are_drawn_and_told(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    expect(shown.page.locator(".picture canvas")).to_have_count(5)
    expect(shown.page.locator("#picture-pnl-sentence")).to_contain_text(
        "-40.10 EUR over 21 hours, best 18-19 (+25.80), worst 05-06 (-22.05)"
    )
    expect(shown.page.locator("#picture-history-sentence")).to_have_text(
        re.compile(r"From -72\.00 EUR at 07:34 to .* EUR at 13:34 in 36 steps\.")
    )
    shown.page.locator("#picture-pnl .u-over").hover(position={"x": 2, "y": 40})
    expect(shown.page.locator("#picture-pnl .readout")).to_contain_text("00-01: -2.50 EUR")
    shown.page.get_by_text("The same as a table").click()
    expect(shown.page.locator(".changes tbody tr").first).to_contain_text("new trades")
    shown.page.locator(".changes tbody button").nth(6).click()
    expect(shown.page.locator("#as-of")).to_contain_text("The page as of 12:34:40")


def test_a_moment_of_the_past_has_no_now(visit: Open) -> None:
    shown = visit(scenes.provider_down(), "?as_of=2026-11-25T10:00:00Z")
    page = shown.page
    expect(page.locator("#as-of")).to_be_visible()
    for now in ("#live", "#age", "#waits", "#troubles"):
        expect(page.locator(now)).to_be_hidden()
    page.wait_for_timeout(1_500)  # a second's tick is over
    expect(page.locator("[aria-current=time], .now-mark, .now-line, tr.past")).to_have_count(0)
    expect(page.locator("#heading")).to_contain_text("Whole portfolio · Wed, 25 Nov 2026")
    page.get_by_role("tab", name="Health").click()  # which is of now
    expect(page.locator("#live")).to_be_visible()
    expect(page.locator("#troubles")).to_be_visible()
    page.get_by_role("tab", name="Desk").click()
    expect(page.locator("#live")).to_be_hidden()
    page.get_by_role("button", name="Back to now").click()
    expect(page.locator("#live")).to_be_visible()
    expect(page.locator("#troubles")).to_be_visible()
    expect(shown.row("13-14")).to_have_attribute("aria-current", "time")
    expect(page.locator("#heading")).to_contain_text("Today, ")


def test_a_line_for_now_goes_with_the_present(visit: Open) -> None:
    scene = scenes.two_rows()
    scene.now = NOW - timedelta(hours=2)
    shown = visit(scene, "?as_of=2026-11-25T10:00:00Z")
    expect(shown.page.locator("#hours-table tbody tr")).to_have_count(2)


def test_a_moment_of_the_past(visit: Open) -> None:
    shown = visit(scenes.busy_day(), "?as_of=2026-11-25T10:00:00Z")
    expect(shown.page.locator("#as-of")).to_contain_text("The page as of 11:00:00")
    assert "as_of=2026-11-25T10%3A00%3A00Z" in next(
        asked for asked in shown.desk.asked if asked.startswith("page?")
    )
    shown.page.get_by_role("button", name="Back to now").click()
    expect(shown.page.locator("#as-of")).to_be_hidden()
    assert "as_of" not in shown.page.url
