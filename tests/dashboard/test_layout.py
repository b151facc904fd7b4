"""The page is as long as what it shows, in each of its states."""

from typing import Any

import pytest
from playwright.sync_api import Page

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
