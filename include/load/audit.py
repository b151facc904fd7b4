"""Accounts for every captured line: compares landing files with the ledger, and the ledger with the tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from include.landing import SOURCES, STATEMENTS, LandingFile, is_writer_gone, landed_markets, list_files
from include.load.statement_files import statement_lines
from include.load.strays import strays
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import fetch_dicts, load_queries

QUERIES = load_queries("load/audit.sql")

_CHUNK = 1 << 20
_COUNTS = ("line_count", "loaded_count", "duplicate_count", "rejected_count", "event_count")


@dataclass(frozen=True, slots=True)
class FileAudit:
    """One landing file: lines = loaded + duplicate + rejected + event, as the ledger and the tables have it.

    Attributes:
        landing_file: Its key; also that of a stray or of a folder that cannot be read, whose counts are 0.
        waiting_lines: Whole lines that no load has read yet.
        problems: What does not add up, in words; empty if all does.
    """

    landing_file: str
    line_count: int
    loaded_count: int
    duplicate_count: int
    rejected_count: int
    event_count: int
    waiting_lines: int
    problems: tuple[str, ...]


def run(settings: Settings) -> Iterator[FileAudit]:
    """Audits every landing file of every market, every file that only the ledger knows, and all strays.

    Reads each file once, with flat memory.
    """
    with connect(settings.warehouse_url, "audit") as conn, conn, conn.cursor() as cur:
        ledger = {row["landing_file"]: row for row in fetch_dicts(cur, QUERIES["audit"])}
    unlisted = set[str]()
    for file in _files(settings.landing_root):
        row = ledger.pop(file.key, None)
        try:
            found = _audit_file(file, row)
        except OSError as error:
            if file.unlisted is not None:
                unlisted.add(file.key)
            kind = "file" if file.unlisted is None else "folder"
            found = _unread(file.key, row, f"the {kind} cannot be read: {error}")
        yield found
    for key, problem in sorted(strays(settings.landing_root)):
        row = ledger.pop(key, None)
        if key not in unlisted:
            yield _unread(key, row, problem)
    for key, row in sorted(ledger.items()):
        hidden = key.startswith(tuple(f"{folder}/" for folder in unlisted))
        gone = "the file is gone; restore it from a backup"
        yield _unread(key, row, "the file cannot be seen: its folder cannot be read" if hidden else gone)


def _files(root: Path) -> Iterator[LandingFile]:
    """Those of all markets, also of one that is not configured any more."""
    for source in SOURCES:
        for market in landed_markets(root, source):
            yield from list_files(root, source, market=market)


def _unread(key: str, row: dict[str, int] | None, problem: str) -> FileAudit:
    return FileAudit(key, **_counts(row), waiting_lines=0, problems=(problem,))


def _counts(row: dict[str, int] | None) -> dict[str, int]:
    return {name: row[name] if row else 0 for name in _COUNTS}


def _audit_file(file: LandingFile, row: dict[str, int] | None) -> FileAudit:
    file.check()
    if row is None:
        waiting = (
            _count_statement_lines(file.path) if file.source == STATEMENTS else _count_lines(file.path, 0)[0]
        )
        return FileAudit(file.key, **_counts(None), waiting_lines=waiting, problems=())
    problems = []
    writer_gone = is_writer_gone(file.path)
    size = file.path.stat().st_size
    if file.source == STATEMENTS and row["loaded_bytes"]:  # as a whole, in the encoding that it has
        loaded_lines, loaded_tail = _count_statement_lines(file.path), 0
    else:
        loaded_lines, loaded_tail = _count_lines(file.path, 0, row["loaded_bytes"])
    if size < row["loaded_bytes"]:
        problems.append(f"has {size} bytes, {row['loaded_bytes']} of it were loaded")
    if loaded_lines + (1 if loaded_tail else 0) != row["line_count"]:
        problems.append(f"{loaded_lines} lines up to the offset, the ledger says {row['line_count']}")
    for name in ("loaded_count", "rejected_count"):
        if row[name] != row[f"table_{name}"]:
            problems.append(f"{name}: the ledger says {row[name]}, the tables hold {row[f'table_{name}']}")
    for name in _COUNTS:
        if row[name] != row[f"batch_{name}"]:
            problems.append(f"{name}: the ledger says {row[name]}, its batches {row[f'batch_{name}']}")
    parts = sum(row[name] for name in _COUNTS if name != "line_count")
    if row["line_count"] != parts:
        problems.append(f"{row['line_count']} lines, but its parts add up to {parts}")
    waiting, tail = _count_lines(file.path, row["loaded_bytes"])
    if tail and writer_gone:
        waiting += 1
    return FileAudit(file.key, **_counts(row), waiting_lines=waiting, problems=tuple(problems))


def _count_statement_lines(path: Path) -> int:
    return sum(1 for _ in statement_lines(path))


def _count_lines(path: Path, start: int, end: int | None = None) -> tuple[int, int]:
    """Whole lines in a stretch of bytes, and the bytes after the last of them."""
    lines = tail = 0
    with path.open("rb") as file:
        file.seek(start)
        left = (end - start) if end is not None else None
        while chunk := file.read(_CHUNK if left is None else min(_CHUNK, left)):
            lines += chunk.count(b"\n")
            last = chunk.rfind(b"\n")
            tail = tail + len(chunk) if last < 0 else len(chunk) - last - 1
            if left is not None:
                left -= len(chunk)
    return lines, tail
