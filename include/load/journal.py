"""Derives from the journal in a landing file when its capture instance was provably connected."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

MAX_SILENCE = timedelta(seconds=30)
"""A heartbeat is due every 10 s: once three are missing, nothing proves that the connection still existed."""


@dataclass(slots=True)
class Journal:
    """The connected intervals, from events and messages in the order of the file.

    Attributes:
        connected_from: Start of the interval that is still open; None while not connected.
        connected_until: Last proof of the connection within it.
        intervals: All intervals touched, as start -> end, UTC.
        set_right: By how many seconds the clock was set at the end of the file (negative: back), if this puts
            its times in doubt, and the earlier files of the instance whose times are in doubt as well.
    """

    connected_from: datetime | None = None
    connected_until: datetime | None = None
    intervals: dict[datetime, datetime] = field(default_factory=dict)
    set_right: tuple[float, list[str]] | None = None

    def proof(self, at: datetime) -> None:
        """The instance was connected at that moment."""
        if (
            self.connected_from is None
            or self.connected_until is None
            or at - self.connected_until > MAX_SILENCE
        ):
            self.connected_from = self.connected_until = at
        self.connected_until = max(self.connected_until, at)
        self.intervals[self.connected_from] = self.connected_until

    def event(
        self,
        at: datetime,
        name: str,
        connected: bool | None,
        alive_until: datetime | None,
        connected_since: datetime | None = None,
    ) -> None:
        """Takes in one event of the file."""
        if connected and connected_since is not None and connected_since <= at:
            # the connection survived a step of the clock, which by itself looks like silence
            self.connected_from, self.connected_until = connected_since, at
        if name == "connected" or connected:
            self.proof(at)
        elif name == "disconnected" or connected is False:
            if name == "disconnected" and self.connected_from is not None:
                # connected until the last sign of life, even if the loss was noticed only later
                self.proof(max(self.connected_from, min(at, alive_until or at)))
            self.connected_from = self.connected_until = None
