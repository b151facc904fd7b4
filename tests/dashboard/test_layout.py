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


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
@pytest.mark.parametrize("width", [1340, 1100, 768, 390])
def test_both_files_are_side_by_side(visit: Open, locale: str, width: int) -> None:
    shown = visit(scenes.busy_day(), locale=locale, viewport={"width": width, "height": 900})
    csv, xlsx = (shown.page.locator(f"#{name}").bounding_box() for name in ("csv", "xlsx"))
    assert csv is not None
    assert xlsx is not None
    assert xlsx["y"] == csv["y"]
    assert 0 < xlsx["x"] - (csv["x"] + csv["width"]) < 20


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
