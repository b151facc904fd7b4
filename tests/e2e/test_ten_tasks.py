"""Ten things that people want to know of the trading desk, on a real platform, and how many steps each takes.

A step is a click, a choice or a text. With FILM_STRIP=folder each task leaves a picture of its end there.
"""

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from include.simulator.exchange import Exchange
from include.simulator.market import SimulatedMarket
from include.simulator.provider import Provider
from tests.dashboard.page import row
from tests.e2e.conftest import Visitor
from tests.e2e.platform import Platform, running_platform
from tests.factories import MARKET, Database
from tests.messages import deal
from tools.history.outages import Outage
from tools.screenshots.platform import land, servers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1_200)]

TODAY = datetime.now(MARKET.timezone).date()
YESTERDAY = TODAY - timedelta(days=1)
LAST_MONDAY = TODAY - timedelta(days=TODAY.weekday() + 7)
OPEN = MARKET.tradable_hours(datetime.now(UTC))[-1]
"""An hour that can be traded for hours."""
TRADER = "flex_trader_3"
_PER_MINUTE = 0.5


class Task:
    """A task and its steps."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.steps = 0

    def click(self, place: Locator) -> None:
        self.steps += 1
        place.click()

    def choose(self, place: Locator, value: str) -> None:
        self.steps += 1
        place.select_option(value)

    def type(self, place: Locator, text: str) -> None:
        self.steps += 1
        place.fill(text)

    def is_done(self, name: str, steps: int) -> None:
        """The page shows the answer after so many steps."""
        if folder := os.environ.get("FILM_STRIP"):
            self.page.wait_for_timeout(400)
            self.page.screenshot(path=Path(folder) / f"{name}.jpg", type="jpeg", quality=72)
        assert self.steps == steps


@pytest.fixture(scope="module")
def noon() -> list[datetime]:
    """A moment between what was known early and what came later."""
    return []


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, noon: list[datetime]) -> Iterator[Platform]:
    """Two weeks of fifteen traders, a gap, a bad trade, one that is held back, and a limit that is reached."""
    market = SimulatedMarket()
    state = tmp_path_factory.mktemp("tasks") / "state"
    hours = MARKET.hours_of(YESTERDAY)
    lost_at = hours[13].start_at + timedelta(minutes=10)
    outage = Outage(lost_at, lost_at, lost_at + timedelta(minutes=12), "the exchange ended the connection")
    land(
        state / "landing",
        market,
        MARKET.hours_of(LAST_MONDAY)[0].tradable_from,
        datetime.now(UTC),
        [outage],
        per_minute=_PER_MINUTE,
    )
    with (
        Exchange(market, rate_per_second=0) as exchange,
        Provider(market, budget=()) as provider,
        running_platform(state, servers(exchange, provider)) as platform,
        platform.database() as database,
    ):
        unpriced = (
            "SELECT count(*) FROM curated.pnl_hourly WHERE price_status = 'missing' AND delivery_end_at < now()"
        )
        priced = "SELECT count(*) FROM curated.pnl_hourly WHERE price_status <> 'missing'"
        platform.wait_for(lambda: database.value(priced) > 1_000 and database.value(unpriced) == 0, 900)
        noon.append(database.value("SELECT date_trunc('second', clock_timestamp()) + interval '1 second'"))
        platform.wait_for(
            lambda: database.value("SELECT clock_timestamp() > %s + interval '1 second'", (noon[0],)), 10
        )
        exchange.wait_for_connections(timeout_seconds=60)
        database.insert(
            "ops.limits", market="DE", measure="position_mwh", scope="trader", trader_id=TRADER, limit_value=90
        )
        red = {"delivery_day": str(YESTERDAY), "delivery_hour": hours[15].delivery_hour}
        exchange.send(deal(id="red", trader_id="flex_trader_9", quantity=100, price=-150.0, **red))
        now = {"delivery_day": str(OPEN.delivery_day), "delivery_hour": OPEN.delivery_hour}
        exchange.send(deal(id="large", trader_id=TRADER, quantity=100, price=60.0, **now))
        exchange.send(deal(id="held", trader_id=TRADER, quantity=1, price=99_999.0, **now))
        platform.wait_for(lambda: database.value("SELECT count(*) FROM ops.limit_breaches") > 0, 120)
        platform.wait_for(lambda: database.value("SELECT count(*) FROM ops.quarantined_trades") > 0, 60)
        yield platform


@pytest.fixture
def task(trader: Visitor) -> Task:
    """Somebody has the desk open, as it opens by itself: today, the whole portfolio."""
    return Task(trader.open_desk())


def money(text: str) -> Decimal:
    """An amount as the page writes it."""
    found = re.search(r"[+\-\u2212]?[\d,]+(?:\.\d+)?", text)
    assert found is not None, text
    return Decimal(found[0].replace(",", "").replace("\u2212", "-"))


def rounded(value: Any) -> Decimal:
    return Decimal(value).quantize(Decimal("0.01"), "ROUND_HALF_UP")


def day_of(page: Page, day: date, task: Task) -> None:
    """Goes to a day from today with the buttons."""
    for _ in range(abs((day - TODAY).days)):
        task.click(page.locator("#day-before" if day < TODAY else "#day-after"))
    expect(page.locator("#day")).to_have_value(str(day))


def test_which_trade_made_the_hour_red(task: Task) -> None:
    page, hour = task.page, MARKET.hours_of(YESTERDAY)[15].delivery_hour
    day_of(page, YESTERDAY, task)
    task.click(row(page, hour).get_by_role("button", name=hour))
    trades = page.get_by_role("table", name="Trades that count")
    task.click(trades.get_by_role("button", name="PnL"))  # the largest first
    task.click(trades.get_by_role("button", name="PnL"))
    worst = trades.locator("tbody tr").first
    expect(worst).to_contain_text("red")
    expect(worst).to_contain_text("flex_trader_9")
    task.is_done("1-which-trade-made-the-hour-red", steps=4)


def test_how_did_i_do_this_week_against_last(task: Task, database: Database) -> None:
    page = task.page
    task.choose(page.locator("#trader"), TRADER)
    task.click(page.get_by_role("tab", name="Range"))
    figure = page.locator("#range-figures .figure", has_text="PnL").first
    expect(figure).to_contain_text("week before")
    known = database.value(
        "SELECT priced_pnl_eur FROM curated.pnl_weekly WHERE (trader_id, delivery_week) = (%s, %s)",
        (TRADER, LAST_MONDAY),
    )
    expect(figure.locator(".before")).to_contain_text(f"{rounded(known):+,.2f}")
    task.is_done("2-this-week-against-last", steps=2)


def test_what_did_we_show_at_noon(task: Task, database: Database, noon: list[datetime]) -> None:
    page = task.page
    day_of(page, YESTERDAY, task)
    figure = page.locator("#figures .main .value")
    value = "SELECT coalesce(pnl_eur, priced_pnl_eur) FROM curated.portfolio_pnl_daily WHERE delivery_day = %s"
    now = rounded(database.value(value, (YESTERDAY,)))
    expect(figure).to_contain_text(f"{now:+,.2f}")
    task.type(page.locator("#moment"), noon[0].astimezone(MARKET.timezone).strftime("%Y-%m-%dT%H:%M:%S"))
    expect(page.locator("#as-of")).to_be_visible()
    known = database.value(
        "SELECT coalesce(pnl_eur, priced_pnl_eur) FROM curated.portfolio_pnl_daily_as_of(%s)"
        " WHERE delivery_day = %s",
        (noon[0], YESTERDAY),
    )
    expect(figure).to_contain_text(f"{rounded(known):+,.2f}")
    assert rounded(known) > now, "the red trade came later"
    task.is_done("3-what-did-we-show-at-noon", steps=2)


def test_who_is_over_the_limit(task: Task) -> None:
    page = task.page
    expect(page.locator("#troubles")).to_contain_text(TRADER)  # on whichever day it is
    day_of(page, OPEN.delivery_day, task)
    expect(page.locator("#limits")).to_contain_text(f"{OPEN.delivery_hour}: {TRADER}: position ")
    expect(row(page, OPEN.delivery_hour).locator(".limit")).to_be_visible()
    task.is_done("4-who-is-over-the-limit", steps=(OPEN.delivery_day - TODAY).days)


def test_what_is_open_before_the_gates_close(task: Task, database: Database) -> None:
    page = task.page
    day_of(page, OPEN.delivery_day, task)
    # the page may be older than the trade that is over the limit
    expect(page.locator("#limits")).to_contain_text(f"{OPEN.delivery_hour}: {TRADER}: position ")
    line = page.locator("#open-positions tbody tr", has_text=OPEN.delivery_hour)
    # read at once: a trader who trades meanwhile gets a column of their own
    texts, values = line.evaluate(
        "line => [line.closest('table').tHead.rows[0], line]"
        ".map(row => [...row.cells].map(cell => cell.innerText))"
    )
    heads = [" ".join(text.split()) for text in texts]
    position = values[heads.index(f"{TRADER} MWh")]
    known = database.value(
        "SELECT net_position_mwh FROM curated.pnl_hourly"
        " WHERE (trader_id, delivery_day, delivery_hour) = (%s, %s, %s)",
        (TRADER, OPEN.delivery_day, OPEN.delivery_hour),
    )
    assert money(position.split()[-1]) == known.quantize(Decimal("0.1"))
    task.is_done("5-what-is-open-before-the-gates-close", steps=(OPEN.delivery_day - TODAY).days)


def test_why_does_a_trade_not_count(task: Task) -> None:
    page = task.page
    day_of(page, OPEN.delivery_day, task)
    task.click(page.locator("#content .reasons a", has_text="held back"))
    task.click(page.locator("#hour .quarantined a").first)
    raw = page.locator("#message pre.raw")
    assert json.loads(raw.inner_text())["deal_confirmation"]["id"] == "held"
    task.is_done("6-why-does-a-trade-not-count", steps=2 + (OPEN.delivery_day - TODAY).days)


def test_is_yesterday_complete(task: Task) -> None:
    page = task.page
    day_of(page, YESTERDAY, task)
    reason = page.locator("#content .reasons a", has_text="no connection to the exchange for 12 min")
    expect(reason).to_be_visible()
    task.is_done("7-is-yesterday-complete", steps=1)


def test_when_was_the_worst_hour_of_these_weeks(task: Task, database: Database) -> None:
    page = task.page
    task.click(page.get_by_role("tab", name="Range"))
    task.type(page.locator("#range-from"), str(LAST_MONDAY))
    worst = page.locator("#range-worst tbody tr").first
    value = "SELECT min(pnl_eur) FROM curated.portfolio_pnl_hourly WHERE delivery_day BETWEEN %s AND %s"
    known = rounded(database.value(value, (LAST_MONDAY, TODAY + timedelta(days=6 - TODAY.weekday()))))
    expect(worst).to_contain_text(f"{known:+,.2f}")
    task.click(worst.get_by_role("link"))
    expect(page.locator("#hour-title")).to_contain_text(MARKET.hours_of(YESTERDAY)[15].delivery_hour)
    task.is_done("8-the-worst-hour", steps=3)


def test_take_the_week_to_a_spreadsheet(task: Task) -> None:
    page = task.page
    task.click(page.get_by_role("tab", name="Range"))
    task.click(page.locator("#range-before"))
    link = page.get_by_role("link", name="XLSX Days, Each trader")
    expect(link).to_have_attribute("href", re.compile(f"from={LAST_MONDAY}"))
    with page.expect_download() as download:
        task.click(link)
    assert download.value.path().read_bytes()[:2] == b"PK"
    assert str(LAST_MONDAY) in download.value.suggested_filename
    task.is_done("9-take-the-week-to-a-spreadsheet", steps=3)


def test_does_everything_run(task: Task) -> None:
    page = task.page
    task.click(page.get_by_role("tab", name="Health"))
    expect(page.locator("#health-lines tbody tr").first).to_contain_text("connected")
    expect(page.locator("#health-gaps tbody tr", has_text="12 min")).to_be_visible()
    task.is_done("10-does-everything-run", steps=1)
