"""A real Chromium before the page, with invented data behind it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import browser as browser
from tests.browser import chromium as chromium
from tests.browser import listen
from tests.dashboard.fake_server import FakeDesk, fake_desk
from tests.dashboard.page import cells, row
from tests.dashboard.scenes import Scene

_EXPECTED = ("Failed to load resource", "can escape its sandboxing")
"""What a browser says of answers that tests make the server give, and of Airflow's own frame."""


@dataclass
class Visit:
    """A page that is open, the server behind it, and what the browser complained about."""

    page: Page
    desk: FakeDesk
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        listen(page, self.complaints, _EXPECTED)

    def row(self, hour: str) -> Any:
        """The line of a delivery hour."""
        return row(self.page, hour)

    def cells(self, hour: str) -> dict[str, str]:
        """What a line shows, by the heading of each column."""
        return cells(self.page, hour)


Open = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Opens the page of a scene: `visit(scene, "?day=…", locale="de-DE")`; no complaint may be left.

    `files` are modules in place of the page's own.
    """
    visits: list[Visit] = []
    with ExitStack() as stack:

        def open_page(
            scene: Scene,
            path: str = "",
            *,
            framed: bool = False,
            ready: bool = True,
            script: str = "",
            files: dict[str, str] | None = None,
            **options: Any,
        ) -> Visit:
            desk = stack.enter_context(fake_desk(scene))
            settings = {
                "locale": "en-GB",
                "timezone_id": "America/New_York",
                "viewport": {"width": 1360, "height": 900},
            }
            context = browser.new_context(**(settings | options))
            stack.callback(context.close)
            if script:
                context.add_init_script(script)
            one = Visit(context.new_page(), desk, context)
            visits.append(one)
            one.listen(one.page)
            one.page.set_default_timeout(15_000)
            for name, body in (files or {}).items():
                _replace(one.page, name, body)
            one.page.goto(f"{desk.origin}/frame{path}" if framed else desk.url + path)
            if ready and not framed:
                one.page.locator("#view-desk[aria-busy=false]").wait_for(state="attached")
            return one

        yield open_page
        assert [one.complaints for one in visits] == [[] for _ in visits]


def _replace(page: Page, name: str, body: str) -> None:
    page.route(f"**/{name}", lambda route: route.fulfill(body=body, content_type="text/javascript"))
