"""The shared budget: never one request too many, whoever asks and whenever."""

import multiprocessing
from dataclasses import replace
from datetime import date, datetime

import psycopg2
import pytest
from psycopg2.extensions import connection

from include.pull.budget import REQUEST_SECONDS, AskedElsewhere, Budget, Spent, Ticket, Wait
from include.settings import Settings
from include.warehouse.locks import lock_provider_budget
from tests.integration.pull.conftest import Warehouse

DAY = date(2026, 3, 2)


def limited(settings: Settings, per_minute: int = 50, per_hour: int = 1000) -> Settings:
    return replace(settings, reference_price_per_minute=per_minute, reference_price_per_hour=per_hour)


def take(budget: Budget, label: str = "08-09") -> Ticket:
    taken = budget.take(DAY, label)
    assert isinstance(taken, Ticket)
    return taken


def wait(budget: Budget, label: str = "23-24") -> float:
    taken = budget.take(DAY, label)
    assert isinstance(taken, Wait)
    return taken.seconds


def take_all_there_is(settings: Settings, name: str, taken: "multiprocessing.Queue[int]") -> None:
    """A process that asks as fast as it can, each time for something else, until the budget says no."""
    conn = psycopg2.connect(settings.warehouse_url)
    budget, count = Budget(conn, settings), 0
    while isinstance(ticket := budget.take(DAY, f"{name}-{count}"), Ticket):
        count += 1
        if count % 3:  # every third request is still under way at the end
            budget.finish(ticket, 200, None)
    conn.close()
    taken.put(count)


def taken_by_processes(settings: Settings, processes: int) -> int:
    """Requests that this many new processes get at once."""
    context = multiprocessing.get_context("spawn")
    taken: multiprocessing.Queue[int] = context.Queue()
    workers = [
        context.Process(target=take_all_there_is, args=(settings, f"{number}", taken))
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    total = sum(taken.get(timeout=60) for _ in workers)
    for worker in workers:
        worker.join()
    return total


def test_processes_together_get_exactly_the_budget_and_restarts_do_not_renew_it(
    settings: Settings, warehouse: Warehouse
) -> None:
    settings = limited(settings, per_minute=20, per_hour=50)
    assert taken_by_processes(settings, 3) == 20
    assert taken_by_processes(settings, 2) == 0
    warehouse.age_requests(60 + REQUEST_SECONDS)
    assert taken_by_processes(settings, 2) == 20
    warehouse.age_requests(60 + REQUEST_SECONDS)
    assert taken_by_processes(settings, 2) == 10
    rows = warehouse.execute("SELECT count(*) FROM ops.provider_requests")
    assert rows == [(50,)]


def test_a_request_counts_for_a_minute_after_its_reply_however_long_it_took(
    settings: Settings, warehouse: Warehouse
) -> None:
    budget = Budget(warehouse.conn, limited(settings, per_minute=1))
    ticket = take(budget)
    warehouse.age_requests(25)
    budget.finish(ticket, 200, None)
    assert 59 < wait(budget) <= 60
    warehouse.age_requests(59)
    assert 0 < wait(budget) <= 1
    warehouse.age_requests(1)
    take(budget)


def test_a_request_whose_process_died_counts_as_if_it_had_taken_its_longest(
    settings: Settings, warehouse: Warehouse
) -> None:
    budget = Budget(warehouse.conn, limited(settings, per_minute=1))
    take(budget)
    assert 60 + REQUEST_SECONDS - 1 < wait(budget) <= 60 + REQUEST_SECONDS


def test_the_oldest_of_the_requests_that_fill_the_minute_decides(
    settings: Settings, warehouse: Warehouse
) -> None:
    budget = Budget(warehouse.conn, limited(settings, per_minute=2))
    for label in ("08-09", "09-10"):
        warehouse.age_requests(20)
        budget.finish(take(budget, label), 200, None)
    assert 39 < wait(budget) <= 40


def test_the_hour_limits_as_well(settings: Settings, warehouse: Warehouse) -> None:
    budget = Budget(warehouse.conn, limited(settings, per_hour=3))
    for label in ("08-09", "09-10", "10-11"):
        budget.finish(take(budget, label), 200, None)
    warehouse.age_requests(600)
    assert 2999 < wait(budget) <= 3000
    assert budget.spent() == Spent(last_minute=0, last_hour=3)


def test_retry_after_holds_for_every_process(settings: Settings, warehouse: Warehouse) -> None:
    budget = Budget(warehouse.conn, settings)
    budget.finish(take(budget), 429, 100.0)
    another = psycopg2.connect(settings.warehouse_url)
    assert 99 < wait(Budget(another, settings)) <= 100
    another.close()
    warehouse.age_requests(100)
    take(budget)


def test_a_later_reply_does_not_shorten_an_earlier_retry_after(
    settings: Settings, warehouse: Warehouse
) -> None:
    budget = Budget(warehouse.conn, settings)
    first, second = take(budget, "08-09"), take(budget, "09-10")
    budget.finish(first, 503, 100.0)
    budget.finish(second, 429, 5.0)
    assert wait(budget) > 95


@pytest.mark.parametrize("status", [200, 404, 400])
def test_what_another_process_got_answered_meanwhile_is_not_asked_again(
    settings: Settings, warehouse: Warehouse, status: int
) -> None:
    mine, other = Budget(warehouse.conn, settings), psycopg2.connect(settings.warehouse_url)
    theirs = Budget(other, settings)
    ticket = take(theirs)
    assert mine.take(DAY, "08-09") == AskedElsewhere()
    take(mine, "09-10")
    theirs.finish(ticket, status, None)
    assert mine.take(DAY, "08-09") == AskedElsewhere()
    take(Budget(warehouse.conn, settings))  # a later run asks again
    other.close()


@pytest.mark.parametrize("status", [None, 500, 503, 408])
def test_a_failure_may_be_tried_again_by_anybody(
    settings: Settings, warehouse: Warehouse, status: int | None
) -> None:
    budget = Budget(warehouse.conn, settings)
    budget.finish(take(budget), status, None)
    take(budget)


def test_the_budget_is_on_the_warehouses_clock(settings: Settings, warehouse: Warehouse) -> None:
    budget = Budget(warehouse.conn, settings)
    budget.finish(take(budget), 200, None)
    rows = warehouse.execute("SELECT requested_at, finished_at, clock_timestamp() FROM ops.provider_requests")
    requested_at, finished_at, now = rows[0]
    assert isinstance(now, datetime)
    assert requested_at <= finished_at <= now


def test_a_lock_that_is_held_too_long_is_an_error_and_not_a_hang(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker: connection = psycopg2.connect(settings.warehouse_url)
    with blocker.cursor() as cur:
        lock_provider_budget(cur, patience_seconds=5)
    monkeypatch.setattr("include.pull.budget.LOCK_SECONDS", 0.1)
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        Budget(warehouse.conn, settings).take(DAY, "08-09")
    blocker.close()
