"""One capture instance: its landing files with messages and journal, as include/capture writes them."""

from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import BinaryIO

from include.landing import TRADES, event_line, message_line, timestamp
from tools.history.outages import Outage

_HEARTBEAT = timedelta(seconds=10)
_URL = "ws://127.0.0.1:5050"
_STOPS_BEFORE = timedelta(milliseconds=500)
_MILLISECOND = timedelta(milliseconds=1)


class CaptureLine:
    """Receives what is sent, in order, while it is connected.

    Args:
        root: LANDING_ROOT.
        number: From 0.
        name: Of the capture, as in its files' names.
        start_at: UTC hour; it connects some milliseconds later.
        end_at: UTC hour; it is stopped half a second before.
        outages: When it is not connected, in order.
        seed: Of the latencies.

    Attributes:
        files: Written so far.
        lines: In these, events included.
    """

    def __init__(
        self,
        root: Path,
        number: int,
        name: str,
        start_at: datetime,
        end_at: datetime,
        outages: list[Outage],
        seed: int,
    ) -> None:
        self.number = number
        self.files = self.lines = 0
        self._root = root
        self._name, self._host, self._pid = name, f"desk-{number + 1}", 4100 + 100 * number
        self._random = Random(f"{seed}/latency/{number}").random
        self._file: BinaryIO | None = None
        self._hour_ends_at = start_at
        self._stop_at = end_at - _STOPS_BEFORE
        self._last_at = start_at + (3 + 5 * number) * _MILLISECOND
        self._alive_at = self._last_at
        self._is_up = self._is_connected = False
        self._connections = self._messages = 0
        self._received_at: datetime | None = None
        self._beat_at = self._last_at + _HEARTBEAT
        # each: when, and what becomes of the connection
        self._changes: list[tuple[datetime, str, str]] = [(self._last_at + 20 * _MILLISECOND, "connected", "")]
        for outage in outages:
            self._changes.append((outage.lost_at, "lost", ""))
            self._changes.append((outage.noticed_at, "disconnected", outage.reason))
            self._changes.append((outage.connected_at, "connected", ""))
        self._changes.reverse()
        self._heartbeat(self._last_at)
        self._due_at = min(self._beat_at, self._changes[-1][0])

    def receive(self, sent_at: datetime, payload: bytes, latency: timedelta | None = None) -> bool:
        """Lands a message if the line is connected when it comes; whether it was.

        Args:
            sent_at: UTC; not before that of the message before.
            payload: The message.
            latency: How long it takes; a few milliseconds if not given. Nothing overtakes.
        """
        if latency is None:
            latency = timedelta(microseconds=2000 + int(28_000 * self._random()))
        at = max(self._last_at, sent_at + latency)
        if at >= self._due_at:
            self._advance(at)
        if not self._is_up or at >= self._stop_at:
            return False
        self._write(message_line(at, payload), at)
        self._messages += 1
        self._received_at = self._alive_at = self._last_at = at
        return True

    def stop(self) -> None:
        """Lives on until its end, and is stopped in good order."""
        self._advance(self._stop_at)
        if self._is_connected:
            self._disconnected(self._stop_at, "capture was stopped", self._stop_at)
        self._write(event_line(self._stop_at, "closed", connected=False), self._stop_at)
        if self._file is not None:
            self._file.close()

    def _advance(self, until: datetime) -> None:
        """All that happened to the line before that moment."""
        until = min(until, self._stop_at)
        while self._due_at <= until:
            at = self._last_at = max(self._due_at, self._last_at)
            if self._changes and self._changes[-1][0] <= self._beat_at:
                _, change, reason = self._changes.pop()
                self._change(at, change, reason)
            else:
                if self._is_up or not self._is_connected:  # a dead link answers no ping
                    self._heartbeat(at)
                self._beat_at += _HEARTBEAT
            self._due_at = min(self._beat_at, self._changes[-1][0]) if self._changes else self._beat_at

    def _change(self, at: datetime, change: str, reason: str) -> None:
        if change == "lost":
            self._is_up = False
        elif change == "disconnected":
            is_dead_link = "ping" in reason
            self._disconnected(at, reason, self._alive_at if is_dead_link else at)
        else:
            self._connections += 1
            self._write(event_line(at, "connected", url=_URL, connection=self._connections), at)
            self._is_up = self._is_connected = True
            self._alive_at = at

    def _disconnected(self, at: datetime, reason: str, alive_until: datetime) -> None:
        line = event_line(at, "disconnected", reason=reason, alive_until=timestamp(alive_until))
        self._write(line, alive_until)  # into the file of the last sign of life, as the recorder does
        self._is_up = self._is_connected = False

    def _heartbeat(self, at: datetime) -> None:
        last = self._received_at
        line = event_line(
            at,
            "heartbeat",
            connected=self._is_connected,
            messages=self._messages,
            last_received_at=None if last is None else timestamp(last),
        )
        if self._is_connected:
            self._alive_at = at
        self._write(line, at)

    def _write(self, line: bytes, at: datetime) -> None:
        if at >= self._hour_ends_at:
            self._roll(at)
        assert self._file is not None
        self._file.write(line)
        self.lines += 1

    def _roll(self, at: datetime) -> None:
        if self._file is not None:
            self._file.write(event_line(at, "rolled", connected=self._is_connected))
            self._file.close()
            self.lines += 1
        self._file = open_landing_file(self._root, TRADES, self._name, self._host, self._pid, at)
        self._file.write(opened_line(at, self._name, self._host, self._pid, connected=self._is_connected))
        self._hour_ends_at = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        self.files += 1
        self.lines += 1


def open_landing_file(root: Path, source: str, name: str, host: str, pid: int, at: datetime) -> BinaryIO:
    """A new landing file, named as its writer does it.

    Raises:
        FileExistsError: There is one of that name.
    """
    folder = root / source / f"date={at:%Y-%m-%d}" / f"hour={at:%H}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{host}-{pid}-{at:%Y%m%dT%H%M%S%fZ}.jsonl"
    return path.open("xb", buffering=1 << 18)


def opened_line(at: datetime, name: str, host: str, pid: int, **state: object) -> bytes:
    """The first line of every landing file."""
    return event_line(at, "opened", writer=name, pid=pid, host=host, **state)
