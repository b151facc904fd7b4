"""Pictures of the page in each of its states; `python -m tools.screenshots.page FOLDER [STATE …]`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import ARGUMENTS, installed
from tests.dashboard.fake_server import FakeDesk, fake_desk
from tests.dashboard.states import STATES


def take(
    browser: Browser, url: str, file: Path, prepare: Callable[[Page], Any] | None = None, **look: Any
) -> None:
    """A picture of what an address shows when all of it has come.

    Args:
        browser: Any.
        url: Of the page.
        file: A PNG; is replaced.
        prepare: What is done with the page before.
        look: Options of the browser's context: size, colours, locale, cookies by `storage_state`.
    """
    context = browser.new_context(**{"viewport": {"width": 1360, "height": 900}, "locale": "en-GB"} | look)
    page = context.new_page()
    page.goto(url)
    # a busy server is asked again later; a moment of the past does not show that the page is live
    page.locator("#live[data-state=live]").wait_for(state="attached", timeout=90_000)
    page.locator("#view-desk[aria-busy=false]").wait_for(state="attached")
    if prepare is not None:
        prepare(page)
    page.wait_for_timeout(300)  # what is drawn is drawn
    page.screenshot(path=file)
    context.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """The installed browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(), args=ARGUMENTS)
        yield browser
        browser.close()


def main(folder: Path, states: list[str]) -> None:
    """Writes one PNG per state: of those that are named, or of all."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for state in states or STATES:
            make, path, look = STATES[state]
            with fake_desk(make()) as desk:
                fails = partial(fail, desk) if state == "server-error" else None
                take(browser, desk.url + path, folder / f"{state}.png", fails, **look)


def fail(desk: FakeDesk, page: Page) -> None:
    """The database goes away while the page is open."""
    desk.scene.failure = (503, "The database does not answer at the moment.")
    desk.tell()
    page.locator("#error .banner").wait_for()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
