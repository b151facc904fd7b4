"""Durations and counts as text, and numbers as people read them."""

from decimal import ROUND_HALF_UP, Decimal


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


def rounded(value: Decimal, places: int) -> Decimal:
    """Half up to so many digits after the point."""
    # + 0 turns -0.00 into 0.00
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) + 0
