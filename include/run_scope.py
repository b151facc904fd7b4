"""What a run works on: a window of receipt, a range of delivery days, or a rebuild of such a range."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from include.domain.delivery_period import FIRST_DAY, LAST_DAY
from include.errors import TerminalError

MAX_DAYS = 3_660
"""A longer range of delivery days is a typing error."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of UTC time, half-open; landing files belong to it by their hour of receipt.

    Raises:
        ValueError: A bound has no zone, or the end is not after the start.
    """

    start_at: datetime
    end_at: datetime

    def __post_init__(self) -> None:
        if self.start_at.tzinfo is None or self.end_at.tzinfo is None or self.end_at <= self.start_at:
            raise ValueError(f"no window: {self.start_at} to {self.end_at}")


@dataclass(frozen=True, slots=True)
class DeliveryDays:
    """A range of delivery days of the market, both ends included.

    Raises:
        TerminalError: The first day is after the last, or the range is longer than MAX_DAYS.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise TerminalError(
                f"from {self.first} is after to {self.last}: the first delivery day comes first"
            )
        if len(self) > MAX_DAYS:
            raise TerminalError(f"{self.first} to {self.last} are {len(self)} days; at most {MAX_DAYS} at once")

    @classmethod
    def parse(cls, first: object, last: object) -> "DeliveryDays":
        """The range of two texts `YYYY-MM-DD`, as a trigger form or a command line gives them.

        Raises:
            TerminalError: One of them is no day that delivery can be on, or see the class.
        """
        return cls(_day("from", first), _day("to", last))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def days(self) -> list[date]:
        """Each day in order."""
        return [self.first + timedelta(days=number) for number in range(len(self))]


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A rebuild of curated.pnl_hourly over a range of delivery days.

    Attributes:
        rebuild_id: The run that does it: a retry under the same id goes on where it stopped.
        days: The delivery days.
        reload: Forget what was loaded of their landing files, and load these from their first line.
        force_prices: Ask the provider again for the price of each of their hours, final or not.
    """

    rebuild_id: str
    days: DeliveryDays
    reload: bool = False
    force_prices: bool = False


def _day(name: str, value: object) -> date:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value.strip(), re.ASCII):
        try:
            day = date.fromisoformat(value.strip())
        except ValueError:
            pass
        else:
            if FIRST_DAY <= day <= LAST_DAY:
                return day
    raise TerminalError(f"{name} must be a delivery day like 2026-03-02, not {value!r}")
