"""The window of receipt that a run works on."""

from dataclasses import dataclass
from datetime import datetime


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
