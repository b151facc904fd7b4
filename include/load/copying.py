"""PostgreSQL's COPY in text format: escaping, and a stream that the server pulls rows from."""

from collections.abc import Iterator

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

_BYTES_A_READ = 1 << 16


def escaped(text: str) -> str:
    """A text as a value of a COPY row; never to be used for a NULL."""
    return text.translate(_ESCAPES)


class CopyStream:
    """A file to COPY from: rows are made while the server takes those before them.

    Args:
        rows: Rows in the text format, each with its newline.
    """

    def __init__(self, rows: Iterator[str]) -> None:
        self._rows = rows
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; empty at the end."""
        if not self._rest:
            self._rest = self._next()
        wanted = len(self._rest) if size < 0 else size
        part, self._rest = self._rest[:wanted], self._rest[wanted:]
        return part

    def readline(self, size: int = -1) -> bytes:
        """Not used by COPY, but the driver asks that it exists."""
        raise NotImplementedError

    def _next(self) -> bytes:
        rows, length = [], 0
        for row in self._rows:
            rows.append(row)
            length += len(row)
            if length >= _BYTES_A_READ:
                break
        return "".join(rows).encode("utf-8")
