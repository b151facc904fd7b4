"""Wall time that never jumps by itself: an anchor on the wall clock, and the monotonic clock since then."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_DRIFT = timedelta(seconds=2)
"""How far the wall clock may part from the anchored one; beyond it, somebody stepped the wall clock."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the wall clock.

    Attributes:
        before: The moment at which it was noticed, as the clock went until then, UTC.
        by: How far it went; negative: back.
    """

    before: datetime
    by: timedelta


class AnchoredClock:
    """Tells the time; follows a step of the wall clock at once, and says so.

    Args:
        wall: The wall clock, UTC.
        monotonic: Seconds that only go forward.
    """

    def __init__(self, wall: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._anchor = wall() - timedelta(seconds=monotonic())

    def read(self) -> tuple[datetime, Step | None]:
        """The time, and the step of the wall clock since the last look if there was one."""
        now = self._anchor + timedelta(seconds=self._monotonic())
        by = self._wall() - now
        if abs(by) <= MAX_DRIFT:
            return now, None
        self._anchor += by
        return now + by, Step(now, by)
