"""The exchange's end-of-day files in their folder: which day each is about, and which one is to be loaded."""

import logging
import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from include.domain.delivery_period import FIRST_DAY, LAST_DAY
from include.errors import TerminalError

log = logging.getLogger(__name__)

STATEMENT_DUE = time(8, 0)
"""Local time of the next day by which the statement of a day has to be there."""

SETTLED_AFTER = timedelta(seconds=30)
"""A file that has not changed for so long is taken for whole."""

_DAY = re.compile(r"(?<!\d)(20\d\d)([-_.]?)(\d\d)\2(\d\d)(?!\d)", re.ASCII)
UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")
"""Endings of files whose transfer is not finished."""


def day_in_name(name: str) -> date | None:
    """The day in the name of a statement: `…20230220.csv`, `…2023-02-20…`; None if it says none or two."""
    days = set()
    for year, _, month, day in _DAY.findall(name):
        with suppress(ValueError):
            days.add(date(int(year), int(month), int(day)))
    (found,) = days if len(days) == 1 else (None,)
    return found if found is not None and FIRST_DAY <= found <= LAST_DAY else None


def statement_due_at(day: date, timezone: ZoneInfo) -> datetime:
    """When the file of a day has to be there, UTC."""
    return datetime.combine(day + timedelta(days=1), STATEMENT_DUE, timezone).astimezone(UTC)


def find_statement(folder: Path, day: date) -> Path | None:
    """The file of a day: of several the one that changed last; None if there is none.

    Raises:
        OSError: The folder cannot be read.
    """
    found = [path for path in finished_files(folder) if day_in_name(path.name) == day]
    return max(found, key=changed_last, default=None)


def changed_last(path: Path) -> tuple[float, str]:
    """The greatest of several files of a day is the one that counts."""
    return path.stat().st_mtime, path.name


def finished_files(folder: Path) -> list[Path]:
    """The files in the folder but hidden ones and those with the ending of an unfinished transfer, by name.

    Raises:
        OSError: The folder cannot be read.
    """
    return [
        path
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".") and not path.name.endswith(UNFINISHED) and path.is_file()
    ]


def named_statement(folder: Path, name: str) -> Path:
    """The file with this name in the folder; never one elsewhere, which whoever starts a run may not see.

    Raises:
        TerminalError: There is none.
    """
    path = (folder / name).resolve()
    try:
        is_there = path.is_relative_to(folder.resolve()) and path.is_file()
    except OSError:  # a name longer than any file's
        is_there = False
    if not is_there:
        raise TerminalError(f"no file in STATEMENT_FOLDER ({folder}) is called {name!r}")
    return path


def not_over(day: date, timezone: ZoneInfo) -> str:
    """Why the statement of a day that has not ended is refused, and from when on it is taken."""
    return (
        f"{day} is not over in {timezone.key}: its statement cannot be complete, and is not accepted before"
        f" {day + timedelta(days=1)} 00:00 {timezone.key}"
    )


def is_settled(file: Path, now: datetime) -> bool:
    """Whether nobody seems to be writing it any more."""
    return now.timestamp() - file.stat().st_mtime >= SETTLED_AFTER.total_seconds()


def look_for(folder: Path, day: date, now: datetime) -> tuple[Path | None, bool]:
    """The file of a day, and whether it is whole; a folder that cannot be read right now has none."""
    try:
        file = find_statement(folder, day)
        return file, file is not None and is_settled(file, now)
    except OSError as error:
        log.warning("STATEMENT_FOLDER cannot be read: %s", error)
        return None, False
