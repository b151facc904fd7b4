"""Landing files that hold lines which should have been loaded by now."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from psycopg2.extensions import cursor

from include.domain.message import is_utc_text
from include.landing import SOURCES, LandingFile, is_writer_gone, list_files
from include.landing_line import decode_line
from include.load.source import NEW, Known, is_loaded, ledger_of
from include.settings import Settings

MAX_WAIT = timedelta(minutes=15)
"""Loads run each half minute: if a line waits longer than this, something is wrong."""


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """A landing file with a line that has waited too long.

    Attributes:
        since_at: When the first line that is not loaded was received, UTC; the start of its hour if it cannot
            be told.
        landing_file: Key of the file.
        load_error: Why the last attempt to load it failed; empty if it did not.
        is_received_then: Whether that is when it was received, and not the start of its hour.
    """

    since_at: datetime
    landing_file: str
    load_error: str
    is_received_then: bool


def waiting_files(cur: cursor, settings: Settings, now: datetime) -> list[Waiting]:
    """Files of the market whose first line that is not loaded is older than MAX_WAIT, the oldest first."""
    found = []
    for source in SOURCES:
        ledger = ledger_of(cur, settings.market.market, source)
        for file in list_files(settings.landing_root, source, None, now, settings.landing_market):
            known = ledger.get(file.key, NEW)
            if is_loaded(file, known):
                continue
            waiting = _since(file, known)
            if waiting is not None and now - waiting[0] > MAX_WAIT:
                since_at, is_received_then = waiting
                found.append(Waiting(since_at, file.key, known.load_error or "", is_received_then))
    return sorted(found)


def _since(file: LandingFile, known: Known) -> tuple[datetime, bool] | None:
    """`since_at` and `is_received_then` of `Waiting`; None if nothing waits."""
    try:
        file.check()
        size = file.path.stat().st_size
        if size == max(known.loaded_bytes, 0):
            return None
        with file.path.open("rb") as content:
            content.seek(max(known.loaded_bytes, 0))
            line = content.readline()
        if size > known.loaded_bytes and not line.endswith(b"\n") and not is_writer_gone(file.path):
            return None  # it is being written
        received_at = decode_line(line).received_at
    except (OSError, msgspec.DecodeError, UnicodeError, RecursionError):
        return file.hour_start_at, False
    if is_utc_text(received_at, 32):
        return datetime.fromisoformat(received_at), True
    return file.hour_start_at, False
