"""What the job is about: the present, a window, delivery days; and who comes first when the budget is short."""

import logging
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from include.domain.delivery_period import DeliveryPeriod, Market
from include.errors import TerminalError, TransientError
from include.jobs.pull_reference_prices import run
from include.landing import REFERENCE_PRICES, message_line
from include.landing_writer import LandingWriter
from include.run_scope import DeliveryDays, Window
from include.settings import Settings
from include.simulator.provider import Provider
from tests.integration.pull.conftest import Warehouse
from tests.integration.pull.server import Answer, ScriptedProvider, price
from tests.integration.pull.test_pull_reference_prices import run_at_once

MARKET = Market.of("Europe/Berlin")
NOW = datetime(2026, 3, 2, 13, 50, tzinfo=UTC)
"""14:50 in Berlin: the hours from 13-14 are live, the thirteen before are history."""
TODAY, YESTERDAY = date(2026, 3, 2), date(2026, 3, 1)


pytestmark = pytest.mark.usefixtures("short_pauses")


def window(hour: int, hours: int = 1) -> Window:
    """From the start of an hour of 2026-03-02."""
    start_at = MARKET.period(TODAY, f"{hour:02}-{hour + 1:02}").start_at
    return Window(start_at, start_at + timedelta(hours=hours))


def land(settings: Settings, period: DeliveryPeriod, at: datetime) -> None:
    """A landing file with a price that the provider answered at that moment."""
    asked = {"delivery_day": period.delivery_day.isoformat(), "delivery_hour": period.delivery_hour}
    writer = LandingWriter(settings.landing_root, REFERENCE_PRICES, "pull")
    body = price()(f"/reference-price?{urlencode(asked)}").body
    writer.append(message_line(at, body, request=asked, status=200), at)
    writer.close(at)


def test_backfills_rebuilds_and_a_refresh_at_once_ask_for_each_period_once_within_the_budget(
    settings: Settings, warehouse: Warehouse
) -> None:
    for hour in range(4):  # final: only for force
        known = MARKET.period(TODAY, f"{hour:02}-{hour + 1:02}")
        warehouse.trade(known)
        warehouse.price(known, known.price_final_from)
    forced = {"force_prices": True, "answered_since": datetime.now(UTC) - timedelta(minutes=10)}
    runs: list[dict[str, Any]] = [
        {},
        {"window": window(6, hours=5)},
        {"window": window(8, hours=3)},
        {"window": window(2, hours=6), **forced},
        {"days": DeliveryDays(TODAY, TODAY), **forced},
        {"days": DeliveryDays(TODAY, TODAY)},
    ]
    asked = "SELECT count(*), count(DISTINCT delivery_hour), max(status) FROM ops.provider_requests"
    for minute in range(3):
        with Provider(budget=((15, 60),)) as strict:
            limited = replace(settings, market_data_url=strict.url, reference_price_per_minute=15)
            run_at_once(limited, [{**arguments, "deadline_seconds": 10} for arguments in runs])
        [(count, periods, status)] = warehouse.rows(asked)
        assert (count, status) == (periods, 200)
        if minute == 0:
            assert 11 <= count <= 15  # the eleven live ones, or ten of history and five of these
        warehouse.age_requests(60)
    assert count == 24


def test_a_window_asks_for_its_hours_and_not_for_those_that_are_open(
    settings: Settings, provider: ScriptedProvider
) -> None:
    assert run(settings, window(9, hours=2), now=NOW)["answered"] == 2
    assert provider.asked == ["2026-03-02 10-11", "2026-03-02 09-10"]


def test_days_ask_for_all_their_hours(settings: Settings, provider: ScriptedProvider) -> None:
    days = DeliveryDays(date(2026, 2, 28), YESTERDAY)
    settings = replace(settings, reference_price_per_minute=100)
    assert run(settings, days=days, now=NOW)["answered"] == 48
    assert provider.asked[0] == "2026-03-01 23-24"
    assert provider.asked[-1] == "2026-02-28 00-01"


@pytest.mark.parametrize("order", [range(24), reversed(range(24)), sorted(range(24), key=lambda n: n * 7 % 24)])
def test_what_is_landed_is_loaded_and_not_asked_for_again(
    settings: Settings, provider: ScriptedProvider, warehouse: Warehouse, order: Iterable[int]
) -> None:
    day = YESTERDAY
    for hour in MARKET.hours_of(day):
        land(settings, hour, hour.price_final_from + timedelta(minutes=hour.start_at.hour))
    summaries = [
        run(settings, Window(hour.start_at, hour.end_at), now=NOW)
        for hour in (MARKET.period(day, f"{number:02}-{number + 1:02}") for number in order)
    ]
    assert [summary["due"] for summary in summaries] == [0] * 24
    assert provider.count == 0
    assert warehouse.rows("SELECT count(*) FROM raw.reference_prices") == [(24,)]
    assert warehouse.rows("SELECT DISTINCT state FROM ops.load_batches") == [("loaded",)]


def test_history_never_takes_what_live_prices_need(
    settings: Settings, provider: ScriptedProvider, warehouse: Warehouse
) -> None:
    settings = replace(settings, reference_price_per_minute=30)
    days = DeliveryDays(date(2026, 2, 1), date(2026, 2, 28))
    assert run(settings, days=days, now=NOW, deadline_seconds=5)["requested"] == 21
    assert run(settings, now=NOW, deadline_seconds=5)["answered"] == 9
    warehouse.age_requests(60)
    days = DeliveryDays(date(2026, 2, 1), TODAY)
    assert run(settings, days=days, now=NOW, deadline_seconds=5)["requested"] == 21


def test_a_forced_pull_that_is_repeated_goes_on_where_it_stopped(
    settings: Settings, provider: ScriptedProvider, warehouse: Warehouse
) -> None:
    settings = replace(settings, reference_price_per_minute=20)
    began_at = warehouse.rows("SELECT clock_timestamp()")[0][0]
    for hour in MARKET.hours_of(day := YESTERDAY):
        warehouse.price(hour, hour.price_final_from)
    days = DeliveryDays(day, day)
    arguments: dict[str, Any] = {"force_prices": True, "answered_since": began_at, "deadline_seconds": 5}
    assert run(settings, days=days, now=NOW, **arguments)["answered"] == 14
    warehouse.age_requests(60)
    began_at -= timedelta(seconds=60)
    summary = run(settings, days=days, now=NOW, **arguments | {"answered_since": began_at})
    assert (summary["due"], summary["answered"]) == (10, 10)
    assert len(set(provider.asked)) == provider.count == 24
    assert run(settings, days=days, now=NOW, **arguments | {"answered_since": began_at})["due"] == 0


def test_a_forced_day_that_the_provider_cannot_serve_holds_back_no_other(
    settings: Settings, provider: ScriptedProvider
) -> None:
    settings = replace(settings, reference_price_per_minute=1000)
    provider.script = [lambda target: Answer(500) if "2026-02-27" in target else price()(target)]
    days = DeliveryDays(date(2026, 2, 26), date(2026, 2, 28))
    with pytest.raises(TransientError, match=r"of 72 .* 48 were answered"):
        run(settings, days=days, now=NOW, force_prices=True)


def test_force_has_to_be_about_something_and_a_pull_about_one_thing(
    settings: Settings, provider: ScriptedProvider
) -> None:
    with pytest.raises(TerminalError, match="window or delivery days"):
        run(settings, force_prices=True)
    with pytest.raises(TerminalError, match="not both"):
        run(settings, window(8), DeliveryDays(TODAY, TODAY))
    assert provider.count == 0


def test_a_long_pull_says_how_far_it_is_and_how_long_it_takes(
    settings: Settings,
    provider: ScriptedProvider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "include.pull.puller")
    settings = replace(settings, reference_price_per_minute=20)
    run(settings, window(8), now=NOW)
    assert "to go" not in caplog.text
    monkeypatch.setattr("include.pull.puller._LOG_INTERVAL_SECONDS", 0)
    provider.script = [price(), Answer(503), price()]
    run(settings, days=DeliveryDays(YESTERDAY, YESTERDAY), now=NOW, deadline_seconds=5)
    said = [message.removeprefix("reference prices: ") for message in caplog.messages if "to go" in message]
    progress = r"0 of 24 delivery periods are done, 0 requests so far; 24 to go, at least 0:0[12]:\d\d by"
    assert re.match(progress, said[0])
    assert said[2].startswith("2 of 24 delivery periods are done, 3 requests so far; 22 to go")


def test_a_final_price_is_asked_for_again_in_the_morning_or_by_force(
    settings: Settings, provider: ScriptedProvider, warehouse: Warehouse
) -> None:
    today, yesterday = MARKET.period(TODAY, "08-09"), MARKET.period(YESTERDAY, "08-09")
    for done in (today, yesterday):
        warehouse.trade(done)
        warehouse.price(done, done.price_final_from)
        assert run(settings, Window(done.start_at, done.end_at), now=NOW)["due"] == 0
    for _ in range(2):
        run(settings, now=NOW)
    assert provider.asked[-1] == "2026-03-01 08-09", "history comes last"
    assert provider.asked.count("2026-03-01 08-09") == 1
    assert "2026-03-02 08-09" not in provider.asked
    window = Window(yesterday.start_at, yesterday.end_at)
    run(settings, window, now=NOW + timedelta(days=30), force_prices=True)
    assert provider.asked.count("2026-03-01 08-09") == 2
