"""Choosing a trader, a day and a view, by mouse and keyboard, in a tab and in Airflow's frame."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.dashboard import scenes
from tests.dashboard.conftest import Open, Visit


def last_desk(shown: Visit) -> str:
    return [asked for asked in shown.desk.asked if asked.split("?")[0] == "page"][-1]


def test_a_trader_is_remembered_and_in_the_address(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    expect(shown.page.locator("#heading")).to_contain_text("Whole portfolio")
    shown.page.get_by_role("combobox", name="Trader").select_option("flex_trader_3")
    expect(shown.page.locator("#heading")).to_contain_text("flex_trader_3")
    assert shown.page.url.endswith("?trader=flex_trader_3")
    shown.page.goto(shown.desk.url)
    expect(shown.page.locator("#heading")).to_contain_text("flex_trader_3")
    expect(shown.page.get_by_role("combobox", name="Trader")).to_have_value("flex_trader_3")
    shown.page.get_by_role("combobox", name="Trader").select_option("")
    expect(shown.page.locator("#heading")).to_contain_text("Whole portfolio")
    assert last_desk(shown) == "page"


@pytest.mark.parametrize(
    "path",
    [
        "?day=2026-11-24",
        "?view=range&from=2026-11-16&to=2026-11-22",
        "?view=health",
        "?as_of=2026-11-25T10:00:00Z",
    ],
)
def test_a_link_shows_what_its_sender_saw(visit: Open, path: str) -> None:
    shown = visit(scenes.ranges(), "?trader=flex_trader_1")
    shown.page.get_by_role("combobox", name="Trader").select_option("flex_trader_3")
    expect(shown.page.locator("#heading")).to_contain_text("flex_trader_3")
    shown.page.goto(shown.desk.url + path)
    expect(shown.page.locator("#heading")).to_contain_text("Whole portfolio")
    assert "trader=" not in shown.page.url
    shown.page.goto(shown.desk.url)  # looking at a link changes nothing of one's own
    expect(shown.page.locator("#heading")).to_contain_text("flex_trader_3")


def test_a_trader_whom_nobody_knows_is_nobody_else(visit: Open) -> None:
    shown = visit(scenes.two_rows(), "?trader=flex_trader_2")
    shown.page.get_by_role("button", name="Day before").click()
    scene = shown.desk.scene
    scene.rows = lambda day, trader: [] if trader == "nobody" else scenes.traders_dashboard()
    shown.page.goto(f"{shown.desk.url}?trader=nobody")
    expect(shown.page.locator("#heading")).to_contain_text("nobody")
    expect(shown.page.get_by_role("combobox", name="Trader")).to_have_value("nobody")
    expect(shown.page.locator("#empty")).to_contain_text("nobody has no trades for delivery today yet.")


def test_a_page_that_is_opened_anew_shows_today(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    shown.page.get_by_role("button", name="Day before").click()
    expect(shown.page.locator("#heading")).to_contain_text("Yesterday")
    there = shown.page.url
    shown.page.goto(shown.desk.url)
    expect(shown.page.locator("#heading")).to_contain_text("Today, Wed, 25 Nov 2026")
    assert "day=" not in shown.page.url
    shown.page.goto(there)  # what was shared is that day
    expect(shown.page.locator("#heading")).to_contain_text("Yesterday")
    stored = shown.page.evaluate("JSON.parse(localStorage.getItem('trading-desk'))")
    assert stored == {"trader": "", "allColumns": False}


def test_days_by_buttons_and_back_in_the_browsers_history(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    expect(shown.page.get_by_role("button", name="Today")).to_be_disabled()
    shown.page.get_by_role("button", name="Day before").click()
    expect(shown.page.locator("#heading")).to_contain_text("Yesterday, Tue, 24 Nov 2026")
    shown.page.get_by_role("button", name="Day before").click()
    expect(shown.page.locator("#heading")).to_contain_text("Mon, 23 Nov 2026")
    shown.page.go_back()
    expect(shown.page.locator("#heading")).to_contain_text("Tue, 24 Nov 2026")
    shown.page.get_by_role("button", name="Day after").click()
    expect(shown.page.locator("#heading")).to_contain_text("Today")
    assert "day=" not in shown.page.url  # today goes on with the calendar


def test_days_by_arrow_keys(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    shown.page.keyboard.press("ArrowLeft")
    expect(shown.page.locator("#heading")).to_contain_text("Yesterday")
    shown.page.keyboard.press("ArrowRight")
    shown.page.keyboard.press("ArrowRight")
    expect(shown.page.locator("#heading")).to_contain_text("Tomorrow")
    shown.page.get_by_role("combobox", name="Trader").focus()
    shown.page.keyboard.press("ArrowLeft")
    expect(shown.page.locator("#day")).to_have_value("2026-11-26")


def test_a_day_is_chosen_in_its_field(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    shown.page.locator("#day").fill("2026-10-25")
    expect(shown.page.locator("#heading")).to_contain_text("Sun, 25 Oct 2026")
    assert "day=2026-10-25" in shown.page.url


def test_a_year_that_is_being_typed_asks_for_nothing(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    field = shown.page.locator("#day")
    field.fill("0202-11-24")
    field.fill("2026-11-24")
    expect(shown.page.locator("#heading")).to_contain_text("Tue, 24 Nov 2026")
    assert [asked for asked in shown.desk.asked if "0202" in asked] == []


def test_the_fastest_chooser_gets_the_last_choice(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    for _ in range(12):
        shown.page.keyboard.press("ArrowLeft")
    expect(shown.page.locator("#heading")).to_contain_text("Fri, 13 Nov 2026")
    shown.page.wait_for_timeout(500)
    expect(shown.page.locator("#heading")).to_contain_text("Fri, 13 Nov 2026")


def test_csv_of_what_is_on_screen(visit: Open) -> None:
    shown = visit(scenes.busy_day(), "?trader=flex_trader_1&day=2026-11-24")
    with shown.page.expect_download() as download:
        shown.page.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename == "pnl-2026-11-24.csv"
    assert Path(download.value.path()).read_text("utf-8-sig").startswith("delivery_day")
    asked = shown.desk.asked[-1]
    assert asked == "pnl_hourly?from=2026-11-24&to=2026-11-24&trader=flex_trader_1&format=csv&decimal=point"
    xlsx = shown.page.get_by_role("link", name="XLSX").get_attribute("href") or ""
    assert xlsx.endswith("api/v1/pnl_hourly?from=2026-11-24&to=2026-11-24&trader=flex_trader_1&format=xlsx")


def test_a_download_that_fails_is_a_sentence(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    shown.desk.scene.failure = (503, "The database does not answer at the moment.")
    shown.desk.scene.failing = ("pnl_hourly",)
    shown.page.get_by_role("link", name="Download CSV").click()
    alert = shown.page.get_by_role("alert")
    expect(alert).to_have_text(
        re.compile("The file was not downloaded. The database does not answer at the moment.$")
    )
    expect(shown.row("12-13")).to_be_visible()
    shown.desk.tell()
    expect(alert).to_be_empty()


def test_csv_for_a_spreadsheet_that_writes_commas(visit: Open) -> None:
    shown = visit(scenes.busy_day(), locale="de-DE")
    href = shown.page.get_by_role("link", name="CSV herunterladen").get_attribute("href")
    assert href == "api/v1/pnl_hourly?from=2026-11-25&to=2026-11-25&format=csv&decimal=comma"


def test_views_are_tabs_for_the_keyboard(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    shown.page.get_by_role("tab", name="Desk").focus()
    shown.page.keyboard.press("ArrowRight")
    expect(shown.page.get_by_role("tab", name="Range")).to_be_focused()
    shown.page.keyboard.press("ArrowRight")
    expect(shown.page.get_by_role("tab", name="Health")).to_be_focused()
    expect(shown.page.locator("#health-lines")).to_contain_text("capture-service")
    expect(shown.page.locator("#view-desk")).to_be_hidden()
    assert shown.page.url.endswith("?view=health")
    shown.page.keyboard.press("Home")
    expect(shown.row("12-13")).to_be_visible()


def test_health_tells_the_engineer(visit: Open) -> None:
    shown = visit(scenes.busy_day(), "?view=health")
    page = shown.page
    expect(page.locator("#health-lines tbody tr").nth(1)).to_contain_text("not connected")
    expect(page.locator("#health-gaps")).to_contain_text("12 min")
    expect(page.locator("#view-health")).to_contain_text("all accounted for")
    expect(page.locator("#view-health")).to_contain_text("240 of 1,000")
    expect(page.locator("#health-runs tbody tr").nth(1)).to_contain_text("12:00 to 13:00")
    expect(page.locator("#health-orphan_cancellations")).to_contain_text("Every cancellation has its trade.")
    validation = page.locator("#health-validations a").first
    expect(validation).to_have_text("13:31:20")
    expect(validation).to_have_attribute("href", f"{shown.desk.url}data-docs/index.html")
    shown.desk.scene.health["ledger"]["loaded"] -= 3
    shown.desk.tell()
    expect(page.locator("#view-health")).to_contain_text("3 not accounted for: make audit")


def test_health_tells_all_times_in_one_zone(visit: Open) -> None:
    scene = scenes.busy_day()
    seen = (
        "at 2026-11-25T12:30:01.5+00:00, 2026-11-25 11:00:00+00 and 2026-11-24 23:10 UTC; 2026-11-25 as a day"
    )
    scene.health["validations"][2]["detail"] = seen
    scene.health["alarms"] = [
        {
            "alarm": "capture_silent",
            "since_at": "2026-11-25T12:00:00Z",
            "raised_at": None,
            "detail": "written 34 min ago, at 2026-11-25 12:00:00 UTC",
        }
    ]
    error = "TerminalError: FROM must be a time like 2026-03-02T05:00:00Z, not 'abc'"
    scene.health["runs"][1]["error"] = error
    raw = '{"execution_time": "2026-11-25T12:00:00Z"}'
    scene.health["rejects"][0]["raw"] = raw
    scene.status["troubles"] = [{"code": "x", "since": None, "text": "late since 2026-11-25 12:00:00 UTC"}]
    shown = visit(scene, "?view=health")
    page = shown.page
    expect(page.locator("#view-health > .hint")).to_have_text(
        "All times are market time, Europe/Berlin; hover over one for UTC."
    )
    expect(page.locator("#health-validations tbody tr").nth(2)).to_contain_text(
        "at 13:30:01, 12:00:00 and 00:10; 2026-11-25 as a day"
    )
    alarm = page.locator("#health-alarms td time").last
    expect(alarm).to_have_text("13:00:00")
    expect(alarm).to_have_attribute("title", "2026-11-25 12:00:00 UTC")
    expect(page.locator("#health-runs tbody tr").nth(1)).to_contain_text(error)  # a quotation stays one
    expect(page.locator("#troubles")).to_contain_text("late since 13:00:00")
    expect(page.locator("#health-rejects .raw")).to_have_text(raw)
    assert "UTC" not in page.locator("#view-health .panels").inner_text()


def test_a_run_that_goes_on_after_errors_says_so(visit: Open) -> None:
    scene = scenes.busy_day()
    scene.health["runs"][0] |= {
        "state": "running",
        "error": "2 files cannot be loaded:\n\u202ea.jsonl\nb.jsonl",
    }
    page = visit(scene, "?view=health").page
    run = page.locator("#health-runs tbody tr").first
    expect(run).to_contain_text("running, with errors")
    expect(run.locator(".state[data-state=good]")).to_have_count(0)
    expect(run.get_by_text("2 files")).to_be_visible()
    assert "2 files cannot be loaded:\n[U+202E]a.jsonl\nb.jsonl" in run.inner_text()


def test_an_id_and_a_line_are_numbers_and_not_amounts(visit: Open) -> None:
    scene = scenes.busy_day()
    scene.health["orphan_cancellations"] = [{"trade_id": "12345", "line_number": 2345}]
    shown = visit(scene, "?view=health")
    expect(shown.page.locator("#health-orphan_cancellations tbody tr > *")).to_have_text(["12345", "2345"])


def test_a_cancellation_without_a_trade_leads_to_its_message(visit: Open) -> None:
    scene = scenes.lively_hour()
    row = {"trade_id": "12345", "landing_file": scenes.LANDING_FILE, "line_number": 118}
    scene.health["orphan_cancellations"] = [row]
    page = visit(scene, "?view=health").page
    page.locator("#health-orphan_cancellations").get_by_role("link", name="118").click()
    expect(page.get_by_role("region", name="The message")).to_have_text(scene.messages["118"])


def test_health_says_what_waits_for_a_review_and_how_to_decide(visit: Open) -> None:
    page = visit(scenes.busy_day(), "?view=health").page
    quarantined = page.locator("#health-quarantined")
    expect(quarantined.locator("thead th")).to_have_text(
        ["breaks the rule that", "waiting", "oldest", "review the oldest with"]
    )
    expect(quarantined.locator("code")).to_have_text(
        "make review TRADE=t_4711 ACTION=accept|discard REASON='…'", use_inner_text=True
    )
    expect(page.locator("#health-rejects tbody code")).to_contain_text(
        "make review FILE=trades/date=2026-11-25/"
    )
    expect(page.locator("#health-rejects tbody td").first).to_have_text("3")
    expect(page.locator("#health-operational_messages tbody tr > *").first).to_have_text("heartbeat")
    expect(page.locator("#health-unknown_fields tbody tr > *").first).to_have_text("venue")


def test_in_airflows_frame_links_open_and_files_download(visit: Open) -> None:
    shown = visit(scenes.busy_day(), framed=True)
    frame = shown.page.frame_locator("iframe")
    expect(frame.locator("#heading")).to_contain_text("Whole portfolio")
    with shown.page.expect_download() as download:
        frame.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename == "pnl-2026-11-25.csv"
    frame.get_by_role("tab", name="Health").click()
    with shown.context.expect_page() as opened:
        frame.get_by_role("link", name="refresh_pnl").click()
    assert opened.value.url.startswith(f"{shown.desk.origin}/dags/refresh_pnl/runs/")
    with shown.context.expect_page() as alone:
        frame.get_by_role("button", name="Open in a new tab").click()
    expect(alone.value.locator("#tab-health")).to_have_attribute("aria-selected", "true")
    expect(alone.value.locator("#own-tab")).to_be_hidden()


def test_in_airflows_frame_the_colours_are_those_of_airflow(visit: Open) -> None:
    shown = visit(scenes.busy_day(), "?theme=dark", framed=True, color_scheme="light")
    body = shown.page.frame_locator("iframe").locator("body")
    expect(body).to_have_css("background-color", "rgb(15, 19, 24)")
    shown.page.evaluate("document.documentElement.className = 'light'")
    expect(body).to_have_css("background-color", "rgb(243, 245, 247)")


def in_market(name: str | None, pnl: str | None, priced: str) -> scenes.Payload:
    numbers = {"trade_count": 7, "missing_price_count": int(pnl is None), "is_complete": pnl is not None}
    energies = {"buy_mwh": "1.5", "sell_mwh": "4", "net_position_mwh": "-2.5"}
    return {"market": name, "pnl_eur": pnl, "priced_pnl_eur": priced} | numbers | energies


def test_a_market_is_chosen_and_in_the_address(visit: Open) -> None:
    scene = scenes.busy_day()
    scene.markets = ["DE", "FI"]
    scene.by_market = [
        in_market("DE", "-2.80", "-2.80"),
        in_market("FI", None, "10.10"),
        in_market(None, None, "7.30"),
    ]
    shown = visit(scene, "?trader=flex_trader_3")
    expect(shown.page.locator("#heading")).to_contain_text("flex_trader_3 in DE")
    rows = shown.page.locator("#by-market tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("+10.10 so far")
    expect(rows.nth(2)).to_contain_text("All markets")
    shown.page.get_by_role("combobox", name="Market").select_option("FI")
    expect(shown.page.locator("#heading")).to_contain_text("Whole portfolio in FI")
    assert shown.page.url.endswith("?market=FI")
    assert last_desk(shown) == "page?market=FI"
    assert "market=FI" in (shown.page.locator("#csv").get_attribute("href") or "")
    shown.page.locator("#by-market").get_by_role("button", name="DE").click()
    expect(shown.page.locator("#heading")).to_contain_text("Whole portfolio in DE")
    assert last_desk(shown) == "page"
    shown.page.go_back()
    expect(shown.page.locator("#heading")).to_contain_text("Whole portfolio in FI")


def test_one_market_needs_no_choice(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    expect(shown.page.locator("#heading")).to_have_text(re.compile("^Whole portfolio · "))
    expect(shown.page.get_by_role("combobox", name="Market")).to_be_hidden()
    expect(shown.page.locator("#by-market")).to_be_hidden()
