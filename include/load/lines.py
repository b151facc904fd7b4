"""Reads a landing file from an offset to its last whole line, counting lines."""

import binascii
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import msgspec

from include.landing import is_writer_gone

MAX_BYTES_PER_LOAD = 64 * 1024 * 1024
"""A load ends at the first line end after so many bytes: a kill costs seconds, and sorts fit in memory."""


class Line(msgspec.Struct, gc=False):
    """The fields of a line of a landing file that a load reads; it ignores any other."""

    received_at: str = ""
    raw: str | None = None
    raw_base64: str | None = None
    event: str | None = None
    connected: bool | None = None
    alive_until: str | None = None
    connected_since: str | None = None
    seconds: float | None = None
    files: list[str] | None = None
    request: dict[str, str] | None = None
    status: int | None = None

    def payload(self) -> bytes | None:
        """The message as it was received; None for an event.

        Raises:
            ValueError: `raw_base64` is not base64.
        """
        if self.raw is not None:
            return self.raw.encode("utf-8", "surrogatepass")
        if self.raw_base64 is not None:
            try:
                return b64decode(self.raw_base64, validate=True)
            except binascii.Error as error:
                raise ValueError(str(error)) from error
        return None


decode_line = msgspec.json.Decoder(Line).decode


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
