"""Messages of the exchange and landing files for tests."""

import errno
import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from include.landing import TRADES, event_line, message_line
from include.settings import Settings

RECEIVED_AT = datetime(2026, 3, 2, 10, 15, tzinfo=UTC)

DEAL = {
    "id": "3624e95119f04b7bb054b2f91a980a83",
    "price": 20.64,
    "quantity": 1.2,
    "direction": "sell",
    "delivery_day": "2026-03-02",
    "delivery_hour": "15-16",
    "trader_id": "flex_trader_4",
    "execution_time": "2026-03-02T10:13:43+00:00",
}


def deal(key: str = "deal_confirmation", **changes: Any) -> str:
    """One message, with some fields changed; a change to ... leaves the field out."""
    body = {name: value for name, value in (DEAL | changes).items() if value is not ...}
    return json.dumps({key: body})


def cancellation(key: str = "deal_cancellation", **body: Any) -> str:
    """A message that takes a trade back."""
    return json.dumps({key: body})


def landed(messages: Iterable[str | bytes], start: datetime = RECEIVED_AT) -> bytes:
    """Landing lines of these messages, a millisecond apart."""
    return b"".join(
        message_line(start + timedelta(milliseconds=n), m.encode() if isinstance(m, str) else m)
        for n, m in enumerate(messages)
    )


def event(seconds: float, name: str, **details: object) -> bytes:
    """One journal line, some seconds after RECEIVED_AT."""
    return event_line(RECEIVED_AT + timedelta(seconds=seconds), name, **details)


def write_landing_file(
    root: Path, content: bytes, name: str = "a", hour: datetime = RECEIVED_AT, source: str = "trades"
) -> Path:
    """Appends to a landing file that nobody holds for writing."""
    folder = root / source / f"date={hour:%Y-%m-%d}" / f"hour={hour:%H}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    with path.open("ab") as file:
        file.write(content)
    return path


def refuse_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Lets a folder be one that belongs to another user, also where the tests run as root."""
    real = os.scandir

    def scandir(path: Path) -> Any:
        if path == folder:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)


def heartbeat(settings: Settings, seconds: float, connected: bool = True, silent: float | None = None) -> None:
    """A capture that was last connected and last wrote so many seconds ago."""
    now = datetime.now(UTC)
    at = now - timedelta(seconds=seconds)
    path = settings.landing_root / TRADES / f"date={now:%Y-%m-%d}" / f"hour={now:%H}" / "a.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [event_line(at, "heartbeat", connected=True), event_line(now, "heartbeat", connected=connected)]
    path.write_bytes(b"".join(lines if silent is None else lines[:1]))
    os.utime(path, (now.timestamp() - (silent or 0),) * 2)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The complete lines of a landing file, decoded.

    Raises:
        msgspec.DecodeError: A line is not a JSON object.
    """
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return  # incomplete: its rest may be written while we read
            yield msgspec.json.decode(line, type=dict[str, Any])
