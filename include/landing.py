"""The landing store: where files lie, what a line is, append, list, read from an offset.

Folders and files are for their owner only: the messages are the desk's trades.

A landing file belongs to one process, which holds an exclusive flock on it while it may still write:
whoever can get a shared lock knows that the writer is gone, even after SIGKILL.
"""

import base64
import fcntl
import os
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

TRADES = "trades"
REFERENCE_PRICES = "reference_prices"
SOURCES = (TRADES, REFERENCE_PRICES)

_encoder = msgspec.json.Encoder()
_encode = _encoder.encode


class _TextLine(msgspec.Struct, gc=False):
    received_at: str
    raw: str


def timestamp(at: datetime) -> str:
    """ISO 8601 in UTC with microseconds, the one spelling of time in a landing file."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def raw_fields(payload: bytes) -> dict[str, str]:
    """The payload verbatim: `raw` if it is UTF-8 text, else `raw_base64`."""
    try:
        return {"raw": payload.decode("utf-8")}
    except UnicodeDecodeError:
        return {"raw_base64": base64.b64encode(payload).decode("ascii")}


def message_line(received_at: datetime, payload: bytes, **details: object) -> bytes:
    """One line for a message (or, with details such as `request` and `status`, for an HTTP reply)."""
    return bytes(_encode({"received_at": timestamp(received_at), **details, **raw_fields(payload)})) + b"\n"


def message_lines(received_at: datetime, payloads: Iterable[bytes]) -> bytes:
    """The lines of messages that were received together: `message_line` for each, several times as fast."""
    payloads = list(payloads)
    at = timestamp(received_at)
    try:
        return bytes(_encoder.encode_lines([_TextLine(at, payload.decode("utf-8")) for payload in payloads]))
    except UnicodeDecodeError:
        return b"".join(message_line(received_at, payload) for payload in payloads)


def event_line(at: datetime, event: str, **details: object) -> bytes:
    """One line of the connection's journal."""
    return bytes(_encode({"received_at": timestamp(at), "event": event, **details})) + b"\n"


class LandingWriter:
    """Appends lines to this process's own file of the current UTC hour.

    The first line of every file is an `opened` event and the last one, if the process lives to write it,
    is `rolled` (the hour turned) or `closed` (a clean stop). Both carry `state()`: so each file
    tells by itself whether the connection was up when it began and ended. Times within a file only go forward:
    when the clock was stepped, another file begins.

    Not safe for use from several threads, except `sync`.

    Args:
        root: LANDING_ROOT.
        source: One of SOURCES.
        name: What writes, for example `standalone` or `airflow`; becomes part of the file name.
        state: Details for the events that this class writes itself.
    """

    def __init__(
        self, root: Path, source: str, name: str, state: Callable[[], Mapping[str, object]] = dict
    ) -> None:
        if source not in SOURCES or not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
            raise ValueError(f"no landing place for {source!r} by {name!r}")
        self.root = root
        self.source = source
        self.name = name
        self.path: Path | None = None
        self._state = state
        self._fd = -1
        self._hour = -1
        self._last_words: tuple[datetime, bytes] | None = None
        self._unwritten = b""

    def append(self, line: bytes, at: datetime) -> None:
        """Writes whole lines into the file of the hour of `at` by write(2) before returning.

        Raises:
            OSError: The disk is full or gone. The line is not lost: what could not be written is kept and
                goes first, byte for byte, at the next call or `flush`. Only if no file could be opened at all
                is the line refused.
        """
        hour = int(at.timestamp()) // 3600
        if hour > self._hour:  # a line of the last hour, come late, must not reopen what was left
            try:
                self._roll(hour, at)
            except OSError:
                if self._fd < 0:
                    raise
        self._put(line)

    def end_file(self, at: datetime, line: bytes) -> None:
        """Lets the next line open another file, of its own hour, even one that was left.

        Args:
            at: When the present file ends, by the clock of its lines.
            line: What is to be its last line, after `rolled`.
        """
        self._last_words = (at, line)
        self._hour = -1

    def flush(self) -> None:
        """Writes what an earlier OSError left over.

        Raises:
            OSError: The cause persists.
        """
        if self._unwritten:
            self._put(b"")

    def _put(self, line: bytes) -> None:
        self._unwritten += line
        while self._unwritten:
            written = os.write(self._fd, self._unwritten)
            self._unwritten = self._unwritten[written:]

    def _roll(self, hour: int, at: datetime) -> None:
        opened = at.astimezone(UTC)
        folder = self.root / self.source / f"date={opened:%Y-%m-%d}" / f"hour={opened:%H}"
        _make_durable_folder(folder)
        host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())
        path = folder / f"{self.name}-{host}-{os.getpid()}-{opened:%Y%m%dT%H%M%S%fZ}.jsonl"
        # the file gets its name once it is locked: nobody may see it without a writer and think it complete
        unnamed = path.with_suffix(".opening")
        fd = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        details = dict(self._state())
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            _write(fd, event_line(at, "opened", writer=self.name, pid=os.getpid(), host=host, **details))
            if self._fd >= 0:
                ended_at, last_line = self._last_words or (at, b"")
                self._put(event_line(ended_at, "rolled", **details) + last_line)
                os.fdatasync(self._fd)
            unnamed.rename(path)
            _sync_folder(folder)
        except OSError:
            os.close(fd)
            unnamed.unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            raise
        left, self._fd = self._fd, fd
        self.path, self._hour, self._last_words = path, hour, None
        if left >= 0:
            os.close(left)

    def sync(self) -> None:
        """fdatasync of the open file; may be called from another thread than the one that appends."""
        fd = self._fd
        if fd >= 0:
            try:
                os.fdatasync(fd)
            except OSError:
                if fd == self._fd:  # else it was rolled or closed meanwhile, which syncs it
                    raise

    def close(self, at: datetime) -> None:
        """Writes the `closed` event, syncs, and gives the file up."""
        if self._fd < 0:
            return
        try:
            self.append(event_line(at, "closed", **dict(self._state())), at)
            os.fdatasync(self._fd)
        finally:
            left, self._fd = self._fd, -1
            os.close(left)


def _write(fd: int, line: bytes) -> None:
    while line:
        line = line[os.write(fd, line) :]


def _make_durable_folder(folder: Path) -> None:
    """mkdir -p, each new entry synced into its parent so that it survives a power cut."""
    if folder.is_dir():
        return
    _make_durable_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@dataclass(frozen=True, slots=True, order=True)
class LandingFile:
    """A landing file as it lies on disk.

    Attributes:
        hour_start_at: UTC hour of receipt, from its folder.
        key: Its path below LANDING_ROOT: the file's name in `ops.landing_files`.
        path: Where it is.
    """

    hour_start_at: datetime
    key: str
    path: Path

    @property
    def source(self) -> str:
        return self.key.split("/", 1)[0]


_KEY = re.compile(
    r"(?P<source>[a-z_]+)/date=(?P<date>\d{4}-\d\d-\d\d)/hour=(?P<hour>\d\d)/[^/]+\.jsonl", re.ASCII | re.DOTALL
)
_NO_HOUR = datetime(1970, 1, 1, tzinfo=UTC)


def list_files(
    root: Path, source: str, start_at: datetime | None = None, end_at: datetime | None = None
) -> list[LandingFile]:
    """The source's files whose hour of receipt starts in [start_at, end_at), in order of hour and name.

    What is no regular file is none of them: nobody wrote lines into it. A folder that names no hour that exists
    counts as the first one of 1970, so that its files are loaded and accounted for like the others.
    """
    found = []
    for folder in _hour_folders(root / source, start_at, end_at):
        with os.scandir(folder) as entries:
            paths = [folder / entry.name for entry in entries if _is_file(entry)]
        for path in paths:
            # a name that is no UTF-8 gets a key that can be stored, so that it never stops a load
            key = os.fsencode(path.relative_to(root)).decode("utf-8", "backslashreplace")
            if match := _KEY.fullmatch(key):
                hour = _hour(match["date"], match["hour"])
                if (start_at is None or hour >= start_at) and (end_at is None or hour < end_at):
                    found.append(LandingFile(hour, key, path))
    return sorted(found)


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link that leads back to itself
        return False


def _hour(date: str, hour: str) -> datetime:
    try:
        return datetime.fromisoformat(f"{date}T{hour}:00:00+00:00")
    except ValueError:
        return _NO_HOUR


def _hour_folders(top: Path, start_at: datetime | None, end_at: datetime | None) -> Iterator[Path]:
    first = "" if start_at is None else f"date={start_at.astimezone(UTC):%Y-%m-%d}"
    last = "date=9999" if end_at is None else f"date={end_at.astimezone(UTC):%Y-%m-%d}"
    for day in sorted(top.glob("date=*")):
        if first <= day.name <= last:
            yield from sorted(folder for folder in day.glob("hour=*") if folder.is_dir())


def is_writer_gone(path: Path) -> bool:
    """Whether no process holds the file for writing any more; what it holds then is all it will ever hold."""
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def read_lines(path: Path, offset: int = 0) -> Iterator[dict[str, Any]]:
    """The whole lines from an offset, decoded: for people, tests and tools; the loader has a faster way.

    Raises:
        msgspec.DecodeError: A line is no JSON object: somebody else wrote into the file.
    """
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return  # its rest may come while we look: it would read like a line of its own
            yield msgspec.json.decode(line, type=dict[str, Any])
