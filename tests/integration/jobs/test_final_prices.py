"""From the provider to PnL and people: stale prices heal, revised ones are found, nonsense is noticed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

import pytest

from include.domain.delivery_period import DeliveryPeriod
from include.jobs import (
    build_pnl,
    check_freshness,
    load_reference_prices,
    pull_reference_prices,
    validate_reference_prices,
)
from include.landing import REFERENCE_PRICES, message_line
from include.settings import Settings
from include.simulator.market import SimulatedMarket
from include.simulator.provider import Provider
from tests.factories import MARKET, Database
from tests.integration.health.receivers import webhook_receiver
from tests.messages import heartbeat, write_landing_file

PUBLICATION = timedelta(minutes=15)
"""Long enough to have one more publication, whatever a refresh takes."""


class Clock:
    """Of the provider: the real one unless a test sets it."""

    def __init__(self) -> None:
        self.at: datetime | None = None

    def __call__(self) -> datetime:
        return self.at or datetime.now(UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(clock: Clock) -> Iterator[Provider]:
    with Provider(SimulatedMarket(7), budget=(), clock=clock) as running:
        yield running


@pytest.fixture
def desk(settings: Settings, provider: Provider) -> Settings:
    budget = {"reference_price_per_minute": 10_000, "reference_price_per_hour": 10_000}
    return replace(settings, market_data_url=provider.url, **budget)


def hour_of(at: datetime) -> DeliveryPeriod:
    """The delivery hour that is under way then."""
    hours = MARKET.hours_of(at.astimezone(MARKET.timezone).date())
    return next(hour for hour in hours if hour.start_at <= at < hour.end_at)


def sell(database: Database, hour: DeliveryPeriod) -> None:
    """2 MW for 50 EUR/MWh, in a batch that counts."""
    key = hour.delivery_day, hour.delivery_hour
    database.trade(database.batch(), *key, quantity=2, price=50)
    database.pending([key])


def refresh(settings: Settings, now: datetime) -> None:
    """Asks for what is due, and lets the answers count."""
    pull_reference_prices.run(settings, now=now)
    count(settings)


def count(settings: Settings) -> None:
    load_reference_prices.run(settings)
    validate_reference_prices.run(settings)
    build_pnl.run(settings)


def pnl(database: Database) -> tuple[Decimal, str]:
    """PnL and status of the price, checked against the price itself."""
    ((value, price, status),) = database.rows(
        "SELECT pnl_eur, reference_price_eur_per_mwh, price_status FROM curated.pnl_hourly"
    )
    assert value == 2 * (50 - price)
    return value, status


def test_a_stale_price_stays_provisional_and_heals(
    desk: Settings, database: Database, provider: Provider
) -> None:
    now = datetime.now(UTC)
    hour = hour_of(now - timedelta(minutes=30))
    sell(database, hour)
    provider.faults.stale_prices = 1
    refresh(desk, now)
    stale = pnl(database)
    assert stale[1] == "provisional"
    (reason,) = database.rows("SELECT reason FROM ops.missing_prices")[0]
    assert reason.startswith("the provider still gives the value of 20")
    asked = "SELECT count(*) FROM ops.provider_requests WHERE (delivery_day, delivery_hour) = (%s, %s)"
    key = (hour.delivery_day, hour.delivery_hour)
    refresh(desk, now)
    assert database.value(asked, key) == 1, "once a publication"
    refresh(desk, now + PUBLICATION)
    assert (pnl(database), database.value(asked, key)) == (stale, 2)

    provider.faults.stale_prices = 0
    refresh(desk, now + 2 * PUBLICATION)
    healed = pnl(database)
    assert healed[1] == "final"  # the price may happen to be the same
    assert database.rows("SELECT reason FROM ops.missing_prices") == []
    refresh(desk, now + 3 * PUBLICATION)
    assert database.value(asked, key) == 3, "a final price is not asked for again"

    # a pure function of what was observed
    database.rows("UPDATE curated.pnl_versions SET valid_to = now() WHERE valid_to IS NULL")
    database.pending([(hour.delivery_day, hour.delivery_hour)])
    build_pnl.run(desk)
    assert pnl(database) == healed


def test_a_revision_is_found_the_next_morning_counts_and_is_told(
    desk: Settings, database: Database, provider: Provider, clock: Clock
) -> None:
    now = datetime.now(UTC)
    hour = hour_of(now - timedelta(days=2))
    sell(database, hour)
    request = {"delivery_day": hour.delivery_day.isoformat(), "delivery_hour": hour.delivery_hour}
    clock.at = hour.price_final_from
    reply = provider.answer(f"/reference-price?{urlencode(request)}")
    assert reply is not None
    line = message_line(clock.at, reply.body.encode(), request=request, status=reply.status)
    write_landing_file(desk.landing_root, line, "pull", clock.at, source=REFERENCE_PRICES)
    clock.at = None
    count(desk)
    before, status = pnl(database)
    assert status == "final"

    provider.faults.revised_prices = 1
    for _ in range(2):
        refresh(desk, now)
    asked = "SELECT count(*), count(DISTINCT status) FROM ops.provider_requests WHERE delivery_day = %s"
    assert database.rows(asked, (hour.delivery_day,)) == [(1, 1)], "once more, and only once"
    assert pnl(database) == (before - Decimal("2.50"), "final")
    assert database.rows(
        "SELECT causes, previous_pnl_eur, pnl_change_eur FROM curated.pnl_hourly_changes"
        " ORDER BY changed_at DESC LIMIT 1"
    ) == [(["price revision"], before, Decimal("-2.50"))]
    heartbeat(desk, 1)
    database.ran(1, window=1)
    with webhook_receiver() as webhook:
        for _ in range(2):
            check_freshness.run(replace(desk, alert_urls=(webhook.url,)))
    (told,) = webhook.bodies
    assert (told["alarm"], told["severity"]) == ("price_revised", "warning")
    assert f"{hour.delivery_day} {hour.delivery_hour} from " in told["text"]


def test_zero_for_all_hours_is_noticed_and_a_value_out_of_bounds_costs_no_other(
    desk: Settings, database: Database, provider: Provider
) -> None:
    now = datetime.now(UTC)
    provider.faults.raw_value = "0"
    refresh(desk, now)
    heartbeat(desk, 1)
    database.ran(1, window=1)
    alarms, _ = check_freshness.check(desk)
    (alarm,) = alarms
    assert (alarm.alarm, alarm.severity) == ("suspicious_prices", "warning")
    assert alarm.detail.startswith("the provider answers 0 EUR/MWh for each of the open hours")

    provider.faults.raw_value = "10000"
    refresh(desk, now + PUBLICATION)
    rejected = database.rows("SELECT DISTINCT reason_code FROM ops.rejected_messages")
    assert rejected == [("price_out_of_bounds",)]
    assert database.rows("SELECT DISTINCT price_eur_per_mwh FROM curated.reference_prices") == [(0,)]
    assert database.rows("SELECT DISTINCT is_answer FROM ops.provider_requests") == [(True,)]
