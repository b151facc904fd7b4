"""Somebody with a browser before a running platform; a module has a fixture `platform` of its own."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect

from tests.browser import browser as browser
from tests.browser import chromium as chromium
from tests.browser import listen
from tests.e2e.platform import Platform
from tests.factories import Database


class Visitor:
    """Somebody with a browser of his own.

    Attributes:
        airflow: Where Airflow's UI is, with a slash at the end.
        desk: The trading desk's own address.
        context: The browser's.
        complaints: What scripts failed with and the console said.
    """

    def __init__(self, platform: Platform, context: BrowserContext) -> None:
        found = platform.wait_for(platform.credentials, 60)["airflow"]
        self.login = found["username"], found["password"]
        self.airflow = found["url"].rstrip("/") + "/"
        self.desk = self.airflow + "trading-desk/"
        self.context = context
        self.complaints: list[str] = []

    def page(self) -> Page:
        page = self.context.new_page()
        listen(page, self.complaints, ("can escape its sandboxing",))
        return page

    def log_in(self, page: Page) -> None:
        """By Airflow's own form, which must be on the page."""
        username, password = self.login
        page.fill("input[name=username]", username)
        page.fill("input[name=password]", password)
        page.click("button[type=submit]")

    def open_desk(self, address: str = "") -> Page:
        """The page in a tab of its own."""
        page = self.page()
        page.goto(self.desk + address)
        page.locator("#view-desk[aria-busy=false]").wait_for(state="attached")
        expect(page.locator("#live")).to_contain_text("Live")  # by events, or asking each 5 s
        return page

    def open_in_airflow(self, address: str = "") -> tuple[Page, Frame]:
        """Airflow's UI with the page in it."""
        page = self.page()
        page.goto(self.airflow + address)
        page.get_by_role("link", name="Trading desk").click()
        return page, framed(page)


def framed(page: Page) -> Frame:
    """The desk in Airflow's UI, when it shows something."""
    frame = page.locator("iframe").element_handle().content_frame()
    assert frame is not None
    frame.locator("#view-desk[aria-busy=false]").wait_for(state="attached")
    return frame


@pytest.fixture
def database(platform: Platform) -> Iterator[Database]:
    """The platform's warehouse."""
    with platform.database() as database:
        yield database


@pytest.fixture
def stranger(platform: Platform, browser: Browser) -> Iterator[Visitor]:
    """Not logged in."""
    with closing(browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})) as context:
        yield Visitor(platform, context)


@pytest.fixture(scope="module")
def cookies(platform: Platform, browser: Browser) -> Any:
    """Of somebody who logged in."""
    with closing(browser.new_context()) as context:
        visitor = Visitor(platform, context)
        page = visitor.page()
        page.goto(visitor.airflow)
        visitor.log_in(page)
        page.get_by_role("link", name="Trading desk").wait_for()
        return context.cookies()


@pytest.fixture
def trader(stranger: Visitor, cookies: Any) -> Iterator[Visitor]:
    """Logged in; the browser may have nothing to complain about."""
    stranger.context.add_cookies(cookies)
    yield stranger
    assert stranger.complaints == []
