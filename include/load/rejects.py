"""Collects the rejects of a load in a temporary file until the load stores them."""

import sys
import tempfile
from collections.abc import Mapping
from datetime import date
from typing import Self

from psycopg2.extensions import cursor

from include.domain.rejection import Reason
from include.landing import LandingFile
from include.landing_line import Line, decode_line
from include.load.copying import NULL, array_literal, escaped
from include.load.lines import LineReader
from include.load.sink import Sink

MAX_CHARACTERS = 10_000
"""Characters of a message that are stored with the reason; the landing file has the whole message."""

_IN_MEMORY = 1 << 20

_COPY = (
    "COPY ops.rejected_messages"
    " (landing_file_id, line_number, load_batch_id, market, source, reason_code, detail, raw, received_at,"
    " delivery_day, delivery_hours) FROM STDIN"
)


class Rejects:
    """Rejects of one load; a context manager that frees its file."""

    def __init__(self, market: str, source: str, load_batch_id: int, landing_file_id: int) -> None:
        self.count = 0
        self._market = market
        self._source = source
        self._load_batch_id = load_batch_id
        self._landing_file_id = landing_file_id
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def add(
        self,
        line_number: int,
        reason: Reason,
        detail: str,
        payload: bytes,
        received_at: str | None,
        claimed: tuple[date, tuple[str, ...]] | None = None,
    ) -> None:
        """Adds a line that became neither a row nor an event; `claimed`: the day and hours of PnL it names."""
        day, hours = (NULL, NULL) if claimed is None else (claimed[0], array_literal(claimed[1]))
        raw = escaped(storable(payload[: 4 * MAX_CHARACTERS])[:MAX_CHARACTERS])
        self._file.write(
            f"{self._landing_file_id}\t{line_number}\t{self._load_batch_id}\t{self._market}\t{self._source}\t{reason}"
            f"\t{escaped(detail)}\t{raw}\t{received_at or NULL}\t{day}\t{hours}\n".encode()
        )
        self.count += 1

    def store(self, cur: cursor) -> None:
        """Copies them all into `ops.rejected_messages`."""
        if self.count:
            self._file.seek(0)
            cur.copy_expert(_COPY, self._file)


def storable(payload: bytes) -> str:
    """The bytes as text; characters that PostgreSQL cannot store are escaped."""
    return payload.decode("utf-8", "backslashreplace").replace("\x00", "\\u0000")


def reject_lines(
    rejects: Rejects,
    refused: Mapping[Reason, Mapping[int, str]],
    file: LandingFile,
    from_bytes: int,
    known_lines: int,
    sink: Sink,
) -> None:
    """Rejects lines that had become rows; the file is read again for their messages.

    Args:
        rejects: Of the load.
        refused: Line number to detail, by reason.
        file: The file that is being loaded.
        from_bytes: Where the load began.
        known_lines: Lines before that.
        sink: Tells what a message is about.
    """
    last = max((number for numbers in refused.values() for number in numbers), default=0)
    if not last:
        return
    for number, text in enumerate(LineReader(file.path, from_bytes, sys.maxsize), start=known_lines + 1):
        for reason, details in refused.items():
            if number in details:
                line = decode_line(text)
                message, claimed = message_of(line, text), sink.claimed_hours(line)
                rejects.add(number, reason, details[number], message, line.received_at, claimed)
        if number == last:
            break


def message_of(line: Line, text: bytes) -> bytes:
    """The message in a line; the line itself if it holds none."""
    try:
        return line.payload() or text
    except ValueError:
        return text
