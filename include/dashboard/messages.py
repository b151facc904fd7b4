"""A message as it arrived: one line of a landing file."""

from contextlib import suppress
from os import SEEK_CUR
from pathlib import Path
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from include.dashboard import parameters as given
from include.dashboard import schemas
from include.dashboard.asked import Asking
from include.dashboard.language import say
from include.dashboard.parameters import BadParameterError
from include.dashboard.reader import Query as Reading
from include.dashboard.reader import Row
from include.landing_keys import landing_path
from include.landing_line import decode_line
from include.settings import Settings
from include.warehouse.queries import load_queries

QUERIES = load_queries("dashboard/queries.sql")

MAX_BYTES = 64 << 10
"""Of a message more is not shown."""

_MAX_LINE_BYTES = 4 << 20
"""A longer line is not unwrapped."""

_CHUNK_BYTES = 1 << 20
_MAX_LINES = 10**12

routes = APIRouter()


def read_message(query: Reading, settings: Settings, landing_file: str, line: int) -> Row:
    """What a line of a landing file of the market holds.

    Args:
        settings: Those of the market.
        landing_file: As in `ops.landing_files`; nothing else is opened.
        line: Its number, from 1.

    Returns:
        `raw` is None if the file is not on this server any more; `received_at` if the line does not tell it.

    Raises:
        BadParameterError: No such file of the market was loaded, or no such line of it.
    """
    known = [] if "\0" in landing_file else query(QUERIES["landing_file"], landing_file=landing_file)
    if not known:
        raise BadParameterError(say("landing_file must be the path of a landing file of this market."))
    if line > known[0]["line_count"]:
        raise BadParameterError(
            say("line must be one of the {count} lines that are loaded.", count=known[0]["line_count"])
        )
    text = _line(settings.landing_root, landing_file, line)
    received_at, raw = (None, None) if text is None else _message(text)
    return {
        "landing_file": landing_file,
        "line": line,
        "received_at": received_at,
        "raw": None if raw is None else raw[:MAX_BYTES].decode("utf-8", "backslashreplace"),
        "is_truncated": raw is not None and len(raw) > MAX_BYTES,
    }


def _line(root: Path, key: str, number: int) -> bytes | None:
    """The line without its end, at most _MAX_LINE_BYTES of it; None: there is none."""
    path = landing_path(root, key).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():
        return None
    with path.open("rb") as file:
        before = number - 1
        while before and (chunk := file.read(_CHUNK_BYTES)):
            ends = min(chunk.count(b"\n"), before)
            before -= ends
            if not before:
                start = 0
                for _ in range(ends):
                    start = chunk.index(b"\n", start) + 1
                file.seek(start - len(chunk), SEEK_CUR)
        line = file.readline(_MAX_LINE_BYTES)  # nothing at the end of the file
        return line.rstrip(b"\r\n") if line else None


def _message(line: bytes) -> tuple[str | None, bytes]:
    """When it was received, and the message itself; the whole line if it does not wrap one."""
    try:
        fields = decode_line(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, line
    payload = None
    with suppress(ValueError):
        payload = fields.payload()
    return fields.received_at or None, line if payload is None else payload


@routes.get("/message", summary="A message as it arrived", response_model=schemas.Message)
async def message(
    asked: Asking,
    landing_file: Annotated[str, Query(description="Its landing file, as the lists name it")] = "",
    line: Annotated[str, Query(description="The number of its line, from 1")] = "",
) -> Response:
    """One line of a landing file of the market: the message verbatim, 64 KiB at most."""
    number = given.whole_number(line, _MAX_LINES)
    if number is None:
        raise BadParameterError(say("line must be a whole number from 1."))
    return await asked.answer(
        lambda query: read_message(query, asked.state.settings, landing_file, number),
        "message",
        landing_file,
        number,
        is_slow=True,
    )
