"""Finds what lies below LANDING_ROOT and is no landing file, so that no load takes it."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from include.duration import counted
from include.landing import REFERENCE_PRICES, SOURCES, STATEMENTS, TRADES, hour_of, is_writer_gone
from include.landing_keys import landing_key
from include.markets_file import FIRST_MARKET
from include.statement_files import UNFINISHED

_NOT_OURS = (FIRST_MARKET, "lost+found")
"""In LANDING_ROOT itself: what the platform notes there, and what a file system keeps for itself."""

_UNFINISHED_SECONDS = 3600.0
"""A copy that has not changed for so long is not finished any more."""

_FOLDER = re.compile(
    rf"(?:{'|'.join(SOURCES)})(?:/market=[A-Za-z0-9]+)?(?:/date=\d{{4}}-\d\d-\d\d(?:/hour=\d\d)?)?", re.ASCII
)
_COPIED_STATEMENT = re.compile(rf"{STATEMENTS}/.+\.\d+", re.ASCII | re.DOTALL)
_EXAMPLES = {
    TRADES: "trades/date=2026-03-02/hour=09/a.jsonl",
    REFERENCE_PRICES: "reference_prices/date=2026-03-02/hour=09/a.jsonl",
    STATEMENTS: "those that `make reconcile` gives to statements",
}


def strays(root: Path) -> Iterator[tuple[str, str]]:
    """Key and problem of each file that is not empty and that `list_files` does not list, in no order.

    Folders that cannot be read are among them. Files that are being written or copied are no strays.
    """
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                found = [entry for entry in entries if folder != root or entry.name not in _NOT_OURS]
        except (FileNotFoundError, NotADirectoryError):  # there is none, or it was removed just now
            continue
        except OSError as error:
            yield landing_key(root, folder), f"the folder cannot be read: {error}"
            continue
        for entry in found:
            path = folder / entry.name
            key = landing_key(root, path)
            if entry.is_dir(follow_symlinks=False) or (_FOLDER.fullmatch(key) and _is_folder(path)):
                folders.append(path)
            elif hour_of(key) is None and (problem := _problem(key, path)):
                yield key, problem


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # as loading it says
        return False


def _problem(key: str, path: Path) -> str:
    """What is wrong with a path that is not that of a landing file; empty if nothing is."""
    try:
        if path.is_dir():
            return "no load follows this symbolic link to a folder"
        if not path.is_file() or not (status := path.stat()).st_size:
            return ""
        if path.suffix == ".opening":
            return _unnamed(path)
    except FileNotFoundError:  # it was given its name, or removed, just now
        return ""
    except OSError as error:
        return f"the file cannot be read: {error}"
    if path.name.startswith(".") or path.name.endswith(UNFINISHED) or _COPIED_STATEMENT.fullmatch(key):
        if time.time() - status.st_mtime < _UNFINISHED_SECONDS:
            return ""
        return "it was never finished, and no load takes it: copy it again and remove this file"
    example = _EXAMPLES.get(key.split("/")[0], _EXAMPLES[TRADES])
    return f"no load takes it: its name is not that of a landing file, like {example}"


def _unnamed(path: Path) -> str:
    """The problem of a file that capture was opening: usually none, since only its first event is in it."""
    with path.open("rb") as file:
        lines = sum(line.endswith(b"\n") and b'"event":"opened"' not in line for line in file)
    if not lines or not is_writer_gone(path):
        return ""
    return (
        f"its writer ended before it named it, and no load takes its {counted(lines, 'line')}:"
        " let its name end with .jsonl instead of .opening"
    )
