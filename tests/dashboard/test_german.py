"""The page in German: who gets it, how numbers and dates are written, and that no English is left."""

import pytest
from playwright.sync_api import expect

from tests.dashboard import scenes
from tests.dashboard.conftest import Open


@pytest.mark.parametrize(
    ("locale", "language"),
    [("de-DE", "de"), ("de-AT", "de"), ("en-GB", "en"), ("en-US", "en"), ("fr-FR", "en")],
)
def test_the_browser_decides(visit: Open, locale: str, language: str) -> None:
    shown = visit(scenes.two_rows(), locale=locale)
    expect(shown.page.locator("html")).to_have_attribute("lang", language)
    assert shown.desk.languages == {language}


def test_numbers_and_dates_in_german(visit: Open) -> None:
    scene = scenes.two_rows()
    rows = scenes.traders_dashboard()
    rows[0] |= {"pnl_eur": "1234567.895"}
    scene.rows = lambda day, trader: rows
    shown = visit(scene, locale="de-DE")
    expect(shown.page.locator("#heading")).to_contain_text("Mi., 25.11.2026")
    assert "+1.234.567,90" in shown.row("12-13").inner_text()


def test_a_chosen_language_stays(visit: Open) -> None:
    shown = visit(scenes.two_rows(), "?trader=flex_trader_1")
    html = shown.page.locator("html")
    expect(html).to_have_attribute("lang", "en")
    shown.desk.languages.clear()
    shown.page.get_by_role("button", name="Deutsch").click()
    expect(html).to_have_attribute("lang", "de")
    expect(shown.page.locator("#heading")).to_contain_text("Mi., 25.11.2026")
    assert "+4,00" in shown.row("12-13").inner_text()
    assert shown.page.url.endswith("?trader=flex_trader_1")
    assert shown.desk.languages == {"de"}
    shown.page.reload()
    expect(html).to_have_attribute("lang", "de")
    shown.page.get_by_role("button", name="English").click()
    expect(html).to_have_attribute("lang", "en")


def test_english_in_a_german_browser_has_english_numbers(visit: Open) -> None:
    shown = visit(scenes.two_rows(), locale="de-DE")
    shown.page.get_by_role("button", name="English").click()
    expect(shown.page.locator("#heading")).to_contain_text("Wed, 25 Nov 2026")
    assert "+4.00" in shown.row("12-13").inner_text()


def test_a_browser_that_keeps_nothing_still_has_a_language(visit: Open) -> None:
    forbid = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden'); } });"
    shown = visit(scenes.two_rows(), locale="de-DE", script=forbid)
    expect(shown.page.locator("html")).to_have_attribute("lang", "de")
    shown.page.get_by_role("button", name="English").click()
    expect(shown.page.locator("html")).to_have_attribute("lang", "de")


def test_lost_texts_leave_an_english_page(visit: Open) -> None:
    shown = visit(scenes.two_rows(), locale="de-DE", ready=False)
    shown.page.route("**/german.js", lambda route: route.abort())
    shown.page.reload()
    expect(shown.page.locator("#heading")).to_contain_text("Whole portfolio")
    expect(shown.page.locator("html")).to_have_attribute("lang", "en")
