"""PostgreSQL's text formats: values and rows of COPY, and arrays."""

from collections.abc import Iterable
from itertools import islice

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import cursor

NULL = "\\N"
"""A NULL as a value of a COPY row."""

REFUSALS = (psycopg2.DataError, psycopg2.IntegrityError, errors.ProgramLimitExceeded, UnicodeEncodeError)
"""Errors that mean that a row cannot be stored, however often it is tried."""

_ROWS_PER_READ = 2_000

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def escaped(text: str) -> str:
    """A text as a value of a COPY row."""
    return text.translate(_ESCAPES)


def array_literal(texts: Iterable[str]) -> str:
    """Texts as one parameter of a statement: the server reads it far faster than a list of constants.

    Args:
        texts: None is empty or holds NUL.
    """
    joined = "\x00".join(texts).replace("\\", "\\\\").replace('"', '\\"').replace("\x00", '","')
    return f'{{"{joined}"}}' if joined else "{}"


class _RowFile:
    """Rows as a file that is produced while COPY reads it, so that they are in memory only once."""

    def __init__(self, rows: Iterable[str]) -> None:
        self._rows = iter(rows)
        self.error: UnicodeEncodeError | None = None

    def read(self, _size: int = -1, /) -> bytes:
        try:
            return "".join(islice(self._rows, _ROWS_PER_READ)).encode("utf-8")
        except UnicodeEncodeError as error:
            self.error = error
            raise

    readline = read  # the driver expects both, and reads by `read` only


def copy_rows(cur: cursor, table: str, columns: Iterable[str], rows: Iterable[str]) -> None:
    """Copies rows in the text format, each with its newline.

    Raises:
        psycopg2.Error: The server refused them; REFUSALS are those that are the fault of a row.
        UnicodeEncodeError: A row holds a character that no encoding can store.
    """
    file = _RowFile(rows)
    try:
        cur.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", file)
    except psycopg2.Error:
        if file.error is not None:  # the driver reports it as a cancelled query
            raise file.error from None
        raise
