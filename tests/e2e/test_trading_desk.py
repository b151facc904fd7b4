"""The trading desk as a trader meets it: a real Chromium, Airflow's own login, trades from an exchange."""

import csv
import re
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import unquote, urljoin

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Frame, Page, expect

from include.simulator.exchange import Exchange
from tests.browser import listen
from tests.dashboard.page import cell, cells, row
from tests.dashboard.test_accessibility import PHONE, RULES
from tests.e2e.conftest import Visitor, framed
from tests.e2e.platform import Platform, running_platform
from tests.factories import MARKET
from tests.integration.pull.server import Answer, ScriptedProvider, price, scripted_provider
from tests.messages import deal
from tools.history.line import CaptureLine

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

DAY, TRADER = date(2023, 2, 6), "flex_trader_4"
CHOSEN = f"?day={DAY}&trader={TRADER}"
VISIBLE_WITHIN_SECONDS = 60

View = Page | Frame


class Outside:
    """An exchange that sends what it is told to, and a provider that knows the prices that it is told."""

    def __init__(self, exchange: Exchange, provider: ScriptedProvider) -> None:
        self.exchange = exchange
        self.prices = {f"{DAY} 12-13": 9.8, f"{DAY} 13-14": 8.9}
        self.environment = {
            "EXCHANGE_URL": exchange.url,
            "MARKET_DATA_URL": provider.url,
            "REFERENCE_PRICE_PER_MINUTE": "10000",
            "REFERENCE_PRICE_PER_HOUR": "10000",
        }
        self._confirmed = 0
        provider.script = [self._answer]

    def sell(self, hour: str, quantity: float, price: float, day: date = DAY, trader: str = TRADER) -> None:
        """The exchange confirms that a trader has sold so many MW at so many EUR/MWh."""
        self._confirmed += 1
        key = {"id": f"desk-{self._confirmed}", "delivery_day": str(day), "delivery_hour": hour}
        self.exchange.send(deal(trader_id=trader, quantity=quantity, price=price, **key))

    def _answer(self, target: str) -> Answer:
        asked = re.search(r"delivery_day=([\d-]+)&delivery_hour=([\d-]+)", target)
        assert asked is not None
        return price(self.prices.get(f"{asked[1]} {asked[2]}"))(target)


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    with Exchange(rate_per_second=0) as exchange, scripted_provider() as provider:
        yield Outside(exchange, provider)


@pytest.fixture(scope="module")
def open_hour() -> tuple[date, str]:
    """An hour that is traded now and hours from now."""
    last = MARKET.tradable_hours(datetime.now(UTC))[-1]
    return last.delivery_day, last.delivery_hour


@pytest.fixture(scope="module")
def platform(
    tmp_path_factory: pytest.TempPathFactory, outside: Outside, open_hour: tuple[date, str]
) -> Iterator[Platform]:
    """Up, with the traders' two rows in its warehouse, and one of today or tomorrow."""
    state = tmp_path_factory.mktemp("desk") / "state"
    # somebody was connected while the two hours were tradable: they are complete
    journal = [datetime(2023, 2, 5, 13, tzinfo=UTC), datetime(2023, 2, 6, 13, tzinfo=UTC)]
    CaptureLine(state / "landing", 0, "standalone", *journal, outages=[], seed=7).stop()
    day, hour = open_hour
    outside.prices[f"{day} {hour}"] = 40.0
    with running_platform(state, outside.environment) as platform:
        outside.exchange.wait_for_connections(timeout_seconds=60)
        # no plain mean is 10.2 or 5.7
        outside.sell("12-13", 1.0, 9.6)
        outside.sell("12-13", 3.0, 10.4)
        outside.sell("13-14", 2.0, 6.3)
        outside.sell("13-14", 1.0, 4.5)
        outside.sell("12-13", 7.0, 20.0, trader="flex_trader_1")
        outside.sell(hour, 5.0, 42.0, day=day)
        with platform.database() as database:
            priced = "SELECT count(*) FROM curated.pnl_hourly WHERE pnl_eur IS NOT NULL"
            platform.wait_for(lambda: database.value(priced) == 4, 180)
        yield platform


def rgb(view: View, hour: str, heading: str) -> list[int]:
    """The colour of a cell's text as the browser computes it."""
    colour = cell(view, hour, heading).evaluate("cell => getComputedStyle(cell).color")
    return [int(part) for part in re.findall(r"\d+", colour)[:3]]


def result(view: View, hour: str) -> tuple[str, ...]:
    """Of a line: our average price, the reference price, how we are doing."""
    shown = cells(view, hour)
    return tuple(shown[name] for name in ("Our average price", "Reference price", "How are we doing"))


def test_log_in_choose_and_see_how_we_are_doing(stranger: Visitor) -> None:
    page = stranger.page()
    page.goto(stranger.airflow)
    stranger.log_in(page)
    stranger.complaints.clear()  # Airflow's page tries what needs a login, and then shows the form
    page.get_by_role("link", name="Trading desk").click()
    expect(page).to_have_url(stranger.airflow + "plugin/trading-desk")
    desk = framed(page)
    desk.locator("#trader").select_option(TRADER)
    desk.locator("#day").fill(str(DAY))
    expect(row(desk, "12-13")).to_be_visible()
    periods = desk.locator("#hours-table tbody th time")
    expect(periods).to_have_text(["12-13", "13-14"])
    assert result(desk, "12-13") == ("10.20", "9.80", "+0.40")
    assert result(desk, "13-14") == ("5.70", "8.90", "-3.20")
    assert [cells(desk, hour)["Net position"] for hour in ("12-13", "13-14")] == ["-4.0", "-3.0"]
    assert [cells(desk, hour)["Note"] for hour in ("12-13", "13-14")] == ["", ""]
    red, green, blue = rgb(desk, "12-13", "How are we doing")
    assert green > max(red, blue)
    red, green, blue = rgb(desk, "13-14", "How are we doing")
    assert red > max(green, blue)
    assert stranger.complaints == []


def test_a_new_trade_appears_without_a_reload(trader: Visitor, outside: Outside) -> None:
    _, desk = trader.open_in_airflow()
    desk.locator("#trader").select_option(TRADER)
    desk.locator("#day").fill(str(DAY))
    expect(row(desk, "13-14")).to_be_visible()
    before = result(desk, "13-14")
    desk.evaluate("window.__notReloaded = true")
    sent_at = time.monotonic()
    outside.sell("13-14", 3.0, 12.3)  # (12.6 + 4.5 + 36.9) / 6
    expect(cell(desk, "13-14", "Trades")).to_have_text("3", timeout=VISIBLE_WITHIN_SECONDS * 1000)
    assert time.monotonic() - sent_at < VISIBLE_WITHIN_SECONDS
    assert (before[0], result(desk, "13-14")) == ("5.70", ("9.00", "8.90", "+0.10"))
    assert desk.evaluate("window.__notReloaded") is True


def test_a_new_price_appears_without_a_reload(
    trader: Visitor, outside: Outside, platform: Platform, open_hour: tuple[date, str]
) -> None:
    """From the pull on: that one follows each publication is a matter of the schedule."""
    day, hour = open_hour
    page = trader.open_desk(f"?day={day}&trader={TRADER}")
    assert result(page, hour) == ("42.00", "40.00", "+2.00")
    assert "provisional" in cells(page, hour)["Price is"]
    page.evaluate("window.__notReloaded = true")
    outside.prices[f"{day} {hour}"] = 44.5
    with platform.database() as database:
        # as if the last answer were of the publication before: the next one is up to ten minutes away
        for table, column in (
            ("raw.reference_prices", "observed_at"),
            ("ops.provider_requests", "finished_at"),
        ):
            database.rows(
                f"UPDATE {table} SET {column} = {column} - interval '20 minutes'"
                " WHERE (delivery_day, delivery_hour) = (%s, %s)",
                open_hour,
            )
    published_at = time.monotonic()
    platform.refresh()
    expect(cell(page, hour, "Reference price")).to_have_text("44.50")
    assert time.monotonic() - published_at < VISIBLE_WITHIN_SECONDS
    assert result(page, hour) == ("42.00", "44.50", "-2.50")
    assert page.evaluate("window.__notReloaded") is True


def test_the_download_is_what_is_on_screen(trader: Visitor) -> None:
    _, desk = trader.open_in_airflow()
    desk.locator("#trader").select_option(TRADER)
    desk.locator("#day").fill(str(DAY))
    expect(row(desk, "13-14")).to_be_visible()
    with desk.page.expect_download() as download:
        desk.locator("#csv").click()
    assert download.value.suggested_filename == f"pnl_hourly-{DAY}-{TRADER}.csv"
    with download.value.path().open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [each["delivery_period"] for each in rows] == [f"{DAY} 12-13", f"{DAY} 13-14"]
    for each in rows:
        shown = cells(desk, each["delivery_period"].split()[1])
        assert shown["Price is"].endswith(each["price_status"])
        del shown["Delivery"], shown["Price is"], shown["Note"]
        assert shown == {
            "Trades": each["trade_count"],
            "Bought": rounded(each["buy_mwh"], "0.1"),
            "Sold": rounded(each["sell_mwh"], "0.1"),
            "Net position": rounded(each["net_position_mwh"], "0.1", sign="+"),
            "Our average price": rounded(each["average_price_eur_per_mwh"]),
            "Reference price": rounded(each["reference_price_eur_per_mwh"]),
            "How are we doing": rounded(each["performance_eur_per_mwh"], sign="+"),
            "PnL": rounded(each["pnl_eur"], sign="+"),
            "Realised": rounded(each["realised_pnl_eur"]),
            "Unrealised": rounded(each["unrealised_pnl_eur"], sign="+"),
        }


def rounded(text: str, step: str = "0.01", sign: str = "-") -> str:
    """As the page writes it."""
    return format(Decimal(text).quantize(Decimal(step), ROUND_HALF_UP), f"{sign},")


def test_the_health_view_leads_to_a_run(trader: Visitor) -> None:
    _, desk = trader.open_in_airflow()
    desk.locator("#tab-health").click()
    runs = desk.locator("#health-runs tbody tr").filter(has_text="success")
    link = runs.get_by_role("link", name="refresh_pnl").first
    address = link.get_attribute("href")
    assert address is not None
    with desk.page.expect_popup() as popup:
        link.click()
    listen(popup.value, trader.complaints)
    expect(popup.value.get_by_text("load_trades").first).to_be_visible()
    assert unquote(popup.value.url) == unquote(urljoin(desk.url, address))
    assert "/dags/refresh_pnl/runs/" in popup.value.url


@pytest.mark.parametrize(
    "look", [{"color_scheme": "light"}, {"color_scheme": "dark"}, PHONE], ids=["light", "dark", "phone"]
)
def test_axe_finds_nothing(platform: Platform, browser: Browser, cookies: Any, look: dict[str, Any]) -> None:
    with closing(browser.new_context(locale="en-GB", **look)) as context:
        context.add_cookies(cookies)
        visitor = Visitor(platform, context)
        for address in (CHOSEN, "?view=health"):
            found = Axe().run(visitor.open_desk(address), options=RULES).response["violations"]
            assert [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found] == []
        assert visitor.complaints == []


def test_a_stranger_is_refused(stranger: Visitor) -> None:
    page = stranger.page()
    for path in (f"api/v1/desk{CHOSEN}", f"api/v1/pnl_hourly?from={DAY}&format=csv", "static/js/main.js"):
        reply = page.goto(stranger.desk + path)
        assert reply is not None
        assert reply.status == 401, path
        assert reply.json() == {"error": "Log in to Airflow to see the trading desk."}
    page.goto(stranger.airflow + "plugin/trading-desk")
    expect(page.locator("input[name=password]")).to_be_visible()
    expect(page.locator("iframe")).to_have_count(0)
    reply = page.goto(stranger.desk + CHOSEN)
    assert reply is not None
    assert reply.status == 401
    page.get_by_role("link", name="Log in").click()
    stranger.log_in(page)
    expect(page).to_have_url(stranger.desk + CHOSEN)
    expect(row(page, "12-13")).to_be_visible()


def test_a_login_that_has_ended_is_told_and_taken_up_again(trader: Visitor) -> None:
    page = trader.open_desk(CHOSEN)
    trader.context.clear_cookies()
    page.locator("#trader").select_option("flex_trader_1")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Your login has ended.")
    expect(row(page, "12-13")).to_be_hidden()
    alert.get_by_role("button", name="Log in again").click()
    trader.log_in(page)
    expect(row(page, "12-13")).to_be_visible()
    expect(page.locator("#trader")).to_have_value("flex_trader_1")
    trader.complaints = [text for text in trader.complaints if "status of 401" not in text]
