"""PostgreSQL's text formats: values and rows of COPY, and arrays."""

from collections.abc import Iterable
from itertools import islice

from psycopg2.extensions import cursor

NULL = "\\N"
"""A NULL as a value of a COPY row."""

_ROWS_A_READ = 2_000

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def escaped(text: str) -> str:
    """A text as a value of a COPY row."""
    return text.translate(_ESCAPES)


def array_literal(texts: Iterable[str]) -> str:
    """Texts as one parameter of a statement: the server reads it far faster than a list of constants."""
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"


class _RowFile:
    """Rows as a file that is made while COPY reads it: they are never in memory a second time as a whole."""

    def __init__(self, rows: Iterable[str]) -> None:
        self._rows = iter(rows)

    def read(self, _size: int = -1, /) -> bytes:
        return "".join(islice(self._rows, _ROWS_A_READ)).encode("utf-8")

    readline = read  # the driver expects both, and reads by `read` only


def copy_rows(cur: cursor, table: str, columns: Iterable[str], rows: Iterable[str]) -> None:
    """Copies rows in the text format, each with its newline."""
    cur.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", _RowFile(rows))
