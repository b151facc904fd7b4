"""Durations and counts as text."""

from decimal import Decimal


def duration(seconds: Decimal | float) -> str:
    """A duration as text, rounded down: `12 s`, `59 min`, `19 h 37 min`.

    Args:
        seconds: Not negative.
    """
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s" if whole else "less than 1 s"
    minutes = whole // 60
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def counted(count: int, thing: str) -> str:
    """A count as text: `1 trade`, `1,234 trades`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
