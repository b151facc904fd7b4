"""A real Chromium before the page, with invented data behind it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.dashboard.fake_server import FakeDesk, fake_desk
from tests.dashboard.scenes import Scene

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_EXPECTED = ("Failed to load resource", "can escape its sandboxing")
"""What a browser says of answers that tests make the server give, and of Airflow's own frame."""

expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the installed browser; without one, tests are skipped, but not on CI."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        reason = f"no browser is installed: none of {', '.join(NAMES)} is on the PATH"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser a module: Playwright's loop runs as long, and other modules have loops of their own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page that is open, the server behind it, and what the browser complained about."""

    page: Page
    desk: FakeDesk
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)

    def _said(self, message: ConsoleMessage) -> None:
        is_expected = any(text in message.text for text in _EXPECTED)
        if message.type in ("error", "warning") and not is_expected:
            self.complaints.append(message.text)

    def row(self, hour: str) -> Any:
        """The line of a delivery hour."""
        return self.page.locator("#hours-table tbody tr").filter(
            has=self.page.locator(f"th time:text-is('{hour}')")
        )

    def cells(self, hour: str) -> dict[str, str]:
        """What a line shows, by the heading of each column."""
        headings = self.page.locator("#hours-table thead th").evaluate_all(
            "cells => cells.map(cell => (cell.querySelector('span') ?? cell).textContent)"
        )
        texts = self.row(hour).locator("th, td").all_inner_texts()
        return dict(zip(headings, (text.strip() for text in texts), strict=True))


Open = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Opens the page of a scene: `visit(scene, "?day=…", locale="de-DE")`; no complaint may be left."""
    visits: list[Visit] = []
    with ExitStack() as stack:

        def open_page(
            scene: Scene, path: str = "", *, framed: bool = False, ready: bool = True, **options: Any
        ) -> Visit:
            desk = stack.enter_context(fake_desk(scene))
            settings = {
                "locale": "en-GB",
                "timezone_id": "America/New_York",
                "viewport": {"width": 1360, "height": 900},
            }
            context = browser.new_context(**(settings | options))
            stack.callback(context.close)
            one = Visit(context.new_page(), desk, context)
            visits.append(one)
            one.listen(one.page)
            one.page.set_default_timeout(15_000)
            one.page.goto(f"{desk.origin}/frame{path}" if framed else desk.url + path)
            if ready and not framed:
                one.page.locator("#view-desk[aria-busy=false]").wait_for(state="attached")
            return one

        yield open_page
        assert [one.complaints for one in visits] == [[] for _ in visits]
