"""A clock that detects steps of the wall clock: it adds monotonic time to an anchor."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_DRIFT = timedelta(seconds=2)
"""A larger difference between the wall clock and the anchored clock is a step of the wall clock."""

_MAX_READING_SECONDS = 0.01
_MAX_READINGS = 10


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the wall clock.

    Attributes:
        before: When it was detected, by the clock as it was before the step, UTC.
        by: The size of the step; negative if the clock was set back.
    """

    before: datetime
    by: timedelta


class AnchoredClock:
    """Returns the time; follows a step of the wall clock immediately and reports it.

    Args:
        wall: The wall clock, UTC.
        monotonic: Seconds that only go forward.
    """

    def __init__(self, wall: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._wall = wall
        self._monotonic = monotonic
        wall_now, monotonic_now = self._both()
        self._anchor = wall_now - timedelta(seconds=monotonic_now)

    def _both(self) -> tuple[datetime, float]:
        """Both clocks at the same moment: a process that is held up between the readings would see a step."""
        for _ in range(_MAX_READINGS):
            before = self._monotonic()
            wall = self._wall()
            if self._monotonic() - before <= _MAX_READING_SECONDS:
                break
        return wall, before

    def read(self) -> tuple[datetime, Step | None]:
        """The time, and the step of the wall clock since the last call, if there was one."""
        wall_now, monotonic_now = self._both()
        now = self._anchor + timedelta(seconds=monotonic_now)
        by = wall_now - now
        if abs(by) <= MAX_DRIFT:
            return now, None
        self._anchor += by
        return now + by, Step(now, by)
