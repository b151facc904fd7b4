"""Pullers in parallel that want more than the budget, as the provider counts them: in every sliding window."""

import itertools
import multiprocessing
import os
import signal
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

import psycopg2

from include.domain.delivery_period import Market
from include.landing import REFERENCE_PRICES, LandingWriter
from include.pull import budget
from include.pull.client import MarketDataClient
from include.pull.puller import Puller
from include.pull.schedule import PeriodToPrice
from include.settings import Settings
from tests.integration.pull.conftest import Warehouse
from tests.integration.pull.server import Answer, ScriptedProvider, price

LIMIT = 20
WINDOW_SECONDS = 5.0
"""In place of a minute."""
REQUEST_SECONDS = 4.0
WHOLE_TIMEOUT_SECONDS = 3.0
PULL_SECONDS = 17.0
MARKET = Market.of("Europe/Berlin")
SPAWN = multiprocessing.get_context("spawn")


def pull(settings: Settings, day: date) -> None:
    """A process that asks for a day of its own again and again, as fast as the budget lets it."""
    budget.MINUTE_SECONDS, budget.REQUEST_SECONDS = WINDOW_SECONDS, REQUEST_SECONDS
    end = time.monotonic() + PULL_SECONDS
    conn = psycopg2.connect(settings.warehouse_url)
    writer = LandingWriter(settings.landing_root, REFERENCE_PRICES, f"pull-{day}")
    with MarketDataClient(settings.market_data_url, whole_seconds=WHOLE_TIMEOUT_SECONDS) as client:
        for hour in itertools.cycle(MARKET.hours_of(day)):
            if time.monotonic() >= end:
                break
            period = PeriodToPrice(day, hour.delivery_hour, hour.start_at, True, False, None)
            Puller(client, budget.Budget(conn, settings), writer, MARKET, end).pull([period])
    writer.close(datetime.now(UTC))
    conn.close()


def busiest(arrivals: Sequence[float]) -> int:
    """The most requests in any window, which begins at one of them."""
    return max(bisect_left(arrivals, first + WINDOW_SECONDS) - number for number, first in enumerate(arrivals))


def test_no_window_has_more_than_the_limit_and_the_busiest_has_all_of_it(
    settings: Settings, provider: ScriptedProvider, warehouse: Warehouse
) -> None:
    """Four processes, one of which is killed in mid-request."""
    days = [date(2026, 3, number) for number in range(2, 6)]
    victims_day = days[0]
    arrivals: list[float] = []
    lock, is_hanging = threading.Lock(), threading.Event()

    def answer(target: str) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        with lock:
            arrivals.append(time.monotonic())
            is_last_of_victim = len(arrivals) > LIMIT and asked["delivery_day"] == victims_day.isoformat()
        if is_last_of_victim:
            is_hanging.set()
            provider.stopping.wait(REQUEST_SECONDS)
        return price()(target)

    provider.script = [answer]
    settings = replace(
        settings,
        market_data_url=provider.url,
        reference_price_per_minute=LIMIT,
        reference_price_per_hour=10_000,
    )
    workers = [SPAWN.Process(target=pull, args=(settings, day)) for day in days]
    for worker in workers:
        worker.start()
    assert is_hanging.wait(60)
    assert workers[0].pid is not None
    os.kill(workers[0].pid, signal.SIGKILL)
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [-signal.SIGKILL, 0, 0, 0]
    assert len(arrivals) > 2 * LIMIT
    assert busiest(sorted(arrivals)) == LIMIT
    lost = "SELECT delivery_day FROM ops.provider_requests WHERE finished_at IS NULL"
    assert warehouse.rows(lost) == [(victims_day,)]
