"""Pictures of the trading desk on a running platform; `python -m tools.screenshots.platform FOLDER`."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from include.simulator.exchange import Exchange
from include.simulator.market import SimulatedMarket
from include.simulator.provider import Provider
from tests.dashboard.states import DARK, PHONE
from tests.e2e.platform import Platform, running_platform
from tests.factories import MARKET
from tests.messages import deal
from tools.history.line import CaptureLine
from tools.history.outages import Outage
from tools.screenshots.page import chromium, take

TRADERS = 15
MARCH_CHANGE, OCTOBER_CHANGE = date(2025, 3, 30), date(2025, 10, 26)
TALL: dict[str, Any] = {"viewport": {"width": 1360, "height": 1560}}
_HOUR = timedelta(hours=1)
_PER_MINUTE = 10


def main(folder: Path) -> None:
    """Starts a platform between an exchange and a provider, and takes it from one state to the next."""
    folder.mkdir(parents=True, exist_ok=True)
    market = SimulatedMarket()
    with (
        Exchange(market, rate_per_second=0) as exchange,
        Provider(market, budget=()) as provider,
        tempfile.TemporaryDirectory() as scratch,
        running_platform(Path(scratch) / "state", servers(exchange, provider)) as platform,
        chromium() as browser,
    ):
        photographer = Photographer(folder, platform, browser)
        photographer.log_in()
        photographer.take("empty")
        exchange.wait_for_connections()
        today = datetime.now(UTC).astimezone(MARKET.timezone).date()
        tomorrow = today + timedelta(days=1)
        landing = platform.settings().landing_root
        for day in (MARCH_CHANGE, OCTOBER_CHANGE):
            land(landing, market, MARKET.hours_of(day)[0].tradable_from, MARKET.hours_of(day)[-1].end_at)
        yesterday = MARKET.hours_of(today - timedelta(days=1))
        # before the hours of today open: only some of yesterday's lack something
        lost_at = yesterday[13].start_at + timedelta(minutes=10)
        back_at = lost_at + timedelta(minutes=12)
        outage = Outage(lost_at, lost_at, back_at, "the exchange ended the connection without a close frame")
        land(landing, market, yesterday[0].tradable_from, datetime.now(UTC), [outage])
        exchange.rate_per_second = _PER_MINUTE / 60
        for _ in range(3):
            platform.refresh()
        photographer.take("light")
        photographer.take("dark", **DARK)
        photographer.take("fifteen-traders", **TALL)
        photographer.take("phone", **PHONE)
        photographer.take("one-trader", "?trader=flex_trader_4")
        photographer.take("tomorrow", f"?day={tomorrow}")
        photographer.take("incomplete-hours", f"?day={today - timedelta(days=1)}")
        photographer.take("incomplete-hours-phone", f"?day={today - timedelta(days=1)}", **PHONE)
        photographer.take("march-change", f"?day={MARCH_CHANGE}")
        photographer.take("october-change", f"?day={OCTOBER_CHANGE}")
        photographer.take("no-trades", f"?day={today + timedelta(days=4)}")
        photographer.take("health", "?view=health", **TALL)
        photographer.take_in_airflow("in-airflow", color_scheme="light")
        photographer.take_in_airflow("in-airflow-dark", **DARK)
        provider.faults.hang_up = True
        with platform.database() as database:
            database.rows("UPDATE raw.reference_prices SET observed_at = observed_at - interval '1 hour'")
            database.rows("TRUNCATE ops.provider_requests")
        platform.refresh()  # without prices it is a success still
        photographer.take("provider-down")
        for number, hour in enumerate(("08-09", "12-13", "13-14")):
            exchange.send(deal(id=f"early-{number}", delivery_day=str(tomorrow), delivery_hour=hour))
        platform.refresh()
        photographer.take("no-price", f"?day={tomorrow}")


def servers(exchange: Exchange, provider: Provider) -> dict[str, str]:
    """Settings of a platform that works with these two and need not save requests."""
    budget = dict.fromkeys(("REFERENCE_PRICE_PER_MINUTE", "REFERENCE_PRICE_PER_HOUR"), "10000")
    return {"EXCHANGE_URL": exchange.url, "MARKET_DATA_URL": provider.url} | budget


def land(
    root: Path,
    market: SimulatedMarket,
    start_at: datetime,
    end_at: datetime,
    outages: list[Outage] | None = None,
    per_minute: float = _PER_MINUTE,
) -> None:
    """What a capture would have landed of the deals of TRADERS traders in that time."""
    start_at = start_at.replace(minute=0, second=0, microsecond=0) - _HOUR
    line = CaptureLine(root, 0, "standalone", start_at, end_at, outages or [], market.seed)
    for number, each in enumerate(market.deals().between(start_at, end_at, per_minute / 60)):
        named = replace(each, is_sibling=False, trader=number * 7 % TRADERS + 1)
        line.receive(named.executed_at, named.message().encode())
    line.stop()


class Photographer:
    """Somebody who is logged in and has a camera."""

    def __init__(self, folder: Path, platform: Platform, browser: Browser) -> None:
        self._folder = folder
        self._browser = browser
        self._airflow = platform.wait_for(platform.credentials, 60)["airflow"]
        self._url = self._airflow["url"].rstrip("/")
        platform.wait_for(lambda: platform.call("GET", "dags"), 120)
        self._state: object = None

    def log_in(self) -> None:
        """By Airflow's form."""
        with self._page() as page:
            page.goto(self._url)
            page.fill("input[name=username]", self._airflow["username"])
            page.fill("input[name=password]", self._airflow["password"])
            page.click("button[type=submit]")
            page.get_by_role("link", name="Trading desk").wait_for()
            self._state = page.context.storage_state()

    def take(self, name: str, path: str = "", **look: Any) -> None:
        """The page in a tab of its own."""
        url = f"{self._url}/trading-desk/{path}"
        take(self._browser, url, self._folder / f"{name}.png", storage_state=self._state, **look)
        sys.stdout.write(f"{name}\n")

    def take_in_airflow(self, name: str, **look: Any) -> None:
        """Airflow's UI with the page in it."""
        with self._page(storage_state=self._state, viewport={"width": 1440, "height": 900}, **look) as page:
            page.goto(f"{self._url}/plugin/trading-desk")
            page.frame_locator("iframe").locator("#live[data-state=live]").wait_for(timeout=90_000)
            page.wait_for_timeout(1000)
            page.screenshot(path=self._folder / f"{name}.png")

    @contextmanager
    def _page(self, **look: Any) -> Iterator[Page]:
        context = self._browser.new_context(**look)
        yield context.new_page()
        context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
