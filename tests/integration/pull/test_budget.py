"""The shared budget: never one request too many, whoever asks and whenever."""

import multiprocessing
import os
import time
from dataclasses import replace
from datetime import date, datetime

import psycopg2
import pytest
from psycopg2.extensions import connection

from include.pull.budget import REQUEST_SECONDS, AskedElsewhere, Budget, Spent, Ticket, Wait
from include.pull.client import WHOLE_TIMEOUT_SECONDS
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


def take_all_there_is(settings: Settings, is_history: bool, taken: "multiprocessing.Queue[int]") -> None:
    """A process that asks as fast as it can, for what no other process asks, until the budget says no."""
    conn = psycopg2.connect(settings.warehouse_url)
    budget, count = Budget(conn, settings), 0
    while isinstance(ticket := budget.take(DAY, f"{os.getpid()}-{count}", is_history), Ticket):
        count += 1
        if count % 3:  # every third request is still under way at the end
            budget.finish(ticket, 200, True, None)
    conn.close()
    taken.put(count)


def taken_by_processes(settings: Settings, processes: int, is_history: bool = False) -> int:
    """Requests that this many new processes get at once."""
    context = multiprocessing.get_context("spawn")
    taken: multiprocessing.Queue[int] = context.Queue()
    workers = [
        context.Process(target=take_all_there_is, args=(settings, is_history, taken)) for _ in range(processes)
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
    rows = warehouse.rows("SELECT count(*) FROM ops.provider_requests")
    assert rows == [(50,)]


def test_history_leaves_a_share_of_the_budget_to_live_prices(settings: Settings, warehouse: Warehouse) -> None:
    settings = limited(settings, per_minute=20, per_hour=30)
    assert taken_by_processes(settings, 3, is_history=True) == 14
    assert taken_by_processes(settings, 2, is_history=False) == 6
    warehouse.age_requests(60 + REQUEST_SECONDS)
    assert taken_by_processes(settings, 2, is_history=True) == 1  # 21 of the 30 of the hour
    assert taken_by_processes(settings, 2, is_history=False) == 9
    assert warehouse.rows("SELECT count(*) FROM ops.provider_requests") == [(30,)]


def test_history_waits_until_less_than_its_share_is_in_use(settings: Settings, warehouse: Warehouse) -> None:
    budget = Budget(warehouse.conn, limited(settings, per_minute=10))
    for hour in range(9):
        budget.finish(take(budget, f"{hour:02}-{hour + 1:02}"), 200, True, None)
        warehouse.age_requests(1)
    waits = budget.take(DAY, "23-24", is_history=True)
    assert isinstance(waits, Wait)
    assert 52 < waits.seconds <= 53  # for the third of the nine to leave: six are in use then
    take(budget, "23-24")


@pytest.mark.parametrize("limits", [{"per_minute": 1}, {"per_hour": 1}, {"per_minute": 2}])
def test_the_smallest_budget_lets_history_through(
    settings: Settings, warehouse: Warehouse, limits: dict[str, int]
) -> None:
    budget = Budget(warehouse.conn, limited(settings, **limits))
    ticket = budget.take(DAY, "08-09", is_history=True)
    assert isinstance(ticket, Ticket)
    budget.finish(ticket, 200, True, None)
    assert isinstance(budget.take(DAY, "09-10", is_history=True), Wait)
    warehouse.age_requests(3600)
    assert isinstance(budget.take(DAY, "09-10", is_history=True), Ticket)


@pytest.mark.parametrize(
    ("requests", "is_history", "seconds"),
    [
        (1, False, 0),
        (50, False, 0),
        (51, False, 60),
        (720, False, 14 * 60),
        (8760, False, 8 * 3600),
        (35, True, 0),
        (36, True, 60),
        (700, True, 19 * 60),
        (701, True, 3600),
        (8760, True, 12 * 3600),
    ],
)
def test_how_long_many_requests_take_at_least(
    settings: Settings, warehouse: Warehouse, requests: int, is_history: bool, seconds: float
) -> None:
    assert Budget(warehouse.conn, settings).seconds_for(requests, is_history) == seconds


def test_what_is_spent_already_makes_it_longer(settings: Settings, warehouse: Warehouse) -> None:
    budget = Budget(warehouse.conn, limited(settings, per_hour=5))
    for label in ("08-09", "09-10", "10-11", "11-12", "12-13"):
        budget.finish(take(budget, label), 200, True, None)
    warehouse.age_requests(600)
    assert 2999 < budget.seconds_for(1) <= budget.seconds_for(5) <= 3000
    assert 6599 < budget.seconds_for(6) <= 6600


def test_a_request_counts_for_a_minute_after_its_reply_however_long_it_took(
    settings: Settings, warehouse: Warehouse
) -> None:
    budget = Budget(warehouse.conn, limited(settings, per_minute=1))
    ticket = take(budget)
    warehouse.age_requests(25)
    budget.finish(ticket, 200, True, None)
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


def test_a_request_without_a_reply_counts_as_if_it_had_taken_its_longest(
    settings: Settings, warehouse: Warehouse
) -> None:
    """What is lost on the way may arrive after we have given it up."""
    budget = Budget(warehouse.conn, limited(settings, per_minute=1))
    budget.finish(take(budget), None, False, None)
    assert 60 + REQUEST_SECONDS - 1 < wait(budget) <= 60 + REQUEST_SECONDS
    warehouse.age_requests(60 + REQUEST_SECONDS - 1)
    assert budget.spent() == Spent(last_minute=1, last_hour=1)
    warehouse.age_requests(1)
    take(budget)


def test_no_request_is_sent_after_it_stopped_counting() -> None:
    """The rest is for what is still on its way through the network."""
    assert REQUEST_SECONDS >= WHOLE_TIMEOUT_SECONDS + 10


def test_the_time_of_a_request_starts_before_its_row(settings: Settings, warehouse: Warehouse) -> None:
    before = time.monotonic()
    ticket = take(Budget(warehouse.conn, settings))
    assert before <= ticket.taken_at <= time.monotonic()


def test_the_oldest_of_the_requests_that_fill_the_minute_decides(
    settings: Settings, warehouse: Warehouse
) -> None:
    budget = Budget(warehouse.conn, limited(settings, per_minute=2))
    for label in ("08-09", "09-10"):
        warehouse.age_requests(20)
        budget.finish(take(budget, label), 200, True, None)
    assert 39 < wait(budget) <= 40


def test_the_hour_limits_as_well(settings: Settings, warehouse: Warehouse) -> None:
    budget = Budget(warehouse.conn, limited(settings, per_hour=3))
    for label in ("08-09", "09-10", "10-11"):
        budget.finish(take(budget, label), 200, True, None)
    warehouse.age_requests(600)
    assert 2999 < wait(budget) <= 3000
    assert budget.spent() == Spent(last_minute=0, last_hour=3)


def test_retry_after_holds_for_every_process(settings: Settings, warehouse: Warehouse) -> None:
    budget = Budget(warehouse.conn, settings)
    budget.finish(take(budget), 429, False, 100.0)
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
    budget.finish(first, 503, False, 100.0)
    budget.finish(second, 429, False, 5.0)
    assert wait(budget) > 95


def test_what_another_process_got_answered_meanwhile_is_not_asked_again(
    settings: Settings, warehouse: Warehouse
) -> None:
    mine, other = Budget(warehouse.conn, settings), psycopg2.connect(settings.warehouse_url)
    theirs = Budget(other, settings)
    ticket = take(theirs)
    assert mine.take(DAY, "08-09") == AskedElsewhere()
    take(mine, "09-10")
    theirs.finish(ticket, 200, True, None)
    assert mine.take(DAY, "08-09") == AskedElsewhere()
    take(Budget(warehouse.conn, settings))  # a later run asks again
    other.close()


@pytest.mark.parametrize("status", [None, 200, 302, 500, 503, 408])
def test_a_failure_may_be_tried_again_by_anybody(
    settings: Settings, warehouse: Warehouse, status: int | None
) -> None:
    budget = Budget(warehouse.conn, settings)
    budget.finish(take(budget), status, False, None)
    take(budget)


def test_the_budget_is_on_the_warehouses_clock(settings: Settings, warehouse: Warehouse) -> None:
    budget = Budget(warehouse.conn, settings)
    budget.finish(take(budget), 200, True, None)
    rows = warehouse.rows("SELECT requested_at, finished_at, clock_timestamp() FROM ops.provider_requests")
    requested_at, finished_at, now = rows[0]
    assert isinstance(now, datetime)
    assert requested_at <= finished_at <= now


def test_a_clock_that_was_a_day_ahead_holds_nothing_up_for_a_day(
    settings: Settings, warehouse: Warehouse
) -> None:
    settings = limited(settings, per_minute=3, per_hour=3)
    budget = Budget(warehouse.conn, settings)
    take(budget, "07-08")  # its reply never came
    budget.finish(take(budget, "08-09"), 200, True, None)
    budget.finish(take(budget, "09-10"), 429, False, 3600)
    warehouse.age_requests(-86_400)
    after = Budget(warehouse.conn, settings)
    assert wait(after) == pytest.approx(3600, abs=REQUEST_SECONDS + 5)
    warehouse.age_requests(3600 + REQUEST_SECONDS)
    take(after, "07-08")
    take(after, "08-09")


def test_a_lock_that_is_held_too_long_is_an_error_and_not_a_hang(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget(warehouse.conn, settings)
    ticket = take(budget)
    blocker: connection = psycopg2.connect(settings.warehouse_url)
    with blocker.cursor() as cur:
        lock_provider_budget(cur, "provider", timeout_seconds=5)
    monkeypatch.setattr("include.pull.budget.LOCK_TIMEOUT_SECONDS", 0.1)
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        budget.take(DAY, "09-10")
    # no reply may be finished before a moment and be seen after it
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        budget.finish(ticket, 200, True, None)
    with pytest.raises(psycopg2.errors.LockNotAvailable):
        Budget(warehouse.conn, settings)
    blocker.close()
