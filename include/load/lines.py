"""Reads a landing file from an offset to its last whole line, counting lines."""

from collections.abc import Iterator
from pathlib import Path

from include.landing import is_writer_gone

MAX_BYTES_PER_LOAD = 64 * 1024 * 1024
"""A load ends at the first line end after so many bytes: a kill costs seconds, and sorts fit in memory."""


class LineReader:
    """The lines of one load, in order, and how far it got.

    Args:
        path: The file.
        offset: Where the line after the last loaded one begins.
        max_bytes: Where to stop, at the next line end.

    Attributes:
        offset: After the last line that was yielded.
        line_count: Lines yielded.
        torn: The bytes after the last line end of a file whose writer is gone; yielded by no iteration.
        is_at_end: All that the file held has been read; known after the iteration.
        is_complete: All that the file will ever hold has been read; known after the iteration.
    """

    def __init__(self, path: Path, offset: int, max_bytes: int = MAX_BYTES_PER_LOAD) -> None:
        self.offset = offset
        self.line_count = 0
        self.torn = b""
        self.is_at_end = True
        self.is_complete = False
        self._path = path
        self._stop = offset + max_bytes

    def __iter__(self) -> Iterator[bytes]:
        # checked before reading: all that a dead writer wrote is then in the file
        writer_gone = is_writer_gone(self._path)
        with self._path.open("rb", buffering=1 << 20) as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    if writer_gone:
                        self.torn = line
                        self.offset += len(line)
                        self.line_count += 1
                        self.is_complete = True
                    return
                self.offset += len(line)
                self.line_count += 1
                yield line
                if self.offset >= self._stop:
                    self.is_at_end = False
                    return
            self.is_complete = writer_gone
