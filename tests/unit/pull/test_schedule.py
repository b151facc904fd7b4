"""When a price is due, as a rule of time alone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.delivery_period import DeliveryPeriod, Market
from include.pull.schedule import is_due, is_recheck_due, last_publication

MARKET = Market.of("Europe/Berlin")
HOUR = MARKET.period(date(2026, 3, 2), "13-14")
"""Delivery from 12:00 UTC, last publication until 12:00:30, final whatever its age at 11:00 the next day."""
FINAL_FROM, NOON = HOUR.price_final_from, HOUR.stale_price_final_from
DAYS = st.dates(date(2024, 1, 1), date(2027, 1, 1))
SPANS = st.timedeltas(timedelta(), timedelta(days=400))


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-02T{clock}+00:00")


def hour_of(day: date) -> DeliveryPeriod:
    return MARKET.period(day, "13-14")


@pytest.mark.parametrize(
    ("now", "expected"),
    [("11:10:29", "11:00:30"), ("11:10:30", "11:10:30"), ("11:19:59", "11:10:30"), ("00:00:30", "00:00:30")],
)
def test_a_publication_counts_from_its_longest_delay(now: str, expected: str) -> None:
    assert last_publication(at(now)) == at(expected)


@given(DAYS, SPANS)
def test_what_was_never_answered_is_due(day: date, age: timedelta) -> None:
    assert is_due(hour_of(day).start_at + age, hour_of(day), None)


@pytest.mark.parametrize(
    ("now", "answered", "due"),
    [
        ("11:11:00", "11:10:31", False),
        ("11:11:00", "11:10:29", True),  # perhaps still the value of 11:00
        ("11:20:00", "11:10:31", False),
        ("11:20:31", "11:10:31", True),
        ("13:59:00", "13:40:00", True),
        ("14:00:30", "13:59:59", True),  # the last of the two hours
        ("14:10:31", "14:01:00", False),
    ],
)
def test_a_price_is_due_after_each_publication_until_two_hours_after_the_last_one(
    now: str, answered: str, due: bool
) -> None:
    assert is_due(at(now), HOUR, at(answered)) is due


@pytest.mark.parametrize(
    ("after_final", "waited_minutes", "due"),
    [
        (timedelta(hours=3), 59, False),
        (timedelta(hours=3), 60, True),
        (timedelta(hours=22), 59, False),
        (timedelta(hours=22), 60, True),
    ],
)
def test_then_it_is_due_every_hour(after_final: timedelta, waited_minutes: int, due: bool) -> None:
    now = FINAL_FROM + after_final
    assert now < NOON
    assert is_due(now, HOUR, now - timedelta(minutes=waited_minutes)) is due


def test_it_is_due_at_noon_of_the_next_day_when_any_value_is_final() -> None:
    before = NOON - timedelta(minutes=1)
    assert not is_due(before, HOUR, before - timedelta(minutes=30))
    assert is_due(NOON, HOUR, before - timedelta(minutes=30))
    assert not is_due(NOON + timedelta(minutes=30), HOUR, NOON)


@pytest.mark.parametrize(
    ("hours", "waited_minutes", "due"),
    [(48, 359, False), (48, 360, True), (240, 30 * 60 - 1, False), (240, 30 * 60, True)],
)
def test_an_older_price_is_due_after_an_eighth_of_its_age(hours: int, waited_minutes: int, due: bool) -> None:
    now = FINAL_FROM + timedelta(hours=hours)
    assert is_due(now, HOUR, now - timedelta(minutes=waited_minutes)) is due


@given(DAYS, st.timedeltas(timedelta(hours=3), timedelta(days=400)))
def test_a_price_that_never_gets_final_costs_only_a_few_requests(day: date, life: timedelta) -> None:
    """The interval grows with the age, so the requests grow with its logarithm."""
    hour = hour_of(day)
    now, asked = hour.price_final_from, 0
    answered: datetime | None = None
    while now < hour.price_final_from + life:
        if is_due(now, hour, answered):
            asked, answered = asked + 1, now
        now += max(timedelta(minutes=10), (now - hour.start_at) / 64)
    assert 1 <= asked <= 120


@given(DAYS, SPANS, SPANS, SPANS)
def test_once_due_it_stays_due(day: date, age: timedelta, silence: timedelta, longer: timedelta) -> None:
    hour = hour_of(day)
    answered = hour.tradable_from + age
    now = answered + silence
    if is_due(now, hour, answered):
        assert is_due(now + longer, hour, answered)


@pytest.mark.parametrize(
    ("now", "answered", "due"),
    [
        ("2026-03-03T04:59:59", "2026-03-02T12:01:00", False),
        ("2026-03-03T05:00:00", "2026-03-02T12:01:00", True),  # 6 in Berlin
        ("2026-03-03T05:00:00", "2026-03-03T04:59:59", True),
        ("2026-03-03T05:10:00", "2026-03-03T05:00:00", False),
        ("2026-03-09T05:10:00", "2026-03-03T05:00:00", False),
    ],
)
def test_a_final_price_is_due_once_in_the_morning_after_delivery(now: str, answered: str, due: bool) -> None:
    moment, answered_at = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, answered))
    assert is_recheck_due(moment, HOUR, answered_at) is due
