"""The state of the capture instances, read from the landing files before they are loaded."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from include.domain.message import is_utc_text
from include.landing import TRADES, LandingFile, list_files

_MAX_AHEAD = timedelta(seconds=30)
"""How far the clock of a capture instance may be ahead of ours. Later times are ignored: they were written
while that clock was wrong, and would hide a silence until then."""

_TAIL_BYTES = 1 << 16
"""Bytes read from the end of each file: minutes of a busy exchange, or an hour of heartbeats."""


@dataclass(frozen=True, slots=True)
class Signs:
    """The last signs of life of all capture instances of a market together, UTC.

    Attributes:
        written_at: When any of them last wrote to its file; None if there is no file.
        connected_at: When any of them was last provably connected; None if their recent lines do not say.
    """

    written_at: datetime | None
    connected_at: datetime | None


def last_signs(landing_root: Path, now: datetime, market: str = "") -> Signs:
    """Reads the files of this hour and the last; if there are none, `written_at` is that of the newest file.

    Files and folders that cannot be read are left out: they must not hide what else is wrong.

    Args:
        landing_root: LANDING_ROOT.
        now: The present.
        market: `Settings.landing_market`: whose capture instances.
    """
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    recent = _paths(list_files(landing_root, TRADES, hour - timedelta(hours=1), market=market))
    paths = recent or _paths(list_files(landing_root, TRADES, market=market))[-1:]
    written = [at for path in paths for at in _written_at(path)]
    proofs = [proof for path in recent for proof in _last_proof(path)]
    return Signs(_latest(written, now), _latest(proofs, now))


def _paths(files: Iterable[LandingFile]) -> list[Path]:
    return [file.path for file in files if file.unlisted is None]


def _written_at(path: Path) -> Iterator[datetime]:
    with suppress(OSError):
        yield datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _latest(times: Iterable[datetime], now: datetime) -> datetime | None:
    return max((time for time in times if time <= now + _MAX_AHEAD), default=None)


def _last_proof(path: Path) -> Iterator[datetime]:
    """The last time at which the writer of the file was connected, if the end of the file says so."""
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES)
            file.seek(start)
            lines = file.read().split(b"\n")
    except OSError:
        return  # a file that cannot be read says nothing, and its load says why
    whole = lines[1 if start else 0 : -1]  # the first may be cut off at its start, the last at its end
    for line in reversed(whole):
        try:
            proof = _proof(msgspec.json.decode(line, type=dict[str, Any]))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            continue  # not written by capture; the loader rejects it
        if proof is not None:
            yield proof
            return


def _proof(line: dict[str, Any]) -> datetime | None:
    event = line.get("event")
    if event == "disconnected" and line.get("alive_until"):
        at = line["alive_until"]
    elif event is None or event == "connected" or line.get("connected"):
        at = line.get("received_at")
    else:
        return None
    return datetime.fromisoformat(at) if isinstance(at, str) and is_utc_text(at, 32) else None
