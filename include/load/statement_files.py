"""Lands statements of the exchange verbatim, and reads their lines whatever their encoding."""

import hashlib
import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from include.domain.rejection import RejectedMessageError
from include.domain.statement import (
    MAX_PREAMBLE_LINES,
    StatementParser,
    UnknownFormatError,
    encoding_of,
)
from include.errors import TerminalError
from include.landing import (
    LandingFile,
    make_durable_folder,
    statement_folder,
    sync_folder,
)
from include.settings import Settings
from include.statement_files import not_over

_CHUNK = 1 << 20
_NAME = re.compile(
    r"statements/(?:market=[A-Za-z0-9]+/)?date=(\d{4}-\d\d-\d\d)/(\d{8}T\d{12})Z-[^/]+", re.ASCII
)
_MAX_HEADER_CHARACTERS = 10_000

BY_DELIVERY_DAY = "-delivery.csv"
"""The names of landed statements end with it whose day is that of delivery."""


def land_statement(settings: Settings, day: date, file: Path) -> LandingFile:
    """Copies a statement to the landing files; whole or not at all.

    The same content again is the landing file that is there.

    Args:
        settings: Of the market.
        day: The day of the market on which its trades were executed, or of some formats deliver.
        file: The statement.

    Raises:
        TerminalError: The day is not over, the file cannot be read, or none of its first lines names the
            columns of a known format.
        OSError: The landing files cannot be written.
    """
    root, market = settings.landing_root, settings.market
    landed_at = datetime.now(UTC)
    if landed_at < market.span_of(day)[1]:
        raise TerminalError(not_over(day, market.timezone))
    try:
        parser = StatementParser(market, day, settings.statement_formats)
        _read_header(file, parser)
        digest = hashlib.sha256()
        for chunk in _chunks(file):
            digest.update(chunk)
    except OSError as error:
        raise TerminalError(f"{file} cannot be read: {error.strerror}") from error
    folder = root / statement_folder(day, settings.landing_market)
    # landed anew when MARKETS_FILE says otherwise which day it is: the last one landed stands
    name = f"{digest.hexdigest()[:32]}{BY_DELIVERY_DAY if parser.is_by_delivery_day else '.csv'}"
    if known := sorted(folder.glob(f"*-{name}")):
        return _landed(settings, known[0])
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
        if copied.digest() != digest.digest():
            raise TerminalError(f"{file} is still being written: try again once it is complete")
        unnamed.rename(path)
        sync_folder(folder)
    finally:
        unnamed.unlink(missing_ok=True)
    return _landed(settings, path)


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


def _read_header(path: Path, parser: StatementParser) -> None:
    with path.open(encoding=encoding_of(_chunks(path)), errors="replace", newline="\n") as file:
        for _ in range(MAX_PREAMBLE_LINES):
            try:
                text = file.readline(_MAX_HEADER_CHARACTERS)
                if not text:
                    break
                parser.trade(text)
            except UnknownFormatError:
                break
            except RejectedMessageError:
                pass
            if parser.has_header:
                return
    raise TerminalError(
        f"{path}: none of its first {MAX_PREAMBLE_LINES} lines names the columns of a known statement"
    )
