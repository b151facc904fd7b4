"""The page in German: who gets it, how numbers and dates are written, and that no English is left."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.dashboard import scenes
from tests.dashboard.conftest import Open, Visit
from tests.dashboard.fake_server import PAGE
from tests.dashboard.scenes import NOW, Scene
from tests.dashboard.states import CONTENTS


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
    shown.page.get_by_role("button", name="Deutsch").click()
    expect(html).to_have_attribute("lang", "de")
    expect(shown.page.locator("#heading")).to_contain_text("Mi., 25.11.2026")
    assert "+4,00" in shown.row("12-13").inner_text()
    assert shown.page.url.endswith("?trader=flex_trader_1")
    shown.desk.languages.clear()  # the page before it may have asked in English until now
    shown.page.reload()
    expect(html).to_have_attribute("lang", "de")
    expect(shown.page.locator("#heading")).to_contain_text("Mi., 25.11.2026")
    assert shown.desk.languages == {"de"}
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


LITERAL = r'"((?:[^"\\]|\\.)*)"'
SOURCES = {file.name: file.read_text("utf-8") for file in sorted(PAGE.glob("js/*.js"))}
TABLES = [name for name in SOURCES if name.startswith("german")]
GERMAN = {
    english: german
    for name in TABLES
    for english, german in re.findall(rf"^  {LITERAL}:\s+{LITERAL},$", SOURCES[name], re.MULTILINE)
}
FIELD = re.compile(r"\{\w+\}")


def said() -> set[str]:
    """Texts that the modules translate."""
    found: set[str] = set()
    for name, source in SOURCES.items():
        code = re.sub(r"^\s*(//|/\*\*|\*).*$", "", source, flags=re.MULTILINE)
        if name not in TABLES:
            found |= set(re.findall(rf"\b(?:t|parts)\(\s*{LITERAL}", code))
            found |= {
                each for two in re.findall(rf"\bplural\(\s*[^\"]*?{LITERAL},\s*{LITERAL}", code) for each in two
            }
    return found


def headings() -> set[str]:
    """Of columns of the view Health that are called by their names."""
    names = set(re.findall(r'"([a-z_]+)"', SOURCES["health.js"]))
    return {re.sub(r"^is_|_seconds$|_at$", "", name).replace("_", " ") for name in names}


def test_each_text_has_a_german_one_and_none_is_left_over() -> None:
    assert len(GERMAN) > 250
    assert said() - set(GERMAN) == set()
    assert set(GERMAN) - said() - headings() == set()


def test_both_have_the_same_fields() -> None:
    for english, german in GERMAN.items():
        assert sorted(FIELD.findall(english)) == sorted(FIELD.findall(german)), english


def test_each_table_has_a_text_once() -> None:
    lines = [line for name in TABLES for line in SOURCES[name].splitlines() if re.match(rf"  {LITERAL}:", line)]
    assert len(lines) == len(GERMAN)


COLLECT = """() => {
    const texts = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const { data, parentElement } = walker.currentNode;
        const isBroken = parentElement.querySelector(":scope > wbr") !== null;
        const text = isBroken ? parentElement.textContent : data;
        if (!parentElement.closest("script, noscript, style, [lang=en]")) texts.push(text);
    }
    for (const element of document.body.querySelectorAll("*"))
        for (const name of ["title", "aria-label", "placeholder"])
            if (element.hasAttribute(name)) texts.push(element.getAttribute(name));
    return texts.map((text) => text.trim()).filter(Boolean);
}"""
UNITS = {"EUR", "MWh", "MW", "PnL", "UTC", "CSV", "XLSX", "DAG", "min"}
MONTHS = "Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
DATE = re.compile(
    rf"\b(?:(?:Mo|Di|Mi|Do|Fr|Sa|So)\., (?=\d)|(?:{MONTHS}) (?=\d{{4}})|(?:Jan|Feb|Apr|Aug|Sept|Okt|Nov|Dez)\.)"
)
"""As Intl writes dates in German."""


def pseudo_tables() -> str:
    """The German table with its letters as one that nobody uses: what is left in Latin letters is English."""
    pairs = {
        english: "".join(
            part if FIELD.fullmatch(part) else re.sub(r"[^\W\d]", "ж", part)
            for part in re.split(r"(\{\w+\})", german)
        )
        for english, german in GERMAN.items()
    }
    return "export const GERMAN = {" + ",".join(f"{_js(each)}: {_js(pairs[each])}" for each in pairs) + "};"


def _js(text: str) -> str:
    # keys are as they stand in the source, escapes included
    return f'"{text}"'


def texts_of(value: Any) -> set[str]:
    """All texts in an answer."""
    if isinstance(value, dict):
        return set().union(*map(texts_of, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(texts_of, value)) if value else set()
    return {value} if isinstance(value, str) and re.search("[A-Za-z]", value) else set()


def english_left(shown: Visit, *known: str) -> list[str]:
    """Texts of the page that are neither from the German table nor from the server."""
    data = {text for answer in shown.desk.answers for text in texts_of(answer)} | {*known}
    in_parts = sorted(data, key=len, reverse=True)

    def is_left(text: str) -> bool:
        if any(text in each for each in data if " " in each):
            return False
        for each in in_parts:
            if each in text:
                text = re.sub(rf"(?<!\w){re.escape(each)}(?!\w)", " ", text)
        text = DATE.sub("", text)
        return bool(set(re.findall(r"[A-Za-z]{2,}", text)) - UNITS)

    return sorted({text for text in shown.page.evaluate(COLLECT) if is_left(text)})


def show_in_pseudo(visit: Open, scene: Scene, path: str = "", **options: Any) -> Visit:
    shown = visit(scene, path, locale="de-DE", files={"german.js": pseudo_tables()}, **options)
    shown.page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
    return shown


def others() -> dict[str, tuple[Callable[[], Scene], str]]:
    """States in which other texts are shown than in those that are photographed."""

    def later(hours: int) -> Callable[[], Scene]:
        return lambda: Scene(rows=lambda day, trader: [], now=NOW - timedelta(hours=hours))

    def several_markets() -> Scene:
        scene = scenes.busy_day()
        scene.markets = ["DE", "FI"]
        numbers = {"trade_count": 7, "missing_price_count": 1, "is_complete": False}
        energies = {"buy_mwh": "1.5", "sell_mwh": "4", "net_position_mwh": "-2.5"}
        scene.by_market = [
            {"market": name, "pnl_eur": None, "priced_pnl_eur": "1", **numbers, **energies}
            for name in ("DE", None)
        ]
        return scene

    def unpriced() -> Scene:
        scene = scenes.two_rows()
        rows = [
            row
            | {"price_status": "missing", **dict.fromkeys(("pnl_eur", "performance_eur_per_mwh", REFERENCE))}
            for row in scenes.traders_dashboard()
        ]
        scene.rows, scene.history = (lambda day, trader: rows), []
        return scene

    def sick() -> Scene:
        scene = scenes.busy_day()
        scene.health["ledger"]["lines"] += 1
        scene.health["alarms"] = [
            {
                "alarm": "x",
                "severity": "critical",
                "since_at": scenes.stamp(NOW),
                "raised_at": None,
                "detail": "y",
            }
        ]
        scene.health["orphan_cancellations"] = [
            {
                "trade_id": "t_1",
                "direction": "sell",
                "revision": 1,
                "received_at": scenes.stamp(NOW),
                "landing_file": scenes.LANDING_FILE,
                "line_number": 3,
            }
        ]
        return scene

    def quiet() -> Scene:
        scene = scenes.busy_day()
        scene.health = {}
        return scene

    def old_news() -> Scene:
        scene = scenes.busy_day()
        scene.status |= {"next_publication_at": scenes.stamp(NOW - timedelta(seconds=20))}
        scene.history = scene.history[:1]
        return scene

    return {
        "today without trades": (later(0), ""),
        "today without trades of a trader": (later(0), "?trader=flex_trader_1"),
        "yesterday without trades": (later(0), "?day=2026-11-24"),
        "yesterday without trades of a trader": (later(0), "?day=2026-11-24&trader=flex_trader_1"),
        "tomorrow, not open": (later(10), "?day=2026-11-26"),
        "tomorrow, open": (later(-8), "?day=2026-11-26"),
        "in a week": (later(0), "?day=2026-12-02"),
        "nothing at a moment": (later(0), "?as_of=2026-11-25T10:00:00Z"),
        "several markets": (several_markets, ""),
        "no price": (unpriced, ""),
        "two days reconciled": (lambda: scenes.reconciled_day("reconciled"), ""),
        "unreadable lines": (lambda: scenes.reconciled_day("rejects"), ""),
        "health, sick": (sick, "?view=health"),
        "health, quiet": (quiet, "?view=health"),
        "old news": (old_news, ""),
        "a range of one day": (scenes.ranges, "?view=range&from=2026-11-24&to=2026-11-24"),
        "a range of a year": (scenes.ranges, "?view=range&from=2026-01-01&to=2026-12-31"),
        "a range with a change of the clocks": (scenes.ranges, "?view=range&from=2026-10-20&to=2026-11-02"),
        "a range long ago": (scenes.busy_day, "?view=range&from=2025-01-06&to=2025-01-12"),
        "an empty hour": (scenes.busy_day, "?hour=03-04"),
        "a message that is gone": (scenes.lively_hour, f"?message={scenes.LANDING_FILE}:1"),
    }


REFERENCE = "reference_price_eur_per_mwh"
ALL = {name: (make, path) for name, (make, path, _) in CONTENTS.items()} | others()


@pytest.mark.parametrize("state", ALL)
def test_no_english_is_left(visit: Open, state: str) -> None:
    make, path = ALL[state]
    shown = show_in_pseudo(visit, make(), path)
    expect(shown.page.locator("#live")).to_contain_text("ж")
    left = english_left(shown)
    for drawing in shown.page.locator(".drawing").all():
        if drawing.is_visible() and "message" not in path and "hour" not in path:
            drawing.hover()
            left += english_left(shown)
    assert left == []


def test_no_english_is_left_when_the_server_is_away(visit: Open) -> None:
    shown = show_in_pseudo(visit, scenes.busy_day())
    shown.desk.scene.failure = (502, "")
    shown.desk.tell()
    expect(shown.page.locator("#error")).to_contain_text("502")
    assert english_left(shown) == []
    shown.desk.scene.failure = (401, "")
    shown.desk.tell()
    expect(shown.page.get_by_role("alert").get_by_role("button")).to_be_visible()
    assert english_left(shown) == []


def test_a_sentence_of_the_server_is_found(visit: Open) -> None:
    """What the walk would find: a text that is in no table."""
    shown = show_in_pseudo(visit, scenes.two_rows())
    shown.page.evaluate("document.getElementById('heading').append('Loading')")
    assert english_left(shown) != []
