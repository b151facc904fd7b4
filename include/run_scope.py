"""The scope of a run: a window of receipt, a range of delivery days, or a rebuild of such a range."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from include.domain.delivery_period import parse_delivery_day
from include.domain.rejection import RejectedMessageError
from include.errors import TerminalError

MAX_DAYS = 3_660
"""A longer range of delivery days is taken for a typing error."""


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open interval of UTC time; landing files belong to it by their hour of receipt.

    Raises:
        ValueError: A bound has no time zone, or the end is not after the start.
    """

    start_at: datetime
    end_at: datetime

    def __post_init__(self) -> None:
        if self.start_at.tzinfo is None or self.end_at.tzinfo is None or self.end_at <= self.start_at:
            raise ValueError(f"invalid window: {self.start_at} to {self.end_at}")


@dataclass(frozen=True, slots=True)
class DeliveryDays:
    """A range of delivery days, both ends included.

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
        """The range from two texts `YYYY-MM-DD`, from a trigger form or a command line.

        Raises:
            TerminalError: One of them is not a delivery day, or the range is invalid (see the class).
        """
        return cls(parse_day("from", first), parse_day("to", last))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def days(self) -> list[date]:
        """All days, in order."""
        return [self.first + timedelta(days=number) for number in range(len(self))]


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A rebuild of curated.pnl_hourly over a range of delivery days.

    Attributes:
        rebuild_id: Identifies the run: a retry with the same id continues where it stopped.
        days: The delivery days.
        reload: Delete what was loaded from their landing files and load these again from the first line.
        force_prices: Ask the provider again for the price of each of their hours, even if it is final.
    """

    rebuild_id: str
    days: DeliveryDays
    reload: bool = False
    force_prices: bool = False


def parse_day(name: str, value: object) -> date:
    """The day from a text `YYYY-MM-DD`.

    Raises:
        TerminalError: It is none, or far from any that is traded; the message calls it by this name.
    """
    try:
        return parse_delivery_day(value)
    except RejectedMessageError:
        raise TerminalError(f"{name} must be a delivery day like 2026-03-02, not {value!r}") from None
