"""axe-core's rules on each state of the page, in light, dark and on a phone, and what rules cannot see."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.dashboard import scenes
from tests.dashboard.conftest import Open, Visit
from tests.dashboard.scenes import MARCH_CHANGE, Scene
from tests.dashboard.states import MESSAGE

PHONE = {"viewport": {"width": 390, "height": 844}}
RULES = {
    "resultTypes": ["violations"],  # without the places of all that is right, which take longer than the rest
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
}

STATES: dict[str, tuple[Callable[[], Scene], str]] = {
    "a busy day": (scenes.busy_day, ""),
    "one trader": (scenes.two_rows, "?trader=flex_trader_1"),
    "nothing yet": (scenes.nothing_yet, ""),
    "provider down": (scenes.provider_down, ""),
    "incomplete hours": (scenes.incomplete_hours, ""),
    "a change day": (scenes.busy_day, f"?day={MARCH_CHANGE}"),
    "a moment of the past": (scenes.busy_day, "?as_of=2026-11-25T10:00:00Z"),
    "an hour": (scenes.lively_hour, "?hour=15-16"),
    "an hour without trades": (scenes.lively_hour, ""),
    "a sorted table": (scenes.busy_day, "?sort.hours=-pnl_eur&filter.hours=final"),
    "a message": (scenes.lively_hour, MESSAGE),
    "a range": (scenes.ranges, "?view=range"),
    "a month": (scenes.ranges, "?view=range&from=2026-10-01&to=2026-10-31"),
    "a range of a trader": (scenes.ranges, "?view=range&trader=flex_trader_2"),
    "a range without trades": (scenes.nothing_yet, "?view=range"),
    "health": (scenes.busy_day, "?view=health"),
}


def violations(shown: Visit) -> list[str]:
    # unfolded text and lit cells are part of what people read
    shown.page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
    results = Axe().run(shown.page, options=RULES)
    return [
        f"{found['impact']} {found['id']}: {found['help']}: {[node['html'][:120] for node in found['nodes']]}"
        for found in results.response["violations"]
    ]


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(visit: Open, state: str) -> None:
    """Nor on a page that becomes as narrow as a phone."""
    make, path = STATES[state]
    shown = visit(make(), path, color_scheme="light")
    expect(shown.page.locator("#live")).to_have_text("Live")
    assert violations(shown) == []
    shown.page.set_viewport_size(PHONE["viewport"])
    assert violations(shown) == []


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_in_the_dark_and_in_german(visit: Open, state: str) -> None:
    make, path = STATES[state]
    shown = visit(make(), path, color_scheme="dark", locale="de-DE")
    expect(shown.page.locator("#live")).to_have_text("Live")
    assert violations(shown) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_under_an_error(visit: Open, scheme: str) -> None:
    shown = visit(scenes.busy_day(), color_scheme=scheme)
    shown.desk.scene.failure = (503, "The database does not answer at the moment.")
    shown.desk.tell()
    expect(shown.page.get_by_role("alert")).not_to_be_empty()
    assert violations(shown) == []


def test_axe_would_find_something(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    shown.page.evaluate(
        "document.getElementById('trader').parentElement.replaceWith(document.getElementById('trader'))"
    )
    assert any("select-name" in found for found in violations(shown))


def test_tables_are_tables(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    table = shown.page.get_by_role(
        "table", name="PnL of the whole portfolio by delivery hour, Wed, 25 Nov 2026"
    )
    expect(table.get_by_role("rowheader", name="12-13")).to_have_count(1)
    expect(table.get_by_role("columnheader", name="How are we doing")).to_have_count(1)


def test_each_picture_has_words(visit: Open) -> None:
    shown = visit(scenes.busy_day())
    pictures = shown.page.locator("[role=img]")
    expect(pictures).to_have_count(5)
    for number in range(5):
        sentence = shown.page.locator(".picture .sentence").nth(number).inner_text()
        assert sentence.endswith(".")
        expect(pictures.nth(number)).to_have_accessible_description(sentence)


def test_focus_is_seen_wherever_tab_leads(visit: Open) -> None:
    shown = visit(scenes.two_rows())
    outline = """() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return [document.activeElement.id, outlineStyle, parseFloat(outlineWidth)];
    }"""
    seen = []
    for _ in range(30):  # a date and a moment have a stop for each of their parts
        shown.page.keyboard.press("Tab")
        name, style, width = shown.page.evaluate(outline)
        seen.append(name)
        assert style != "none", name
        assert width >= 2, name
    assert {"tab-desk", "trader", "day-before", "day", "day-after", "all-columns", "csv", "hours"} <= set(seen)


@pytest.mark.parametrize(
    ("locale", "columns"),
    [
        ("en-GB", ("Our average price", "Reference price", "How are we doing", "PnL")),
        ("de-DE", ("Unser Ø-Preis", "Referenzpreis", "Wie stehen wir?", "PnL")),
    ],
)
def test_a_phone_needs_no_sideways_scrolling_of_the_page(
    visit: Open, locale: str, columns: tuple[str, ...]
) -> None:
    for path in ("?view=range", "?view=health", ""):
        shown = visit(scenes.incomplete_hours(), path, locale=locale, **PHONE)
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= 390
    for column in columns:
        box = shown.page.locator("#hours-table").get_by_role("columnheader", name=column).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 390, column
