"""Lengths of time in words."""

from decimal import Decimal

import pytest

from include.duration import counted, duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ("0.4", "less than 1 s"),
        ("1", "1 s"),
        ("59.9", "59 s"),
        ("60", "1 min"),
        ("3599", "59 min"),
        ("3660", "1 h 01 min"),
        ("70647.049984", "19 h 37 min"),
    ],
)
def test_lengths_of_time(seconds: str, words: str) -> None:
    assert duration(Decimal(seconds)) == words


@pytest.mark.parametrize(("count", "text"), [(0, "0 trades"), (1, "1 trade"), (1234, "1,234 trades")])
def test_counts(count: int, text: str) -> None:
    assert counted(count, "trade") == text
