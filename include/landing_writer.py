"""Writes landing files: each line by write(2), each file with a lock that tells whether its writer lives."""

import fcntl
import os
import re
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from include.landing import SOURCES, event_line, hour_folder, make_durable_folder, sync_folder


class _Waiting(NamedTuple):
    """Lines that are to be written, or the end of a file; with what `state` said when they came."""

    at: datetime
    line: bytes
    state: Mapping[str, object]
    ends_file: bool = False


class LandingWriter:
    """Appends lines to this process's own file of the current UTC hour.

    The first line of each file is an `opened` event. The last one, unless the process is killed, is `rolled`
    (a new hour or a clock step) or `closed` (a clean stop). Both include `state()`, so that each file says by
    itself whether the connection was up at its start and end. Times within a file never go back: a step of the
    clock starts a new file.

    Not thread-safe, except for `sync`.

    Args:
        root: LANDING_ROOT.
        source: One of SOURCES.
        name: The writer, for example `standalone` or `airflow`; part of the file name.
        state: Returns details for the events that this class writes itself.
        market: `Settings.landing_market`.
    """

    def __init__(
        self,
        root: Path,
        source: str,
        name: str,
        state: Callable[[], Mapping[str, object]] = dict,
        market: str = "",
    ) -> None:
        if source not in SOURCES or not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
            raise ValueError(f"invalid source or name of a landing file: {source!r}, {name!r}")
        self.root = root
        self.source = source
        self.name = name
        self.market = market
        self.path: Path | None = None
        self._state = state
        self._fd = -1
        self._hour = -1
        self._written_at_ns = 0
        self._waiting: deque[_Waiting] = deque()
        self._ending: _Waiting | None = None
        self._is_ended = False
        self._unwritten = b""
        self._unsynced_folder: Path | None = None

    def append(self, line: bytes, at: datetime) -> None:
        """Writes whole lines to the file of the hour of `at`, by write(2), before it returns.

        Raises:
            OSError: The disk is full or failed. The line is not lost: it is kept and written first at the next
                call of `append` or `flush`. Only if no file could be opened at all is the line refused.
        """
        self._waiting.append(_Waiting(at, line, self._state()))
        self.flush()

    def end_file(self, at: datetime, state: Mapping[str, object], line: bytes) -> None:
        """Ends the current file: the next line opens a new one of its own hour, even of an earlier hour.

        Args:
            at: Of `rolled`, by the clock of the file's lines.
            state: For `rolled`, instead of what `state()` says.
            line: Its last line, after `rolled`.
        """
        self._waiting.append(_Waiting(at, line, state, ends_file=True))

    def flush(self) -> None:
        """Writes what an earlier OSError left unwritten.

        Raises:
            OSError: The cause persists.
        """
        self._put(b"")
        while self._waiting:
            entry = self._waiting[0]
            if entry.ends_file:
                self._ending, self._hour = entry, -1
            else:
                self._roll_if_due(entry)
            self._waiting.popleft()
            if not entry.ends_file:
                self._put(entry.line)

    def _put(self, line: bytes) -> None:
        self._unwritten += line
        while self._unwritten:
            try:
                written = os.write(self._fd, self._unwritten)
            except OSError:
                # a failed write changes the file's time as well, by which others tell that this process writes
                with suppress(OSError):
                    os.utime(self._fd, ns=(self._written_at_ns, self._written_at_ns))
                raise
            self._written_at_ns = time.time_ns()
            self._unwritten = self._unwritten[written:]

    def _roll_if_due(self, entry: "_Waiting") -> None:
        hour = int(entry.at.timestamp()) // 3600
        if hour <= self._hour:  # a late line of the last hour must not reopen its file
            return
        try:
            self._roll(hour, entry)
        except OSError:
            if self._fd < 0:
                self._waiting.clear()
                raise
            if self._ending is not None:  # after a step of the clock the line does not belong to the old file
                raise

    def _roll(self, hour: int, first: "_Waiting") -> None:
        opened = first.at.astimezone(UTC)
        folder = self.root / hour_folder(self.source, opened, self.market)
        make_durable_folder(folder)
        host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())
        path = _free_path(folder, f"{self.name}-{host}-{os.getpid()}", opened)
        # the file gets its final name once it is locked, so that no reader takes it for a complete one
        unnamed = path.with_suffix(".opening")
        fd = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            details = {"writer": self.name, "pid": os.getpid(), "host": host, **first.state}
            _write(fd, event_line(first.at, "opened", **details))
            if self._fd >= 0:
                self._end(first)
            unnamed.rename(path)
        except OSError:
            os.close(fd)
            unnamed.unlink(missing_ok=True)
            raise
        previous, self._fd, self._written_at_ns = self._fd, fd, time.time_ns()
        self.path, self._hour, self._unsynced_folder = path, hour, folder
        self._ending, self._is_ended = None, False
        if previous >= 0:
            os.close(previous)

    def _end(self, first: "_Waiting") -> None:
        """Writes the last lines of the current file, once after a step of the clock, and syncs it."""
        if not self._is_ended:
            last = self._ending or _Waiting(first.at, b"", first.state)
            self._is_ended = self._ending is not None
            self._put(event_line(last.at, "rolled", **last.state) + last.line)
        self._put(b"")
        self._sync(self._fd)

    def sync(self) -> None:
        """Syncs the open file and its name; may be called from any thread."""
        fd = self._fd
        if fd >= 0:
            try:
                self._sync(fd)
            except OSError:
                if fd == self._fd:  # else it was rolled or closed in the meantime, which syncs it
                    raise

    def _sync(self, fd: int) -> None:
        folder = self._unsynced_folder
        if folder is not None:
            sync_folder(folder)
            if self._unsynced_folder is folder:  # else another file was opened in the meantime
                self._unsynced_folder = None
        os.fdatasync(fd)

    def close(self, at: datetime) -> None:
        """Writes the `closed` event, syncs, and closes the file."""
        if self._fd < 0:
            return
        try:
            self.append(event_line(at, "closed", **dict(self._state())), at)
            self._sync(self._fd)
        finally:
            fd, self._fd = self._fd, -1
            os.close(fd)


def _free_path(folder: Path, name: str, opened: datetime) -> Path:
    """The path of a new file: not that of one which was opened at the same time, before a step of the clock."""
    while True:
        path = folder / f"{name}-{opened:%Y%m%dT%H%M%S%fZ}.jsonl"
        if not path.exists() and not path.with_suffix(".opening").exists():
            return path
        opened += timedelta(microseconds=1)


def _write(fd: int, line: bytes) -> None:
    while line:
        line = line[os.write(fd, line) :]
