"""What the capture instances received, read from their landing files and merged in order of receipt.

The memory that it takes is that of the trades of one minute.
"""

import heapq
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import repeat
from operator import itemgetter
from pathlib import Path

import msgspec

from include.domain.lifecycle import CAPTURED_FILE
from include.domain.message import MAX_CHARACTERS, is_utc_text
from include.domain.rejection import RejectedMessageError
from include.domain.trade import revision_of
from include.landing import LandingFile

MAX_DELAY = timedelta(seconds=60)
"""A trade that an instance received later than this after another one counts as not received."""

MARGIN = timedelta(seconds=10)
"""An instance is expected to have received a trade only if it was connected for so long before and after.

Covers the difference between the clocks of two hosts, and the time that a subscription takes.
"""

Trade = tuple[str, str, int]
"""Id, direction and revision: the legs of a self trade have one id, an amendment is another revision."""

Span = tuple[datetime, datetime]


class _Line(msgspec.Struct, gc=False):
    received_at: str = ""
    raw: str = ""


class _Body(msgspec.Struct, gc=False):
    id: str | int
    direction: str = ""
    revision: str | int | None = None
    revision_no: str | int | None = None
    version: str | int | None = None

    def revisions(self) -> dict[str, str | Decimal | None]:
        """As the domain parses them."""
        named = {"revision": self.revision, "revision_no": self.revision_no, "version": self.version}
        return {name: Decimal(value) if isinstance(value, int) else value for name, value in named.items()}


class _Message(msgspec.Struct, gc=False):
    deal_confirmation: _Body | None = None
    trade_confirmation: _Body | None = None


_decode_line: Callable[[bytes], _Line] = msgspec.json.Decoder(_Line).decode
_decode_message: Callable[[str], _Message] = msgspec.json.Decoder(_Message).decode


def files_by_instance(files: Iterable[LandingFile]) -> dict[str, list[LandingFile]]:
    """The landing files of each instance, in the order in which it wrote them.

    An instance is known by the beginning of the names of its files: its name and its host. Files whose names
    no capture instance gave are left out.
    """
    named = [(match, file) for file in files if (match := CAPTURED_FILE.fullmatch(file.path.name))]
    named.sort(key=lambda pair: (pair[0]["opened"], pair[1]))
    found: dict[str, list[LandingFile]] = {}
    for match, file in named:
        found.setdefault(match["instance"], []).append(file)
    return dict(sorted(found.items()))


def received_trades(paths: Iterable[Path], from_at: datetime) -> Iterator[tuple[datetime, Trade]]:
    """Time of receipt and trade of each confirmation in the files of an instance; other lines are ignored.

    In order of receipt, also where an instance is two processes that write at the same time.

    Args:
        paths: Its files, in the order in which they were opened.
        from_at: What was received before is left out.

    Raises:
        OSError: A file cannot be read.
    """
    of_processes: dict[str, list[Path]] = {}
    for path in paths:
        name = CAPTURED_FILE.fullmatch(path.name)
        of_processes.setdefault(name["process"] if name else "", []).append(path)
    return heapq.merge(*(_received(files, from_at) for files in of_processes.values()), key=itemgetter(0))


def _received(paths: Iterable[Path], from_at: datetime) -> Iterator[tuple[datetime, Trade]]:
    text, at = "", from_at
    for path in paths:
        with path.open("rb", buffering=1 << 16) as file:
            for line in file:
                try:
                    found = _decode_line(line)
                    if found.received_at != text:
                        if not is_utc_text(found.received_at, 32):
                            continue
                        text, at = found.received_at, datetime.fromisoformat(found.received_at)
                    if at >= from_at and (trade := _trade(found.raw)):
                        yield at, trade
                except (msgspec.DecodeError, UnicodeError, RecursionError, RejectedMessageError):
                    continue  # no line of capture, or no confirmation: the loader judges them


def first_receipts(
    streams: Sequence[Iterable[tuple[datetime, Trade]]],
) -> Iterator[tuple[datetime, Trade, int]]:
    """When each trade was first received, and by which streams within MAX_DELAY (bit 0: the first stream).

    A trade that comes again later is yielded again.
    """
    tagged = [zip(stream, repeat(1 << number)) for number, stream in enumerate(streams)]
    pending: OrderedDict[Trade, tuple[datetime, int]] = OrderedDict()
    for (at, trade), bit in heapq.merge(*tagged, key=lambda receipt: receipt[0][0]):
        while pending and at - pending[oldest := next(iter(pending))][0] > MAX_DELAY:
            first_at, bits = pending.pop(oldest)
            yield first_at, oldest, bits
        first_at, bits = pending.get(trade, (at, 0))
        pending[trade] = first_at, bits | bit
    for trade, (first_at, bits) in pending.items():
        yield first_at, trade, bits


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time as spans that neither overlap nor touch, in order."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def was_connected(spans: Sequence[Span], at: datetime) -> bool:
    """Whether one of these merged spans holds the moment with MARGIN before and after it."""
    position = bisect_right(spans, at - MARGIN, key=itemgetter(0)) - 1
    return position >= 0 and at + MARGIN <= spans[position][1]


def _trade(raw: str) -> Trade | None:
    if raw[:1] == "\ufeff":
        raw = raw[1:]
    message = _decode_message(raw)
    body = message.deal_confirmation or message.trade_confirmation
    if body is None:
        return None
    trade_id = str(body.id).strip()
    if not (0 < len(trade_id) <= MAX_CHARACTERS and trade_id.isprintable()):
        return None
    revision = revision_of(body.revisions()) or 0
    return trade_id, body.direction[:1].lower(), revision
