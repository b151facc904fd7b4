"""Pictures of the page in each of its states; `python -m tests.dashboard.screenshots FOLDER [STATE …]`."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.dashboard import scenes
from tests.dashboard.conftest import ARGUMENTS, NAMES
from tests.dashboard.fake_server import fake_desk
from tests.dashboard.scenes import MARCH_CHANGE, OCTOBER_CHANGE, Scene

DARK = {"color_scheme": "dark"}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}

STATES: dict[str, tuple[Callable[[], Scene], str, dict[str, Any]]] = {
    "light": (scenes.busy_day, "", {}),
    "dark": (scenes.busy_day, "", DARK),
    "phone": (scenes.incomplete_hours, "", PHONE),
    "one-trader": (scenes.two_rows, "?trader=flex_trader_1", {}),
    "empty": (scenes.nothing_yet, "", {}),
    "provider-down": (scenes.provider_down, "", {}),
    "incomplete-hours": (scenes.incomplete_hours, "", {}),
    "fifteen-traders": (
        lambda: scenes.busy_day(scenes.FIFTEEN_TRADERS),
        "",
        {"viewport": {"width": 1360, "height": 1480}},
    ),
    "march-change": (scenes.busy_day, f"?day={MARCH_CHANGE}", {}),
    "october-change": (scenes.busy_day, f"?day={OCTOBER_CHANGE}", {}),
    "server-error": (scenes.busy_day, "", {}),
    "health": (scenes.busy_day, "?view=health", {}),
}


def main(folder: Path, states: list[str]) -> None:
    """Writes one PNG a state: of those that are named, or of all."""
    folder.mkdir(parents=True, exist_ok=True)
    chromium = next(found for name in NAMES if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for state in states or STATES:
            make, path, options = STATES[state]
            with fake_desk(make()) as desk:
                look = {"viewport": {"width": 1360, "height": 900}, "locale": "en-GB"} | options
                page = browser.new_context(**look).new_page()
                page.goto(desk.url + path)
                page.locator("#live[data-state=live]").wait_for()
                page.locator("#view-desk[aria-busy=false]").wait_for(state="attached")
                if state == "server-error":
                    desk.scene.failure = (503, "The database does not answer at the moment.")
                    desk.tell()
                    page.locator("#error .banner").wait_for()
                page.wait_for_timeout(300)  # what is drawn is drawn
                page.screenshot(path=folder / f"{state}.png")
                page.context.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
