"""A day without the provider in compressed time: trading goes on, no price is invented, all come afterwards."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler

import pytest

from include.errors import TransientError
from include.jobs import (
    build_pnl,
    pull_reference_prices,
    validate_reference_prices,
)
from include.landing import event_line, message_line
from include.load import audit
from include.pull import budget
from include.pull.client import MarketDataClient
from include.settings import Settings
from tests.e2e.specification import assert_as_specified, built_of
from tests.factories import MARKET, Database
from tests.integration.conftest import provider as provider
from tests.integration.pull.server import Answer, ScriptedProvider, price
from tests.messages import deal, write_landing_file
from tests.passes import validate_landed
from tests.torture.conftest import Torture
from tests.torture.test_provider import busiest

FIRST = datetime(2026, 3, 2, 5, tzinfo=UTC)
TEN_MINUTES, DAY = timedelta(minutes=10), timedelta(days=1)
HOUR_SECONDS = 6.0
"""Of the budget; a pull each ten minutes has a sixth of it."""
PER_MINUTE, PER_HOUR = 8, 60
MAX_PULLS_AFTERWARDS = 60


def silent(stopping: Callable[[float], object], _: BaseHTTPRequestHandler) -> None:
    """Nothing for longer than the client waits."""
    stopping(0.5)


def bad_answers(provider: ScriptedProvider) -> list[Answer]:
    """Of a provider that is down, one way after the other."""
    return [
        Answer(write=lambda handler: handler.connection.close()),
        Answer(write=partial(silent, provider.stopping.wait)),
        Answer(503, b"maintenance"),
        Answer(429, b"", {"Retry-After": "1"}),
        Answer(200, b"<html>be right back</html>", {"Content-Type": "text/html"}),
        Answer(
            200, b'{"delivery_day": "2026-03-02", "delivery_hour": "01-02", "unit": "euro/mwh", "value": 0}'
        ),
    ]


def test_a_day_without_the_provider(
    torture: Torture,
    settings: Settings,
    database: Database,
    provider: ScriptedProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(budget, "HOUR_SECONDS", HOUR_SECONDS)
    monkeypatch.setattr(budget, "MINUTE_SECONDS", HOUR_SECONDS / 60)
    monkeypatch.setattr(budget, "REQUEST_SECONDS", 0.6)
    monkeypatch.setattr("include.pull.puller.MAX_BACKOFF_SECONDS", 0.05)
    client = partial(MarketDataClient, connect_seconds=0.2, read_seconds=0.2, whole_seconds=0.4)
    monkeypatch.setattr(pull_reference_prices, "MarketDataClient", client)
    settings = replace(
        settings,
        market_data_url=provider.url,
        reference_price_per_minute=PER_MINUTE,
        reference_price_per_hour=PER_HOUR,
    )
    arrivals: list[float] = []
    kinds = Counter[int]()
    bad = bad_answers(provider)
    is_away = True

    def answer(target: str) -> Answer:
        arrivals.append(time.monotonic())
        if not is_away:
            return price(-31.5)(target)
        kind = len(arrivals) // 3 % len(bad)
        kinds[kind] += 1
        return bad[kind]

    provider.script = [answer]
    pulls = torture.count(1, 24) * 6
    for number in torture.trials(pulls, pulls):
        now, began = FIRST + number * TEN_MINUTES, time.monotonic()
        trade(torture, settings, now, number)
        with suppress(TransientError):
            summary = pull(settings, now)
            assert summary["answered"] == 0
        if number % 6 == 5:
            build(settings)
            every = "SELECT count(*), count(pnl_eur), count(*) FILTER (WHERE price_status = 'missing')"
            ((rows, priced, missing),) = database.rows(f"{every} FROM curated.pnl_hourly")
            assert (rows > 0, priced, missing) == (True, 0, rows), "trades count, no price is invented"
        time.sleep(max(0.0, began + HOUR_SECONDS / 6 - time.monotonic()))
    asked_in_vain = len(arrivals)
    assert set(kinds) == set(range(len(bad))), "each kind of outage"

    is_away = False
    for needed in range(1, MAX_PULLS_AFTERWARDS + 1):
        began = time.monotonic()
        if not pull(settings, FIRST + (pulls + needed) * TEN_MINUTES)["due"]:
            break
        time.sleep(max(0.0, began + HOUR_SECONDS / 6 - time.monotonic()))
    end = FIRST + 5 * DAY  # capture is connected again once all hours are delivered: gaps have an end
    write_landing_file(settings.landing_root, event_line(end, "heartbeat", connected=True), hour=end)
    build(settings)
    rows = assert_as_specified(built_of(database), settings.landing_root)
    final = "price_status = 'final' AND pnl_eur IS NOT NULL"
    assert database.value(f"SELECT count(*) FROM curated.pnl_hourly WHERE {final}") == rows
    arrivals.sort()
    assert busiest(arrivals, HOUR_SECONDS) <= PER_HOUR
    assert not [file for file in audit.run(settings) if file.problems or file.waiting_lines]
    torture.report(
        "A bad provider does no harm",
        f"{pulls // 6} hours of broken connections, silence, 503, 429 and nonsense, an hour in"
        f" {HOUR_SECONDS:.0f} s; a pull each ten minutes, {asked_in_vain} requests in vain",
        f"all {rows} hours of PnL without price until then, as specified after {needed} pulls; busiest hour"
        f" {busiest(arrivals, HOUR_SECONDS)} requests of {PER_HOUR}",
    )


def pull(settings: Settings, now: datetime) -> dict[str, int]:
    """As each ten minutes, with as much time as compressed time has."""
    return pull_reference_prices.run(settings, now=now, deadline_seconds=HOUR_SECONDS / 6)


def build(settings: Settings) -> None:
    """What there is becomes PnL."""
    validate_landed(settings)
    validate_reference_prices.run(settings)
    build_pnl.run(settings)


def trade(torture: Torture, settings: Settings, now: datetime, number: int) -> None:
    """Three trades of hours that are open."""
    content = event_line(now, "heartbeat", connected=True)
    for place in range(3):
        hour = torture.random.choice(list(MARKET.tradable_hours(now)))
        at = now + timedelta(seconds=place)
        message = deal(
            id=f"{number}-{place}",
            delivery_day=str(hour.delivery_day),
            delivery_hour=hour.delivery_hour,
            price=torture.random.randrange(-50, 200),
            execution_time=now.isoformat(),
            trader_id="anna",
        )
        content += message_line(at, message.encode())
    write_landing_file(settings.landing_root, content, hour=now)
