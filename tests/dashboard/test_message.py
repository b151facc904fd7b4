"""From a number to its trades, from a reason to the message as it arrived; moments of the past by a field."""

from datetime import datetime
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from tests.dashboard import scenes
from tests.dashboard.conftest import Open
from tests.dashboard.scenes import LANDING_FILE
from tests.dashboard.states import MESSAGE
from tests.dashboard.test_hour import open_hour


def test_a_reason_leads_to_the_message_as_it_arrived(visit: Open) -> None:
    shown = visit(scenes.lively_hour())
    hour = open_hour(shown)
    reason = hour.get_by_role("link", name="the currency is not that of the market")
    reason.click()
    message = shown.page.get_by_role("dialog", name="The message as it arrived")
    expect(message.get_by_role("region", name="The message")).to_have_text(shown.desk.scene.messages["118"])
    expect(message).to_contain_text(f"Received 13:27:20 · line 118 of {LANDING_FILE}")
    assert shown.page.url.split("?")[1].startswith("hour=15-16&message=trades%2Fdate")
    shown.page.keyboard.press("Escape")
    expect(message).to_be_hidden()
    expect(hour).to_be_visible()
    expect(reason).to_be_focused()
    assert "message=" not in shown.page.url
    shown.page.go_back()
    expect(message).to_be_visible()
    shown.page.go_back()
    expect(message).to_be_hidden()


def test_a_moment_of_the_future_leads_back_to_now(visit: Open) -> None:
    scene = scenes.two_rows()
    scene.failure = (400, "as_of (2099-11-25T12:00:00Z) is yet to come: ask for a moment of the past.")
    shown = visit(scene, "?as_of=2099-11-25T12:00:00Z", locale="de-DE")
    alert = shown.page.get_by_role("alert")
    expect(alert).to_contain_text("Der gewählte Zeitpunkt liegt in der Zukunft.")
    expect(alert).not_to_contain_text("as_of")
    scene.failure = None
    alert.get_by_role("button", name="Zurück zu jetzt").click()
    expect(shown.row("12-13")).to_be_visible()
    expect(alert).to_be_empty()
    assert "as_of" not in shown.page.url


def test_a_trade_leads_to_its_message(visit: Open) -> None:
    shown = visit(scenes.lively_hour())
    open_hour(shown).get_by_role("link", name="q_17").click()
    message = shown.page.get_by_role("dialog", name="The message as it arrived")
    expect(message.get_by_role("region", name="The message")).to_contain_text('"id": "q_17"')
    message.get_by_role("button", name="Close").click()
    hour = shown.page.get_by_role("dialog", name="Delivery 15-16")
    hour.get_by_role("link", name="t_4711").click()
    expect(message).to_contain_text("The landing file is not on this server any more.")


def test_a_message_has_an_address_and_is_a_quotation(visit: Open) -> None:
    shown = visit(scenes.lively_hour(), MESSAGE.replace(":118", ":97"))
    region = shown.page.get_by_role("region", name="The message")
    expect(shown.page.locator("#message .hint")).to_contain_text("Received 13:27:20")
    expect(region).to_have_text("<img src=x onerror=alert(1)>")
    assert shown.page.locator("img").count() == 0
    shown.desk.tell()  # a refresh of the hour below leaves it open
    expect(region).to_be_visible()


def test_a_row_opens_its_hour_and_a_link_its_message_elsewhere(visit: Open) -> None:
    shown = visit(scenes.lively_hour())
    shown.row("15-16").locator("td").nth(5).click()
    hour = shown.page.get_by_role("dialog", name="Delivery 15-16")
    href = hour.get_by_role("link", name="q_17").get_attribute("href") or ""
    shown.page.goto(href)
    message = shown.page.get_by_role("dialog", name="The message as it arrived")
    expect(message.get_by_role("region", name="The message")).to_contain_text('"id": "q_17"')
    past = visit(scenes.lively_hour(), "?as_of=2026-11-25T10:00:00Z")
    past.row("15-16").locator("td").nth(5).click()
    expect(past.page.get_by_role("dialog")).to_have_count(0)


def test_a_message_that_cannot_be_read_says_why(visit: Open) -> None:
    scene = scenes.lively_hour()
    scene.failure, scene.failing = (400, "line must be one of the 7 lines that are loaded."), ("message",)
    shown = visit(scene, MESSAGE)
    dialog = shown.page.get_by_role("dialog", name="The message as it arrived")
    expect(dialog).to_contain_text("line must be one of the 7 lines that are loaded.")


def test_a_moment_of_the_past_is_chosen_in_market_time(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    field = shown.page.get_by_label("As of")
    expect(field).to_have_value("")
    field.fill("2026-11-25T11:00:05")
    expect(shown.page.locator("#as-of")).to_contain_text("The page as of 11:00:05")
    assert shown.page.url.endswith("?as_of=2026-11-25T10%3A00%3A05Z")
    shown.page.get_by_role("button", name="Back to now").click()
    expect(field).to_have_value("")
    shown.page.go_back()
    expect(field).to_have_value("2026-11-25T11:00:05")
    field.fill("")
    expect(shown.page.locator("#as-of")).to_have_count(0)


def test_moments_of_the_past_on_days_on_which_the_clocks_change(visit: Open) -> None:
    walls = [
        "2026-03-29T01:59:59",
        "2026-03-29T03:00:00",
        "2026-10-25T02:30:00",
        "2026-10-25T03:00:00",
        "2026-12-31T23:59:59",
    ]
    found = visit(scenes.two_rows()).page.evaluate(
        """async (walls) => {
            const { momentOf, wallText } = await import("./static/js/times.js");
            return walls.map((wall) => [momentOf(wall) / 1000, wallText(momentOf(wall))]);
        }""",
        walls,
    )
    berlin = ZoneInfo("Europe/Berlin")
    assert found == [[datetime.fromisoformat(wall).replace(tzinfo=berlin).timestamp(), wall] for wall in walls]
