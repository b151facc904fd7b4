"""Lands statements of the exchange verbatim, and reads their lines whatever their encoding."""

import hashlib
import logging
import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from include.domain.rejection import RejectedMessageError
from include.domain.statement import (
    MAX_LINE_CHARACTERS,
    MAX_PREAMBLE_LINES,
    StatementParser,
    UnknownFormatError,
    WrongDayError,
    encoding_of,
)
from include.errors import TerminalError
from include.landing import (
    LandingFile,
    hour_of,
    make_durable_folder,
    statement_folder,
    sync_folder,
)
from include.landing_keys import landing_key
from include.settings import Settings
from include.statement_files import not_over

log = logging.getLogger(__name__)

_CHUNK = 1 << 20
_NAME = re.compile(
    r"statements/(?:market=[A-Za-z0-9]+/)?date=(\d{4}-\d\d-\d\d)/(\d{8}T\d{12})Z-[^/]+", re.ASCII
)
_NAMED_DAYS = 7

BY_DELIVERY_DAY = "-delivery.csv"
"""The names of landed statements end with it whose day is that of delivery."""


def land_statement(settings: Settings, day: date, file: Path) -> LandingFile:
    """Copies a statement to the landing files; whole or not at all.

    The content that was landed last is the landing file that is there. An earlier one is landed again, since of
    several the one that was landed last stands.

    Args:
        settings: Of the market.
        day: The day of the market on which its trades were executed, or of some formats deliver.
        file: The statement.

    Raises:
        TerminalError: The day is not over, the file cannot be read, none of its first lines names the columns
            of a known format, or all of its lines are of other days.
        OSError: The landing files cannot be written.
    """
    root, market = settings.landing_root, settings.market
    landed_at = datetime.now(UTC)
    if landed_at < market.span_of(day)[1]:
        raise TerminalError(not_over(day, market.timezone))
    try:
        parser = StatementParser(market, day, settings.statement_formats)
        _check_content(file, parser)
        digest = _digest(file)
    except OSError as error:
        raise TerminalError(f"{file} cannot be read: {error.strerror}") from error
    folder = root / statement_folder(day, settings.landing_market)
    # landed anew when MARKETS_FILE says otherwise which day it is
    name = f"{digest}{BY_DELIVERY_DAY if parser.is_by_delivery_day else '.csv'}"
    if last := max((path for path in folder.glob("*.csv") if hour_of(landing_key(root, path))), default=None):
        known = _landed(settings, last)
        if last.name.endswith(f"Z-{name}"):
            return known
        landed_at = max(landed_at, landed_at_of(known) + timedelta(microseconds=1))  # the clock was ahead
    make_durable_folder(folder)
    path = folder / f"{landed_at:%Y%m%dT%H%M%S%fZ}-{name}"
    unnamed = path.with_suffix(f".{os.getpid()}")
    copied = hashlib.sha256()
    try:
        fd = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as copy:
            for chunk in _chunks(file):
                copied.update(chunk)
                copy.write(chunk)
            copy.flush()
            os.fsync(fd)
        if not copied.hexdigest().startswith(digest):
            raise TerminalError(f"{file} is still being written: try again once it is complete")
        unnamed.rename(path)
        sync_folder(folder)
    finally:
        unnamed.unlink(missing_ok=True)
    return _landed(settings, path)


def is_changed(file: Path, landing_file: str, landed_at: datetime) -> bool:
    """Whether a file was written after a statement was landed, and has other content than that.

    One that was there before is no news: whoever landed the other one afterwards wanted that.
    """
    try:
        # not the time of modification, which many transfers copy from the exchange's file
        if file.stat().st_ctime <= landed_at.timestamp():
            return False
        return f"Z-{_digest(file)}" not in landing_file
    except OSError as error:
        log.warning("%s cannot be read: %s", file, error.strerror)
        return False


def day_of(file: LandingFile) -> date:
    """The day that a landed statement is about."""
    return date.fromisoformat(_name(file.key)[1])


def is_by_delivery_day(file: LandingFile) -> bool:
    """Whether that is the day on which its trades deliver, and not the one on which they were executed."""
    return file.key.endswith(BY_DELIVERY_DAY)


def landed_at_of(file: LandingFile) -> datetime:
    """When a statement was landed, UTC."""
    return _landed_at(_name(file.key))


def statement_lines(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Number, text and whether the line end is missing, of each line of a statement; with flat memory."""
    with path.open(encoding=encoding_of(_chunks(path)), errors="replace", newline="\n") as file:
        for number, text in enumerate(file, start=1):
            yield number, text, not text.endswith("\n")


def _name(key: str) -> re.Match[str]:
    match = _NAME.match(key)
    assert match is not None, "list_files lists no other"
    return match


def _landed_at(name: re.Match[str]) -> datetime:
    return datetime.strptime(name[2], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)


def _landed(settings: Settings, path: Path) -> LandingFile:
    """The landed statement, as `list_files` lists it."""
    key = path.relative_to(settings.landing_root).as_posix()
    return LandingFile(_landed_at(_name(key)).replace(minute=0, second=0, microsecond=0), key, path)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()[:32]


def _check_content(path: Path, parser: StatementParser) -> None:
    """Reads up to the first line that is not of another day."""
    others: dict[date, str] = {}
    with path.open(encoding=encoding_of(_chunks(path)), errors="replace", newline="\n") as file:
        while text := file.readline(MAX_LINE_CHARACTERS + 1):
            try:
                if parser.trade(text, is_torn=not text.endswith("\n")) is not None:
                    return
            except UnknownFormatError:
                break
            except WrongDayError as error:
                others.setdefault(error.day, error.detail)
            except RejectedMessageError:
                return
    if not parser.has_header:
        raise TerminalError(
            f"{path}: none of its first {MAX_PREAMBLE_LINES} lines names the columns of a known statement"
        )
    if others:
        days = sorted(others)
        named = ", ".join(map(str, days)) if len(days) <= _NAMED_DAYS else f"{days[0]} to {days[-1]}"
        raise TerminalError(
            f"{path} is no statement of {parser.day}, all of its lines are of {named}: {others[days[0]]}"
        )
