"""Progress of a long job, for its log."""

import time

from include.duration import duration


class Progress:
    """Formats how much is done, the rate, and the estimated time left.

    Args:
        unit: What is counted, in the plural.
        count: The total.
    """

    def __init__(self, unit: str, count: int) -> None:
        self._unit = unit
        self._count = count
        self._began = time.monotonic()

    def text(self, done: int) -> str:
        """For example `14 of 31 delivery days, 3.5 a second, 5 s left`."""
        seconds = time.monotonic() - self._began
        text = f"{done:,} of {self._count:,} {self._unit}"
        if not done or seconds <= 0:
            return text
        rate = done / seconds
        pace = f"{rate:,.1f} a second" if rate >= 1 else f"{rate * 60:,.1f} a minute"
        return f"{text}, {pace}, {duration((self._count - done) / rate)} left"
