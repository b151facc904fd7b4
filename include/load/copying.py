"""PostgreSQL's COPY in text format: escaping, and copying ready rows."""

import io
from collections.abc import Iterable

from psycopg2.extensions import cursor

NULL = "\\N"
"""A NULL as a value of a COPY row."""

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def escaped(text: str) -> str:
    """A text as a value of a COPY row."""
    return text.translate(_ESCAPES)


def copy_rows(cur: cursor, table: str, columns: Iterable[str], rows: Iterable[str]) -> None:
    """Copies rows in the text format, each with its newline."""
    data = io.BytesIO("".join(rows).encode("utf-8"))
    cur.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", data, size=1 << 20)
