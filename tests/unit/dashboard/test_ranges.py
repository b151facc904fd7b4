"""The range before a range, the month to date, and what a range is told by."""

from datetime import date

import pytest

from include.dashboard.ranges import Range


def range_of(first: str, last: str) -> Range:
    return Range(date.fromisoformat(first), date.fromisoformat(last), None, None, date(2026, 11, 25))


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        ("2026-11-25", "2026-11-25", ("2026-11-24", "2026-11-24")),
        ("2026-11-16", "2026-11-22", ("2026-11-09", "2026-11-15")),  # Monday to Sunday
        ("2026-11-18", "2026-11-27", ("2026-11-08", "2026-11-17")),
        ("2026-03-01", "2026-03-31", ("2026-02-01", "2026-02-28")),
        ("2026-01-01", "2026-01-31", ("2025-12-01", "2025-12-31")),
        ("2026-01-01", "2026-03-31", ("2025-10-01", "2025-12-31")),
        ("2025-01-01", "2025-12-31", ("2024-01-01", "2024-12-31")),
        ("2026-02-01", "2026-02-27", ("2026-01-05", "2026-01-31")),  # not the whole month
    ],
)
def test_the_range_before_is_of_the_same_kind(first: str, last: str, before: tuple[str, str]) -> None:
    assert tuple(map(str, range_of(first, last).previous)) == before


@pytest.mark.parametrize(
    ("first", "last", "step"),
    [
        ("2026-11-25", "2026-11-25", "day"),
        ("2026-01-01", "2026-03-03", "day"),  # 62 days
        ("2026-01-01", "2026-03-04", "week"),
        ("2026-01-01", "2026-07-09", "week"),  # 190 days
        ("2026-01-01", "2026-07-10", "month"),
    ],
)
def test_a_long_range_is_told_by_weeks_or_months(first: str, last: str, step: str) -> None:
    assert range_of(first, last).step == step


@pytest.mark.parametrize(
    ("first", "last", "month"),
    [
        ("2026-11-23", "2026-11-29", ("2026-11-01", "2026-11-25")),
        ("2026-11-01", "2026-11-30", ("2026-11-01", "2026-11-25")),
        ("2026-10-26", "2026-11-01", ("2026-11-01", "2026-11-25")),  # whichever days of it are chosen
        ("2026-10-01", "2026-10-31", ("2026-10-01", "2026-10-31")),
        ("2026-10-05", "2026-10-11", ("2026-10-01", "2026-10-11")),
        ("2026-01-01", "2026-12-31", ("2026-11-01", "2026-11-25")),  # December is yet to come
        ("2026-12-01", "2026-12-31", ("2026-11-01", "2026-11-25")),
    ],
)
def test_the_month_to_date_ends_today_or_in_an_earlier_month_with_the_range(
    first: str, last: str, month: tuple[str, str]
) -> None:
    assert tuple(map(str, range_of(first, last).month)) == month
