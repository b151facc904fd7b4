"""When a price is due, as a rule of time alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.pull.schedule import is_due, last_publication

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))
SPANS = st.timedeltas(timedelta(), timedelta(days=400))


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-02T{clock}+00:00")


@pytest.mark.parametrize(
    ("now", "expected"),
    [("11:10:29", "11:00:30"), ("11:10:30", "11:10:30"), ("11:19:59", "11:10:30"), ("00:00:30", "00:00:30")],
)
def test_a_publication_counts_from_its_longest_delay(now: str, expected: str) -> None:
    assert last_publication(at(now)) == at(expected)


@given(MOMENTS, SPANS)
def test_what_was_never_answered_is_due(start: datetime, age: timedelta) -> None:
    assert is_due(start + age, start, None)


@pytest.mark.parametrize(
    ("now", "answered", "due"),
    [
        ("11:11:00", "11:10:31", False),
        ("11:11:00", "11:10:29", True),  # perhaps still the value of 11:00
        ("11:20:00", "11:10:31", False),
        ("11:20:31", "11:10:31", True),
        ("13:59:00", "13:40:00", True),
        ("14:00:00", "13:50:31", False),
    ],
)
def test_a_recent_price_is_due_after_each_publication(now: str, answered: str, due: bool) -> None:
    assert is_due(at(now), START, at(answered)) is due


@pytest.mark.parametrize(
    ("hours", "waited_minutes", "due"),
    [
        (3, 22, False),
        (3, 23, True),
        (24, 179, False),
        (24, 180, True),
        (240, 29 * 60, False),
        (240, 30 * 60, True),
    ],
)
def test_an_older_price_is_due_after_an_eighth_of_its_age(hours: int, waited_minutes: int, due: bool) -> None:
    now = START + timedelta(hours=hours)
    assert is_due(now, START, now - timedelta(minutes=waited_minutes)) is due


@given(MOMENTS, st.timedeltas(timedelta(hours=3), timedelta(days=400)))
def test_a_price_that_never_gets_final_costs_only_a_few_requests(start: datetime, life: timedelta) -> None:
    """The interval grows with the age, so the requests grow with its logarithm."""
    now, asked = start + timedelta(hours=2), 0
    answered: datetime | None = None
    while now < start + life:
        if is_due(now, start, answered):
            asked, answered = asked + 1, now
        now += max(timedelta(minutes=10), (now - start) / 64)
    assert 1 <= asked <= 120


@given(MOMENTS, SPANS, SPANS)
def test_once_due_it_stays_due(start: datetime, silence: timedelta, longer: timedelta) -> None:
    answered = start + timedelta(hours=2)
    now = answered + silence
    if is_due(now, start, answered):
        assert is_due(now + longer, start, answered)
