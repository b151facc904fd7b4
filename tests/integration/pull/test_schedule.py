"""Which delivery periods are asked for, on a real warehouse."""

from datetime import UTC, date, datetime, timedelta

import pytest

from include.domain.delivery_period import DeliveryPeriod, Market
from include.domain.reference_price import is_transient_status
from include.errors import TerminalError
from include.pull.schedule import due_periods
from tests.integration.pull.conftest import Warehouse

MARKET = Market.of("Europe/Berlin")
NOW = datetime(2026, 3, 2, 12, 1, tzinfo=UTC)
"""13:01 in Berlin: 14-15 to 23-24 of that day are open, tomorrow's hours open at 15:00."""
TODAY = date(2026, 3, 2)


def period(hour: int, day: date = TODAY) -> DeliveryPeriod:
    return MARKET.period(day, f"{hour:02}-{hour + 1:02}")


def due(
    warehouse: Warehouse,
    window: tuple[datetime, datetime] | None = None,
    force: bool = False,
    now: datetime = NOW,
) -> list[str]:
    """What is due beyond the open hours, as `DD HH-HH`; and the open ones that are traded."""
    open_hours = {(p.delivery_day, p.delivery_hour) for p in MARKET.tradable_hours(now)}
    return [
        f"{p.delivery_day:%d} {p.delivery_hour}"
        for p in due_periods(warehouse.conn, MARKET, now, window, force)
        if p.is_traded or (p.delivery_day, p.delivery_hour) not in open_hours
    ]


def test_an_empty_warehouse_asks_for_the_open_hours_the_nearest_first(warehouse: Warehouse) -> None:
    asked = due_periods(warehouse.conn, MARKET, NOW)
    assert [(p.delivery_day, p.delivery_hour) for p in asked] == [
        (p.delivery_day, p.delivery_hour) for p in MARKET.tradable_hours(NOW)
    ]


def test_an_open_hour_that_is_known_already_is_asked_for_once(warehouse: Warehouse) -> None:
    warehouse.period(period(18))
    warehouse.trade(period(19))
    labels = [p.delivery_hour for p in due_periods(warehouse.conn, MARKET, NOW)]
    assert len(labels) == len(set(labels)) == len(MARKET.tradable_hours(NOW))


def test_traded_hours_around_now_come_first_then_open_ones_then_history_backwards(warehouse: Warehouse) -> None:
    yesterday = TODAY - timedelta(days=1)
    for traded in (period(3, yesterday), period(9, yesterday), period(13), period(22), period(14)):
        warehouse.trade(traded)
    asked = [f"{p.delivery_day:%d} {p.delivery_hour}" for p in due_periods(warehouse.conn, MARKET, NOW)]
    assert asked[:3] == ["02 13-14", "02 14-15", "02 22-23"]
    assert asked[3] == "02 15-16"
    assert asked[-2:] == ["01 09-10", "01 03-04"]


def test_a_final_price_is_not_asked_for_again(warehouse: Warehouse) -> None:
    done = period(10)
    warehouse.trade(done)
    assert due(warehouse) == ["02 10-11"]
    warehouse.price(done, done.price_final_from)
    assert due(warehouse, now=NOW + timedelta(days=300)) == []


@pytest.mark.parametrize(
    ("value", "state", "early"),
    [(None, "accepted", timedelta()), (42, "blocked", timedelta()), (42, "accepted", timedelta(seconds=1))],
)
def test_undefined_blocked_and_early_prices_are_not_final(
    warehouse: Warehouse, value: float | None, state: str, early: timedelta
) -> None:
    done = period(10)
    warehouse.trade(done)
    warehouse.price(done, done.price_final_from - early, value, state)
    assert due(warehouse, now=done.start_at + timedelta(hours=5)) == ["02 10-11"]


def test_what_is_final_is_what_the_readers_view_calls_final(warehouse: Warehouse) -> None:
    for hour, minutes, state in (
        (1, -9, "accepted"),
        (2, 0, "accepted"),
        (3, 5, "blocked"),
        (4, 5, "accepted"),
    ):
        warehouse.trade(period(hour))
        warehouse.price(period(hour), period(hour).price_final_from + timedelta(minutes=minutes), state=state)
    final = warehouse.execute(
        "SELECT to_char(delivery_day, 'DD ') || delivery_hour FROM curated.reference_prices"
        " WHERE price_status = 'final'"
    )
    assert {row[0] for row in final} == {"02 02-03", "02 04-05"}
    assert set(due(warehouse, now=NOW + timedelta(days=1))) == {"02 01-02", "02 03-04"}


def test_an_observation_satisfies_until_the_next_publication(warehouse: Warehouse) -> None:
    traded = period(14)
    warehouse.trade(traded)
    warehouse.price(traded, NOW, value=None)
    assert due(warehouse, now=NOW + timedelta(minutes=9)) == []
    assert due(warehouse, now=NOW + timedelta(minutes=9, seconds=30)) == ["02 14-15"]


@pytest.mark.parametrize("status", [200, 302, 400, 404, 408, 425, 429, 500, 503, None])
def test_a_landed_reply_counts_before_it_is_loaded(warehouse: Warehouse, status: int | None) -> None:
    traded = period(14)
    warehouse.trade(traded)
    warehouse.request(traded, NOW, status)
    is_answered = status is not None and not is_transient_status(status)
    assert (due(warehouse, now=NOW + timedelta(minutes=1)) == []) is is_answered


def test_a_window_adds_what_is_delivered_in_it_until_it_is_final(warehouse: Warehouse) -> None:
    untraded, outside = period(5), period(7)
    window = (period(4).start_at, period(6).end_at)
    for known in (untraded, outside):
        warehouse.period(known)
    assert due(warehouse) == []
    assert due(warehouse, window) == ["02 05-06"]
    warehouse.price(untraded, untraded.price_final_from)
    assert due(warehouse, window, now=NOW + timedelta(days=9)) == []


def test_force_asks_for_the_whole_window_final_or_not(warehouse: Warehouse) -> None:
    delivered, received, outside = period(5), period(9), period(10)
    window = (period(4).start_at, period(6).end_at)
    warehouse.trade(received, received_at=period(4).start_at)
    warehouse.trade(outside, received_at=period(6).end_at)
    for known in (delivered, received, outside):
        warehouse.price(known, NOW)
    assert due(warehouse, window) == []
    assert due(warehouse, window, force=True) == ["02 09-10", "02 05-06"]


def test_force_has_to_be_about_something(warehouse: Warehouse) -> None:
    with pytest.raises(TerminalError, match="window"):
        due_periods(warehouse.conn, MARKET, NOW, force=True)
