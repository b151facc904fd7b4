"""The page refreshes itself, loses nothing of what a reader is doing, and lives through a server that fails."""

import re
from datetime import timedelta
from urllib.parse import urlencode

from playwright.sync_api import expect

from tests.dashboard import scenes
from tests.dashboard.conftest import Open, Visit
from tests.dashboard.scenes import NOW, TODAY, Payload, Scene

FAILED = (503, "The database does not answer at the moment.")


def a_new_trade(scene: Scene) -> None:
    first, second = scenes.traders_dashboard()
    second |= {"trade_count": 5, "sell_mwh": "7.5", "net_position_mwh": "-7.5", "pnl_eur": "-18.5"}
    scene.rows = lambda day, trader: [first, second]


def calls(shown: Visit, name: str) -> int:
    return sum(asked.split("?")[0] == name for asked in shown.desk.asked)


def test_a_new_trade_appears_without_a_reload(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    expect(shown.page.locator("#live")).to_have_text("Live")
    shown.page.evaluate(
        "window.sameDocument = true; window.sameRow = document.querySelector('#hours-table tbody tr')"
    )
    a_new_trade(shown.desk.scene)
    shown.desk.tell()
    expect(shown.row("13-14")).to_contain_text("-18.50")
    assert shown.page.evaluate(
        "window.sameDocument && window.sameRow === document.querySelector('#hours-table tbody tr')"
    )
    expect(shown.row("13-14").locator("td.changed")).not_to_have_count(0)
    expect(shown.row("12-13").locator("td.changed")).to_have_count(0)
    expect(shown.page.locator("#announcer")).to_have_text("PnL now -14.50 EUR")


def test_nothing_is_asked_while_nothing_is_new(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    expect(shown.page.locator("#live")).to_have_text("Live")
    shown.page.wait_for_timeout(6_000)
    assert (calls(shown, "page"), calls(shown, "events"), calls(shown, "version")) == (1, 1, 0)


def test_scroll_and_focus_stay(visit: Open) -> None:
    shown = visit(scenes.busy_day(), viewport={"width": 390, "height": 700})
    shown.page.get_by_label("All columns").check()
    shown.page.locator("#hours").evaluate(
        "region => { region.scrollLeft = 120; region.focus({ preventScroll: true }); }"
    )
    shown.page.evaluate("window.scrollTo(0, 300)")
    rows = scenes.whole_day(TODAY)
    rows[12]["pnl_eur"] = "1234.5"
    shown.desk.scene.rows = lambda day, trader: rows
    shown.desk.tell()
    expect(shown.row("12-13")).to_contain_text("+1,234.50")
    where = "[document.getElementById('hours').scrollLeft, Math.round(scrollY), document.activeElement.id]"
    assert shown.page.evaluate(where) == [120, 300, "hours"]


def test_what_did_not_change_is_not_touched(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    button = shown.page.get_by_role("button", name="flex_trader_2", exact=True)
    button.focus()
    shown.page.evaluate(
        "window.kept = ['#trader option', 'dt', '#by-trader button'].map(each => document.querySelector(each))"
    )
    shown.desk.tell()
    while calls(shown, "page") < 2:
        shown.page.wait_for_timeout(50)
    shown.page.locator("#view-desk[aria-busy=false]").wait_for(state="attached")
    assert shown.page.evaluate("window.kept.every(each => each.isConnected)")
    expect(button).to_be_focused()
    shown.desk.scene.rows = lambda day, trader: scenes.whole_day(TODAY, trader)[:5]
    shown.desk.tell()
    expect(shown.page.locator("#by-trader")).not_to_contain_text("so far")
    expect(button).to_be_focused()


def test_rows_come_and_go_in_order(visit: Open) -> None:
    rows = scenes.whole_day(TODAY)
    scene = scenes.two_rows()
    shown = visit(scene)

    def show(some: list[Payload]) -> None:
        scene.rows = lambda day, trader: some
        shown.desk.tell()
        labels = shown.page.locator("#hours-table tbody tr th time")
        expect(labels).to_have_text([each["delivery_hour"] for each in some])

    show(rows[3:5] + rows[20:])
    show(rows)
    show(rows[:2] + rows[4:5] + rows[13:])
    show([])


def test_polling_does_where_events_do_not_get_through(visit: Open) -> None:
    scene = scenes.two_rows()
    scene.has_events = False
    shown = visit(scene)
    expect(shown.page.locator("#live")).to_have_text("Live, every 5 s")
    a_new_trade(scene)
    shown.desk.tell()
    expect(shown.row("13-14")).to_contain_text("-18.50")


def test_an_error_is_a_sentence_and_mends_itself(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    shown.desk.scene.failure = FAILED
    shown.desk.tell()
    alert = shown.page.get_by_role("alert")
    expect(alert).to_contain_text("The database does not answer at the moment. What you see is as of 13:34:2")
    expect(alert).to_contain_text("The page tries again by itself")
    expect(shown.row("12-13")).to_contain_text("+0.40")
    shown.desk.scene.failure = None
    a_new_trade(shown.desk.scene)
    expect(shown.row("13-14")).to_contain_text("-18.50")
    expect(alert).to_be_empty()


def test_a_server_that_goes_away_is_noticed_without_news(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    expect(shown.page.locator("#live")).to_have_text("Live")
    shown.desk.scene.failure = FAILED
    shown.desk.scene.has_events = False
    with shown.desk.news:
        shown.desk.news.notify_all()  # ends the streams that are open
    expect(shown.page.locator("#live")).to_have_text("Not connected")
    expect(shown.page.get_by_role("alert")).to_contain_text("What you see is as of 13:34")
    shown.desk.scene.failure, shown.desk.scene.has_events = None, True
    expect(shown.page.get_by_role("alert")).to_be_empty()
    expect(shown.page.locator("#live")).to_contain_text("Live")


def test_a_stream_that_ends_is_followed_by_the_next(visit: Open) -> None:
    scene = scenes.two_rows()
    shown = visit(scene, ready=False)
    shown.desk.stream_seconds = 0.5
    states = "window.states = []; new MutationObserver(() => window.states.push(document.getElementById('live')"
    shown.page.evaluate(
        states + ".textContent)).observe(document.getElementById('live'), { childList: true, subtree: true,"
        " characterData: true })"
    )
    while calls(shown, "events") < 4:
        shown.page.wait_for_timeout(100)
    assert (calls(shown, "version"), calls(shown, "page")) == (0, 1)
    assert shown.page.evaluate("window.states") == ["Live"]
    a_new_trade(scene)
    shown.desk.tell()
    expect(shown.row("13-14")).to_contain_text("-18.50")


def test_who_reloads_again_and_again_asks_once_each_time(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    for _ in range(4):
        shown.page.reload()
        shown.page.locator("#view-desk[aria-busy=false]").wait_for(state="attached")
        expect(shown.row("12-13")).to_be_visible()
    assert calls(shown, "page") == 5
    assert calls(shown, "events") + calls(shown, "version") <= 1  # a slow machine takes a second for it


def test_a_server_that_hangs_is_told_of_within_seconds(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    expect(shown.page.locator("#live")).to_have_text("Live")
    shown.desk.is_frozen = True
    shown.page.get_by_role("combobox", name="Trader").select_option("flex_trader_2")
    alert = shown.page.get_by_role("alert")
    expect(alert).to_contain_text("The trading desk's server does not answer.", timeout=14_000)
    expect(shown.page.locator("#live")).to_have_text("Not connected")
    shown.desk.is_frozen = False
    expect(alert).to_be_empty()
    expect(shown.page.locator("#live")).to_have_text("Live")


def test_who_may_not_see_it_is_told_so_once(visit: Open) -> None:
    scene = scenes.two_rows()
    scene.failure = (403, "Your Airflow user may not see the trading desk.")
    shown = visit(scene, ready=False)
    alert = shown.page.get_by_role("alert")
    expect(alert).to_contain_text("Your Airflow user may not see the trading desk.")
    expect(alert.get_by_role("button")).to_have_count(0)
    expect(shown.page.locator("#live")).to_have_text("Not connected")
    shown.page.wait_for_timeout(3_000)
    assert calls(shown, "page") == 1


def test_an_error_from_the_beginning_mends_itself(visit: Open) -> None:
    scene = scenes.two_rows()
    scene.failure = FAILED
    shown = visit(scene, ready=False)
    expect(shown.page.get_by_role("alert")).to_contain_text(
        "The database does not answer at the moment. The page tries again"
    )
    scene.failure = None
    expect(shown.row("12-13")).to_contain_text("+0.40")


def test_numbers_of_another_choice_do_not_stay_under_an_error(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    shown.desk.scene.failure = FAILED
    shown.page.get_by_role("combobox", name="Trader").select_option("flex_trader_2")
    expect(shown.page.get_by_role("alert")).to_contain_text("The database does not answer")
    expect(shown.page.locator("#content")).to_be_hidden()


def test_what_will_not_mend_itself_is_asked_once(visit: Open) -> None:
    scene = scenes.two_rows()
    scene.failure, scene.failing = (400, "day must be a day like 2026-03-01, not '1999-01-01'."), ("page",)
    shown = visit(scene, "?day=1999-01-01")
    expect(shown.page.get_by_role("alert")).to_have_text(
        re.compile("day must be a day like 2026-03-01, not '1999-01-01'.$")
    )
    shown.page.wait_for_timeout(3_000)
    assert calls(shown, "page") == 1


def test_the_end_of_the_login_is_told(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    shown.desk.scene.failure = (401, "Not authenticated")
    shown.desk.tell()
    expect(shown.page.get_by_role("alert")).to_contain_text("Your login has ended.")
    address = shown.page.url
    shown.page.get_by_role("button", name="Log in again").click()
    expect(shown.page).to_have_title("elsewhere")
    assert shown.page.url == f"{shown.desk.origin}/api/v2/auth/login?{urlencode({'next': address})}"


def test_troubles_come_and_go_in_words(visit: Open) -> None:
    shown = visit(scenes.provider_down())
    troubles = shown.page.locator("#troubles .banner")
    expect(troubles).to_have_count(2)
    expect(troubles.first).to_contain_text("The price provider does not answer")
    expect(troubles.first.locator("time")).to_have_text("since 13:11")
    shown.desk.scene.status["troubles"] = []
    shown.desk.tell()
    expect(troubles).to_have_count(0)


def test_a_hidden_page_keeps_no_connection(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    expect(shown.page.locator("#live")).to_have_text("Live")
    hide = """isHidden => {
        Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    }"""
    shown.page.evaluate(hide, True)
    a_new_trade(shown.desk.scene)
    shown.desk.tell()
    shown.page.wait_for_timeout(500)
    assert calls(shown, "page") == 1
    shown.page.evaluate(hide, False)
    expect(shown.row("13-14")).to_contain_text("-18.50")


def test_today_moves_on_at_midnight(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    expect(shown.page.locator("#heading")).to_contain_text("Today, Wed, 25 Nov 2026")
    shown.desk.scene.now = NOW + timedelta(days=1)
    shown.desk.tell()
    expect(shown.page.locator("#heading")).to_contain_text("Today, Thu, 26 Nov 2026")
    expect(shown.page.locator("#day")).to_have_value("2026-11-26")


def test_a_page_that_lost_a_file_on_the_way_is_loaded_again(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    shown.page.route("**/js/table.js", lambda route: route.abort("connectionreset"), times=1)
    shown.page.reload()
    expect(shown.page.get_by_role("alert")).to_contain_text("The page did not arrive whole.")
    expect(shown.row("12-13")).to_be_visible()
    expect(shown.page.get_by_role("alert")).to_be_empty()
    shown.complaints.clear()  # of the file that was lost
