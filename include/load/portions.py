"""Writes parsed rows in portions; if the warehouse refuses a row, the others are stored all the same."""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from psycopg2 import errors
from psycopg2.extensions import cursor

from include.domain.rejection import quoted
from include.load.copying import REFUSALS
from include.load.sink import RowStore

log = logging.getLogger(__name__)

ROWS_PER_WRITE = 15_000
MAX_REPEATS = 100
"""How often a portion is written again because other loads stored some of its rows: each time at least one."""

_SWITCH_SECONDS = 0.0005

_Item = TypeVar("_Item")

Row = tuple[str, str]
"""Its key, and its line in COPY's text format."""


@dataclass(slots=True)
class Written:
    """The outcome of writing the rows of a load.

    Attributes:
        known_count: Rows whose key was in the warehouse before, or came earlier in the load.
        refused: Line number of each row that the warehouse refused, and why.
    """

    known_count: int = 0
    refused: dict[int, str] = field(default_factory=dict)


def in_portions(
    items: Iterable[_Item], size: Callable[[_Item], int], portion_size: int
) -> Iterator[list[_Item]]:
    """Items in their order, in lists that end with the one by which they reach a size."""
    portion, total = list[_Item](), 0
    for item in items:
        portion.append(item)
        total += size(item)
        if total >= portion_size:
            yield portion
            portion, total = [], 0
    if portion:
        yield portion


def write_rows(cur: cursor, sink: RowStore, rows: Iterator[Row]) -> Written:
    """Hands the rows over in portions, each written by a thread of its own while the next one is parsed.

    Args:
        cur: Within the load's transaction.
        sink: Where they go.
        rows: In the order of their lines.
    """
    written = Written()
    with _short_switch_interval(), ThreadPoolExecutor(max_workers=1) as thread:
        writing: Future[None] | None = None
        while portion := list(islice(rows, ROWS_PER_WRITE)):
            if writing is not None:
                writing.result()
            writing = thread.submit(_write, cur, sink, portion, written)
        if writing is not None:
            writing.result()
    return written


def _write(cur: cursor, sink: RowStore, portion: list[Row], written: Written, repeats: int = 0) -> None:
    """Writes a portion; one that is refused is halved until the refused row stands alone."""
    fresh, repeated = _split(portion)
    cur.execute("SAVEPOINT portion")
    try:
        written.known_count += sink.write(cur, fresh, repeated)
    except REFUSALS as error:
        cur.execute("ROLLBACK TO SAVEPOINT portion")
        if isinstance(error, errors.UniqueViolation) and repeats < MAX_REPEATS:
            # another load has stored a row since it was looked up; the next look-up finds it
            log.debug("a row was stored by another load: %s", error)
            _write(cur, sink, portion, written, repeats + 1)
        elif len(portion) == 1:
            written.refused[_line_number(portion[0])] = f"{type(error).__name__}: {quoted(str(error).strip())}"
        else:
            middle = len(portion) // 2
            _write(cur, sink, portion[:middle], written)
            _write(cur, sink, portion[middle:], written)
    else:
        cur.execute("RELEASE SAVEPOINT portion")


def _split(portion: Iterable[Row]) -> tuple[dict[str, str], list[str]]:
    """Rows sorted by key, which the server inserts faster, and further rows with the key of one of them."""
    fresh: dict[str, str] = {}
    repeated: list[str] = []
    for key, row in portion:
        if key in fresh:
            repeated.append(row)
        else:
            fresh[key] = row
    return {key: fresh[key] for key in sorted(fresh)}, repeated


def _line_number(row: Row) -> int:
    """The loader appends line_number, load_batch_id and landing_file_id to every row."""
    return int(row[1].rsplit("\t", 3)[1])


@contextmanager
def _short_switch_interval() -> Iterator[None]:
    """Shortens the 5 ms that the writing thread waits for the interpreter after each reply of the server."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
