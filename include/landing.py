"""The landing store: paths, line format, append, list.

Folders and files are readable by their owner only, since the messages are the desk's trades.

A landing file belongs to one process, which holds an exclusive flock on it as long as it may write. So a
reader that gets a shared lock knows that the writer is gone, even after SIGKILL.
"""

import base64
import errno
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from include.landing_keys import escaped_name, landing_key

TRADES = "trades"
REFERENCE_PRICES = "reference_prices"
STATEMENTS = "statements"
SOURCES = (TRADES, REFERENCE_PRICES, STATEMENTS)

_WRITTEN_BACK_SECONDS = 600.0
"""The kernel writes to the disk by itself what is older; its default is 30 s."""

_encoder = msgspec.json.Encoder()
_encode = _encoder.encode


class _TextLine(msgspec.Struct, gc=False):
    received_at: str
    raw: str


def hour_folder(source: str, at: datetime, market: str = "") -> str:
    """The folder of the files of a source that receive at that time, UTC: its path below LANDING_ROOT.

    Args:
        source: One of SOURCES.
        at: A moment in the hour.
        market: `Settings.landing_market`; empty: that of the files whose paths name no market.
    """
    return f"{_market_folder(source, market)}/date={at:%Y-%m-%d}/hour={at:%H}"


def _market_folder(source: str, market: str) -> str:
    return f"{source}/market={market}" if market else source


def statement_folder(day: date, market: str = "") -> str:
    """The folder of the exchange's statements about a day of the market: its path below LANDING_ROOT.

    Args:
        day: Local day of the market.
        market: As of `hour_folder`.
    """
    return f"{_market_folder(STATEMENTS, market)}/date={day}"


def timestamp(at: datetime) -> str:
    """ISO 8601 in UTC with microseconds, the only time format in a landing file."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def raw_fields(payload: bytes) -> dict[str, str]:
    """The payload verbatim: `raw` if it is UTF-8 text, else `raw_base64`."""
    try:
        return {"raw": payload.decode("utf-8")}
    except UnicodeDecodeError:
        return {"raw_base64": base64.b64encode(payload).decode("ascii")}


def message_line(received_at: datetime, payload: bytes, **details: object) -> bytes:
    """The line of a message or, with details such as `request` and `status`, of an HTTP reply."""
    return bytes(_encode({"received_at": timestamp(received_at), **details, **raw_fields(payload)})) + b"\n"


def message_lines(received_at: datetime, payloads: Iterable[bytes]) -> bytes:
    """The lines of messages that were received together: `message_line` for each, but several times faster."""
    payloads = list(payloads)
    at = timestamp(received_at)
    try:
        return bytes(_encoder.encode_lines([_TextLine(at, payload.decode("utf-8")) for payload in payloads]))
    except UnicodeDecodeError:
        return b"".join(message_line(received_at, payload) for payload in payloads)


def event_line(at: datetime, event: str, **details: object) -> bytes:
    """The line of an event, for the journal of the connection."""
    return bytes(_encode({"received_at": timestamp(at), "event": event, **details})) + b"\n"


def make_durable_folder(folder: Path) -> None:
    """mkdir -p that syncs each new directory entry, so that it survives a power cut."""
    if folder.is_dir():
        return
    make_durable_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """fsync of a folder: a file that was renamed in it keeps its name after a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_durable(path: Path) -> None:
    """Syncs a file that may have been written lately, and its name, so that a power cut takes nothing back.

    Raises:
        OSError: The disk fails.
    """
    with path.open("rb") as file:
        if time.time() - os.fstat(file.fileno()).st_mtime < _WRITTEN_BACK_SECONDS:
            os.fdatasync(file.fileno())
            sync_folder(path.parent)


@dataclass(frozen=True, slots=True, order=True)
class LandingFile:
    """A landing file on disk, or a folder whose files cannot be listed: it is handled like an unreadable file.

    Attributes:
        hour_start_at: UTC hour of receipt, from its folder; of a statement from its name.
        key: Its path below LANDING_ROOT, as in `ops.landing_files.landing_file`.
        path: Its full path.
        unlisted: Why the files of this folder cannot be listed; None: it is a file.
    """

    hour_start_at: datetime
    key: str
    path: Path
    unlisted: OSError | None = field(default=None, compare=False)

    @property
    def source(self) -> str:
        return self.key.split("/", 1)[0]

    def check(self) -> None:
        """Raises the error of a folder whose files cannot be listed.

        Raises:
            OSError: This is such a folder.
        """
        if self.unlisted is not None:
            raise self.unlisted


_KEY = re.compile(
    rf"(?:{TRADES}|{REFERENCE_PRICES})/(?:market=[A-Za-z0-9]+/)?"
    r"date=(?P<date>\d{4}-\d\d-\d\d)/hour=(?P<hour>\d\d)/[^/]+\.jsonl",
    re.ASCII | re.DOTALL,
)
_STATEMENT_KEY = re.compile(
    rf"{STATEMENTS}/(?:market=[A-Za-z0-9]+/)?date=(?P<day>\d{{4}}-\d\d-\d\d)/"
    r"(?P<date>\d{8})T(?P<hour>\d\d)\d{10}Z-[^/]+\.csv",
    re.ASCII | re.DOTALL,
)
_FOLDER_KEY = re.compile(r".*/date=(?P<date>[^/]+)(?:/hour=(?P<hour>[^/]+))?", re.DOTALL)
_NO_HOUR = datetime(1970, 1, 1, tzinfo=UTC)


def list_files(
    root: Path, source: str, start_at: datetime | None = None, end_at: datetime | None = None, market: str = ""
) -> list[LandingFile]:
    """The files of a source whose hour of receipt starts in [start_at, end_at), by hour and name.

    Of one market: `market` is its `Settings.landing_market`.
    Only regular files are listed, by names that `hour_of` knows; the audit tells of all others. A folder that
    cannot be read is listed in place of its files, which `LandingFile.unlisted` tells; that of a day or of all
    days is listed in every hour of them.
    """
    found: list[LandingFile] = []

    def listed(folder: Path, is_wanted: Callable[[os.DirEntry[str]], bool]) -> list[Path]:
        try:
            with os.scandir(folder) as entries:
                return [folder / entry.name for entry in entries if is_wanted(entry)]
        except (FileNotFoundError, NotADirectoryError):  # there is none, or it was removed just now
            return []
        except OSError as error:
            key = landing_key(root, folder)
            span = _FOLDER_KEY.fullmatch(key)
            hour = _hour(span["date"], span["hour"] or "00") if span else _NO_HOUR
            if hour and (not span or not span["hour"] or _is_within(hour, start_at, end_at)):
                found.append(LandingFile(hour, key, folder, error))
            return []

    first = "" if start_at is None else f"date={start_at.astimezone(UTC):%Y-%m-%d}"
    last = "date=9999" if end_at is None else f"date={end_at.astimezone(UTC):%Y-%m-%d}"
    folders: list[Path] = []
    days = listed(root / _market_folder(source, market), lambda entry: _is_folder(entry, "date="))
    if source == STATEMENTS:  # below the day that they are about
        folders = days
    else:
        for day in days:
            if first <= day.name <= last:
                folders += listed(day, lambda entry: _is_folder(entry, "hour="))
    for folder in folders:
        folder_key = landing_key(root, folder)
        for path in listed(folder, _is_file):
            key = f"{folder_key}/{escaped_name(os.fsencode(path.name))}"
            hour = hour_of(key)
            if hour and _is_within(hour, start_at, end_at):
                found.append(LandingFile(hour, key, path))
    return sorted(found, key=lambda file: (file.hour_start_at, file.key))


def _is_within(hour: datetime, start_at: datetime | None, end_at: datetime | None) -> bool:
    return (start_at is None or hour >= start_at) and (end_at is None or hour < end_at)


def landed_markets(root: Path, source: str) -> list[str]:
    """The markets that have files of a source, configured or not; empty: of those whose paths name none."""
    return ["", *sorted(folder.name.removeprefix("market=") for folder in (root / source).glob("market=*"))]


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError as error:  # what a symbolic link leads to cannot be read, as its load will say
        return error.errno != errno.ELOOP


def _is_folder(entry: os.DirEntry[str], prefix: str) -> bool:
    try:
        return entry.name.startswith(prefix) and entry.is_dir()
    except OSError as error:
        return error.errno != errno.ELOOP


def hour_of(key: str) -> datetime | None:
    """UTC hour of receipt of the landing file with this key; None: it is not the key of a landing file."""
    if match := _KEY.fullmatch(key):
        return _hour(match["date"], match["hour"])
    if (match := _STATEMENT_KEY.fullmatch(key)) and _hour(match["day"], "00"):
        return _hour(match["date"], match["hour"])
    return None


def _hour(date: str, hour: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{date}T{hour}:00:00+00:00")
    except ValueError:
        return None


def is_writer_gone(path: Path) -> bool:
    """Whether the process that wrote the file has ended, so that the file is complete."""
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True
