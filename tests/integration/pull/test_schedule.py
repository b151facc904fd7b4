"""Which delivery periods are asked for, on a real warehouse."""

from datetime import UTC, date, datetime, timedelta

import pytest

from include.domain.delivery_period import DeliveryPeriod, Market
from include.load.ledger import store_periods
from include.pull.schedule import PeriodToPrice, Scope, due_periods
from tests.integration.pull.conftest import Warehouse

MARKET = Market.of("Europe/Berlin")
NOW = datetime(2026, 3, 2, 12, 1, tzinfo=UTC)
"""13:01 in Berlin: 14-15 to 23-24 of that day are open, tomorrow's hours open at 15:00."""
TODAY = date(2026, 3, 2)


def period(hour: int, day: date = TODAY) -> DeliveryPeriod:
    return MARKET.period(day, f"{hour:02}-{hour + 1:02}")


def labels(periods: list[PeriodToPrice]) -> list[str]:
    return [f"{p.delivery_day:%d} {p.delivery_hour}" for p in periods]


def due(warehouse: Warehouse, now: datetime = NOW) -> list[str]:
    """What is due beyond the open hours, as `DD HH-HH`; and the open ones that are traded."""
    open_hours = {(p.delivery_day, p.delivery_hour) for p in MARKET.tradable_hours(now)}
    periods = due_periods(warehouse.conn, Scope.at_present(MARKET, now), now)
    return labels(
        [p for p in periods if p.is_traded or (p.delivery_day, p.delivery_hour) not in open_hours],
    )


def due_in_window(
    warehouse: Warehouse, start_at: datetime, end_at: datetime, now: datetime = NOW, force: bool = False
) -> list[str]:
    scope = Scope.of_window(MARKET, now, start_at, end_at)
    return labels(due_periods(warehouse.conn, scope, now, force))


def due_on_days(
    warehouse: Warehouse,
    first: date,
    last: date,
    now: datetime = NOW,
    force: bool = False,
    answered_since: datetime | None = None,
) -> list[str]:
    scope = Scope.of_days(MARKET, now, first, last)
    return labels(due_periods(warehouse.conn, scope, now, force, answered_since))


def test_an_empty_warehouse_asks_for_the_open_hours_the_nearest_first(warehouse: Warehouse) -> None:
    asked = due_periods(warehouse.conn, Scope.at_present(MARKET, NOW), NOW)
    assert [(p.delivery_day, p.delivery_hour) for p in asked] == [
        (p.delivery_day, p.delivery_hour) for p in MARKET.tradable_hours(NOW)
    ]


def test_an_open_hour_that_is_known_already_is_asked_for_once(warehouse: Warehouse) -> None:
    warehouse.period(period(18))
    warehouse.trade(period(19))
    asked = labels(due_periods(warehouse.conn, Scope.at_present(MARKET, NOW), NOW))
    assert len(asked) == len(set(asked)) == len(MARKET.tradable_hours(NOW))


def test_traded_hours_around_now_come_first_then_open_ones_then_history_backwards(warehouse: Warehouse) -> None:
    yesterday = TODAY - timedelta(days=1)
    for traded in (period(3, yesterday), period(9, yesterday), period(13), period(22), period(14)):
        warehouse.trade(traded)
    periods = due_periods(warehouse.conn, Scope.at_present(MARKET, NOW), NOW)
    asked = labels(periods)
    assert asked[:3] == ["02 13-14", "02 14-15", "02 22-23"]
    assert asked[3] == "02 15-16"
    assert asked[-2:] == ["01 09-10", "01 03-04"]
    assert [p.is_history for p in periods] == [False] * (len(periods) - 2) + [True] * 2


def test_what_failed_last_comes_after_the_others_of_its_kind(warehouse: Warehouse) -> None:
    yesterday = TODAY - timedelta(days=1)
    for traded in (period(3, yesterday), period(9, yesterday), period(14), period(15)):
        warehouse.trade(traded)
    earlier, late = NOW - timedelta(minutes=30), NOW - timedelta(minutes=20)
    warehouse.request(period(14), late, 500, False)
    warehouse.request(period(16), earlier, None, False)
    warehouse.request(period(9, yesterday), late, 200, False)
    for answered in (period(15), period(17)):  # since it failed
        warehouse.request(answered, earlier, 503, False)
        warehouse.request(answered, late, 200, True)
    warehouse.request(period(18), late, None, None)  # its process died
    asked = labels(due_periods(warehouse.conn, Scope.at_present(MARKET, NOW), NOW))
    expected = [f"02 {hour}-{hour + 1}" for hour in (15, 17, 18, 19, 20, 21, 22, 23, 16, 14)]
    assert asked == [*expected, "01 03-04", "01 09-10"]


def test_what_nobody_can_trade_yet_is_not_asked_for_whatever_trades_say(warehouse: Warehouse) -> None:
    for days in (2, 3, 300):
        warehouse.trade(period(12, TODAY + timedelta(days=days)))
    assert due(warehouse) == ["04 12-13"]
    assert set(due(warehouse, NOW + timedelta(days=1))) == {"04 12-13", "05 12-13"}


def test_a_final_price_is_not_asked_for_again(warehouse: Warehouse) -> None:
    done = period(10)
    warehouse.trade(done)
    assert due(warehouse) == ["02 10-11"]
    warehouse.price(done, done.price_final_from)
    assert due(warehouse, now=NOW + timedelta(hours=16)) == []
    assert due(warehouse, now=NOW + timedelta(days=300)) == []


@pytest.mark.parametrize(("value", "early"), [(None, timedelta()), (42, timedelta(seconds=1))])
def test_undefined_and_early_prices_are_not_final(
    warehouse: Warehouse, value: float | None, early: timedelta
) -> None:
    done = period(10)
    warehouse.trade(done)
    warehouse.price(done, done.price_final_from - early, value)
    assert due(warehouse, now=done.start_at + timedelta(hours=5)) == ["02 10-11"]


def test_a_stale_value_is_asked_for_until_it_is_final_at_noon(warehouse: Warehouse) -> None:
    done = period(10)
    warehouse.trade(done)
    stale, noon = done.price_current_from - timedelta(seconds=1), done.stale_price_final_from
    minute = timedelta(minutes=1)
    warehouse.price(done, done.price_final_from, updated_at=stale)
    assert due(warehouse, now=done.price_final_from + 9 * minute) == []
    assert due(warehouse, now=done.price_final_from + 10 * minute) == ["02 10-11"]
    warehouse.price(done, noon - minute, updated_at=stale)
    assert due(warehouse, now=noon) == ["02 10-11"]
    warehouse.price(done, noon, updated_at=stale)
    assert due(warehouse, now=noon + timedelta(days=30)) == []


def test_a_final_price_is_asked_for_once_more_the_next_morning_as_history(warehouse: Warehouse) -> None:
    traded, untraded, stale, unknown = period(10), period(11), period(12), period(9)
    warehouse.trade(traded)
    warehouse.trade(stale)
    warehouse.period(unknown)
    for hour in (traded, untraded):
        warehouse.price(hour, hour.price_final_from)
    warehouse.price(stale, stale.price_final_from, updated_at=stale.tradable_from)
    morning = traded.price_recheck_from

    def due_at(now: datetime) -> list[PeriodToPrice]:
        open_hours = {(p.delivery_day, p.delivery_hour) for p in MARKET.tradable_hours(now)}
        periods = due_periods(warehouse.conn, Scope.at_present(MARKET, now), now)
        return [p for p in periods if (p.delivery_day, p.delivery_hour) not in open_hours]

    assert labels(due_at(morning - timedelta(seconds=1))) == ["02 12-13"]
    at_six = due_at(morning)
    assert set(labels(at_six)) == {"02 10-11", "02 11-12", "02 12-13"}
    assert all(p.is_history for p in at_six)
    warehouse.request(traded, morning, 200, True)
    warehouse.request(untraded, morning, 503, False)
    assert "02 10-11" not in labels(due_at(morning))
    assert "02 11-12" in labels(due_at(morning + timedelta(days=6)))
    assert "02 11-12" not in labels(due_at(morning + timedelta(days=7)))
    window = (traded.start_at, untraded.end_at)
    assert due_in_window(warehouse, *window, now=morning) == [], "only the run for the present does it"


def test_what_is_final_is_what_the_readers_view_calls_final_or_will_once_it_is_validated(
    warehouse: Warehouse,
) -> None:
    for hour, minutes, state in (
        (1, -9, "accepted"),
        (2, 0, "accepted"),
        (4, 5, "accepted"),
        (5, 5, "loaded"),
        (6, -9, "loaded"),
    ):
        warehouse.trade(period(hour))
        warehouse.price(period(hour), period(hour).price_final_from + timedelta(minutes=minutes), state=state)
    final = "SELECT to_char(delivery_day, 'DD ') || delivery_hour FROM curated.reference_prices"
    final += " WHERE price_status = 'final'"
    assert set(warehouse.rows(final)) == {("02 02-03",), ("02 04-05",)}
    tonight = NOW + timedelta(hours=15)
    assert set(due(warehouse, tonight)) == {"02 01-02", "02 06-07"}
    warehouse.rows("UPDATE ops.load_batches SET state = 'accepted' WHERE state = 'loaded'")
    assert len(warehouse.rows(final)) == 3
    assert set(due(warehouse, tonight)) == {"02 01-02", "02 06-07"}


def test_an_observation_satisfies_until_the_next_publication(warehouse: Warehouse) -> None:
    traded = period(14)
    warehouse.trade(traded)
    warehouse.price(traded, NOW, value=None)
    assert due(warehouse, now=NOW + timedelta(minutes=9)) == []
    assert due(warehouse, now=NOW + timedelta(minutes=9, seconds=30)) == ["02 14-15"]


@pytest.mark.parametrize(
    ("status", "is_answer"), [(200, True), (404, True), (200, False), (302, False), (None, False), (None, None)]
)
def test_an_answer_counts_before_it_is_loaded_and_another_reply_never_does(
    warehouse: Warehouse, status: int | None, is_answer: bool | None
) -> None:
    traded = period(14)
    warehouse.trade(traded)
    warehouse.request(traded, NOW, status, is_answer)
    assert (due(warehouse, now=NOW + timedelta(minutes=1)) == []) is bool(is_answer)


def test_a_window_is_about_its_hours_known_or_not_and_not_about_what_is_open_or_traded_elsewhere(
    warehouse: Warehouse,
) -> None:
    warehouse.trade(period(7))
    warehouse.trade(period(14))
    window = (period(4).start_at, period(6).end_at)
    assert due_in_window(warehouse, *window) == ["02 06-07", "02 05-06", "02 04-05"]
    warehouse.price(period(5), period(5).price_final_from)
    assert due_in_window(warehouse, *window) == ["02 06-07", "02 04-05"]
    assert due_in_window(warehouse, *window, now=NOW + timedelta(days=9)) == ["02 06-07", "02 04-05"]


def test_parts_of_hours_cost_no_request_but_that_of_their_hour(warehouse: Warehouse) -> None:
    quarters = [MARKET.period(TODAY, label) for label in ("04:00-04:15", "04:45-05:00", "05:00-05:15")]
    for quarter in quarters:
        warehouse.trade(quarter, received_at=period(4).start_at)
    asked = due_periods(warehouse.conn, Scope.at_present(MARKET, NOW), NOW)
    assert not any(":" in label for label in labels(asked))
    assert {"02 04-05", "02 05-06"} == set(labels([p for p in asked if p.is_traded]))
    assert due_in_window(warehouse, period(4).start_at, period(4).end_at) == ["02 05-06", "02 04-05"]
    assert len(due_on_days(warehouse, TODAY, TODAY, force=True)) == 24


def test_a_window_asks_for_what_was_traded_in_it_whenever_it_is_delivered(warehouse: Warehouse) -> None:
    received, outside, final = period(9), period(10), period(8)
    start_at, end_at = period(4).start_at, period(4).end_at
    warehouse.trade(received, received_at=end_at - timedelta(seconds=1))
    warehouse.trade(final, received_at=start_at)
    warehouse.trade(outside, received_at=end_at)
    warehouse.trade(outside, received_at=start_at - timedelta(seconds=1))
    warehouse.price(final, final.price_final_from)
    assert due_in_window(warehouse, start_at, end_at) == ["02 09-10", "02 04-05"]


def test_an_hour_that_only_a_reject_tells_is_not_asked_for(warehouse: Warehouse) -> None:
    tomorrow = TODAY + timedelta(days=1)
    store_periods(warehouse.conn.cursor(), (), [period(8, tomorrow)])
    assert len(due_on_days(warehouse, TODAY, tomorrow)) == 24, "tomorrow's hours are not open yet"
    store_periods(warehouse.conn.cursor(), [period(8, tomorrow)])
    assert len(due_on_days(warehouse, TODAY, tomorrow)) == 25


def test_a_window_asks_only_for_what_is_due(warehouse: Warehouse) -> None:
    hour = period(8)
    warehouse.request(hour, NOW - timedelta(minutes=20), 404, True)
    assert due_in_window(warehouse, hour.start_at, hour.end_at) == []
    assert due_in_window(warehouse, hour.start_at, hour.end_at, now=NOW + timedelta(hours=1)) == ["02 08-09"]


@pytest.mark.parametrize(
    ("start_at", "expected"),
    [
        ("2026-03-01T23:00+00:00", ["02 00-01"]),  # midnight in Berlin
        ("2026-03-02T00:00+00:00", ["02 01-02"]),
        ("2025-10-26T00:00+00:00", ["26 02-03"]),  # the doubled label starts with its first hour …
        ("2025-10-26T01:00+00:00", []),  # … and not with its second
        ("2025-03-30T01:00+00:00", ["30 03-04"]),
    ],
)
def test_a_window_finds_its_hours_in_the_calendar(
    warehouse: Warehouse, start_at: str, expected: list[str]
) -> None:
    start = datetime.fromisoformat(start_at)
    assert due_in_window(warehouse, start, start + timedelta(hours=1)) == expected


def test_days_are_all_their_hours_but_those_that_nobody_can_trade_yet(
    warehouse: Warehouse,
) -> None:
    warehouse.period(MARKET.period(TODAY, "04:00-04:15"))
    warehouse.trade(period(4, TODAY - timedelta(days=1)))
    tomorrow = TODAY + timedelta(days=1)
    assert len(due_on_days(warehouse, TODAY, tomorrow)) == 24
    warehouse.trade(period(4, tomorrow))
    assert len(due_on_days(warehouse, TODAY, tomorrow)) == 25
    assert len(due_on_days(warehouse, TODAY, tomorrow, now=NOW + timedelta(hours=2))) == 48
    for hour in range(24):
        warehouse.price(period(hour), period(hour).price_final_from)
    assert due_on_days(warehouse, TODAY, TODAY) == []
    assert len(due_on_days(warehouse, date(2025, 3, 30), date(2025, 3, 30))) == 23


def test_force_asks_for_what_is_delivered_in_the_window_final_or_not(warehouse: Warehouse) -> None:
    delivered, received, outside = period(5), period(9), period(10)
    window = (delivered.start_at, delivered.end_at)
    warehouse.trade(received, received_at=delivered.start_at)
    warehouse.trade(outside, received_at=delivered.end_at)
    for known in (delivered, received, outside):
        warehouse.price(known, NOW)
    assert due_in_window(warehouse, *window) == []
    assert due_in_window(warehouse, *window, force=True) == ["02 05-06"], "each period in one window only"
    assert len(due_on_days(warehouse, TODAY, TODAY)) == 21
    assert len(due_on_days(warehouse, TODAY, TODAY, force=True)) == 24


def test_what_was_answered_since_is_not_forced_again(warehouse: Warehouse) -> None:
    yesterday = TODAY - timedelta(days=1)
    began_at = NOW - timedelta(hours=3)
    warehouse.request(period(7, yesterday), began_at, 200, True)
    warehouse.request(period(8, yesterday), began_at - timedelta(seconds=1), 200, True)
    warehouse.request(period(9, yesterday), NOW, 503, False)
    warehouse.price(period(10, yesterday), NOW)
    left = due_on_days(warehouse, yesterday, yesterday, force=True, answered_since=began_at)
    assert {f"01 {hour:02}-{hour + 1:02}" for hour in range(24)} - set(left) == {"01 07-08", "01 10-11"}
