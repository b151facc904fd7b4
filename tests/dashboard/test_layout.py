"""The page is as long as what it shows, in each of its states."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.dashboard import scenes
from tests.dashboard.conftest import Open
from tests.dashboard.states import CONTENTS, PHONE


def excess(page: Page) -> tuple[int, int]:
    """By how many pixels the page scrolls further, downwards and sideways, than there is something to see."""
    page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
    down, aside = page.evaluate(
        """() => {
            const { scrollHeight, scrollWidth, clientHeight, clientWidth } = document.documentElement;
            const bottom = document.querySelector("main").getBoundingClientRect().bottom + scrollY;
            return [scrollHeight - Math.max(bottom, clientHeight), scrollWidth - clientWidth];
        }"""
    )
    return round(down), round(aside)


SEEN = """([table, heading]) => {
    const heads = [...document.querySelectorAll(`${table} thead th`)];
    const at = heads.findIndex((head) => head.textContent.startsWith(heading));
    const box = heads[at].closest(".scroll").getBoundingClientRect();
    const range = document.createRange();
    return [...document.querySelectorAll(`${table} tbody tr, ${table} tfoot tr`)]
        .map((row) => row.children[at])
        .filter(Boolean)
        .map((cell) => (range.selectNodeContents(cell), range.getBoundingClientRect().right - box.right));
}"""
"""By how many pixels each cell below a heading is cut."""


@pytest.mark.parametrize(("locale", "note"), [("en-GB", "Note"), ("de-DE", "Hinweis")])
def test_pnl_and_notes_of_the_hours_are_in_sight(visit: Open, locale: str, note: str) -> None:
    page = visit(scenes.large_numbers(), locale=locale).page
    # 1374 px: 1440 px without the navigation of Airflow
    for width, last in ((1440, note), (1374, note), (1240, "PnL"), (390, "PnL")):
        page.set_viewport_size({"width": width, "height": 900})
        cut = page.evaluate(SEEN, ["#hours-table", last])
        assert len(cut) == 25
        assert max(cut) <= 0, width


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_pnl_of_trades_and_best_hours_is_in_sight_on_a_phone(visit: Open, locale: str) -> None:
    hour = visit(scenes.large_numbers(), "?hour=15-16", **PHONE | {"locale": locale}).page
    hour.locator("section.trades tbody tr").first.wait_for()
    assert max(hour.evaluate(SEEN, ["section.trades", "PnL"])) <= 0
    path = "?view=range&from=2026-11-16&to=2026-11-24"
    page = visit(scenes.large_numbers(), path, **PHONE | {"locale": locale}).page
    for table in ("#range-best", "#range-worst"):
        page.locator(f"{table} tbody tr").first.wait_for()
        assert max(page.evaluate(SEEN, [table, "PnL"])) <= 0


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_both_files_are_side_by_side(visit: Open, locale: str) -> None:
    page = visit(scenes.busy_day(), locale=locale).page
    for width in (1340, 1100, 768, 390):
        page.set_viewport_size({"width": width, "height": 900})
        csv, xlsx = (page.locator(f"#{name}").bounding_box() for name in ("csv", "xlsx"))
        assert csv is not None
        assert xlsx is not None
        assert xlsx["y"] == csv["y"], width
        assert 0 < xlsx["x"] - (csv["x"] + csv["width"]) < 20, width


# German has the longer words
@pytest.mark.parametrize("look", [{}, PHONE | {"locale": "de-DE"}], ids=["screen", "german phone"])
@pytest.mark.parametrize("state", CONTENTS)
def test_the_page_ends_where_its_content_ends(visit: Open, state: str, look: dict[str, Any]) -> None:
    make, path, options = CONTENTS[state]
    shown = visit(make(), path, **(options | look))
    shown.page.locator("#all-columns").evaluate("box => box.click()")
    down, aside = excess(shown.page)
    assert down <= 1
    assert aside <= 0
