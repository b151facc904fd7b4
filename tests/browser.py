"""A real Chromium for the tests that look at a page, and what it complained about."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

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

expect.set_options(timeout=15_000)


def installed() -> str | None:
    """Path of the browser that is installed."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the installed browser; without one, tests are skipped, but not on CI."""
    path = installed()
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


def listen(page: Page, complaints: list[str], expected: tuple[str, ...] = ()) -> None:
    """Notes what scripts fail with and what the console warns of, but for texts with something expected."""

    def said(message: ConsoleMessage) -> None:
        is_expected = any(text in message.text for text in expected)
        if message.type in ("error", "warning") and not is_expected:
            complaints.append(f"{message.text} ({message.location['url']})")

    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", said)
