"""Loads one landing file from its stored offset, exactly once: everything in one transaction."""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import msgspec
from psycopg2.extensions import connection, cursor

from include.domain.message import is_utc_text
from include.domain.rejection import Reason, RejectedMessageError, quoted
from include.errors import TerminalError
from include.landing import LandingFile, is_writer_gone, make_durable
from include.landing_line import Line, decode_line
from include.load.journal import Journal
from include.load.ledger import LedgerRow, begin_batch, lock_file, store_periods
from include.load.lines import MAX_BYTES_PER_LOAD, LineReader
from include.load.portions import write_rows
from include.load.rejects import Rejects, message_of, reject_lines
from include.load.reload import forget_files, restore_reviews
from include.load.sink import Sink
from include.warehouse.locks import lock_decision
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("load/queries.sql")

_MAX_STEP_SECONDS = 1e10
"""Three centuries: no clock of ours steps further, and PostgreSQL may not be able to represent such a time."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one load did; lines = loaded + duplicate + rejected + event."""

    load_batch_id: int
    landing_file_id: int
    to_bytes: int
    line_count: int
    loaded_count: int
    duplicate_count: int
    rejected_count: int
    event_count: int
    first_received_at: datetime | None
    last_received_at: datetime | None
    is_connected: bool
    is_at_end: bool
    is_complete: bool


def load_file(conn: connection, file: LandingFile, sink: Sink, *, is_alone: bool = False) -> Load | None:
    """Loads what the file holds beyond its stored offset, at most MAX_BYTES_PER_LOAD and a line.

    It is one transaction: if it is killed, nothing was loaded. Of two loaders of a file at once the second
    waits and finds nothing left to load. A file that has grown since all of it was loaded was being copied
    there, without a writer's lock: it is loaded again from its first line.

    Args:
        conn: A connection without an open transaction.
        file: The file, as it lies on disk.
        sink: Of the file's source.
        is_alone: Let no other file of the market and source be loaded at the same time.

    Returns:
        What was loaded; None if there was nothing new.

    Raises:
        TerminalError: The file is shorter than what is loaded of it, or was loaded for another market; nothing
            was changed.
        OSError: The file, or the folder that stands for its files, cannot be read; nothing was changed.
        psycopg2.errors.DeadlockDetected: Another load and this one waited for rows of each other; nothing was
            changed.
    """
    file.check()
    with conn, conn.cursor() as cur:
        sink.begin(cur, is_alone)
        known = lock_file(cur, file, sink.market)
        if not known.is_complete:
            return _load(cur, file, sink, known) if _holds_more(cur, file, known) else None
        if file.path.stat().st_size <= known.loaded_bytes:
            return None
    log.warning("%s has grown since all of it was loaded, and is loaded again", file.key)
    return next(iter(reload_files(conn, [file], sink)), None)


def reload_files(
    conn: connection,
    files: Sequence[LandingFile],
    sink: Sink,
    decide: Callable[[cursor, list[int]], None] | None = None,
) -> list[Load]:
    """Deletes what was loaded of the files and loads all of them again, in one transaction.

    Files are reloaded together because each deletion may have to read the whole table.

    Args:
        conn: A connection without an open transaction.
        files: Files, as they lie on disk.
        sink: Of their source.
        decide: Decides which copies of the new batches count, before what people decided is restored: that is
            about the copy that counts, and about the reject of the other one.

    Returns:
        What was loaded of each file that holds a line.

    Raises:
        TerminalError: A file is shorter than what is loaded of it, or was loaded for another market; nothing
            was changed.
        OSError: A file or a folder cannot be read; nothing was changed.
    """
    for file in files:
        file.check()
    with conn, conn.cursor() as cur:
        # accepted rows are deleted and loaded again: no build may read in between
        lock_decision(cur, sink.market)
        sink.begin(cur)
        known = [lock_file(cur, file, sink.market) for file in files]
        for file, row in zip(files, known, strict=True):
            _size_of(file, row)
        forget_files(cur, [row.landing_file_id for row in known])
        loads = list[Load]()
        for file, row in zip(files, known, strict=True):
            sink.begin(cur)
            if load := _load(cur, file, sink, LedgerRow(row.landing_file_id), is_reload=True):
                loads.append(load)
        if decide is not None:
            decide(cur, [load.load_batch_id for load in loads])
        restore_reviews(cur)
        return loads


def _load(
    cur: cursor, file: LandingFile, sink: Sink, known: LedgerRow, *, is_reload: bool = False
) -> Load | None:
    cur.execute("SAVEPOINT load")
    landing_file_id, from_bytes, known_lines = known.landing_file_id, known.loaded_bytes, known.line_count
    reader = LineReader(file.path, from_bytes, sys.maxsize if is_reload else MAX_BYTES_PER_LOAD)
    journal = Journal()
    if known.is_connected:
        run_sql(cur, QUERIES["claimed_intervals_last"], {"landing_file_id": landing_file_id})
        journal.connected_from, journal.connected_until = cur.fetchone() or (None, None)
    load_batch_id = begin_batch(cur, file, landing_file_id, from_bytes, is_reload)
    with Rejects(sink.market, file.source, load_batch_id, landing_file_id) as rejects:
        row_end = f"\t{load_batch_id}\t{landing_file_id}\n"
        pass_ = _Pass(reader, known_lines, sink, rejects, journal, row_end)
        written = write_rows(cur, sink, iter(pass_))
        if reader.line_count == 0:  # a line that its living writer has not finished yet
            cur.execute("ROLLBACK TO SAVEPOINT load")
            return None
        if reader.torn:
            detail = f"{len(reader.torn)} bytes without a line end"
            rejects.add(known_lines + reader.line_count, Reason.TORN_LINE, detail, reader.torn, None)
        store_periods(cur, sink.take_periods(), sink.take_claimed_periods())
        conflicts = sink.conflicts(cur, load_batch_id) if written.known_count else {}
        refused = {
            Reason.CONFLICTING_DUPLICATE: conflicts,
            Reason.UNSTORABLE: written.refused,
        }
        reject_lines(rejects, refused, file, from_bytes, known_lines, sink)
        rejects.store(cur)
        of_file = {"market": sink.market, "landing_file_id": landing_file_id}
        for note in sink.take_notes():
            run_sql(cur, QUERIES["message_notes"], of_file | asdict(note))
        load = Load(
            load_batch_id=load_batch_id,
            landing_file_id=landing_file_id,
            to_bytes=reader.offset,
            line_count=reader.line_count,
            loaded_count=pass_.row_count - written.known_count - len(written.refused),
            duplicate_count=written.known_count - len(conflicts),
            rejected_count=rejects.count,
            event_count=pass_.event_count,
            first_received_at=pass_.first_received_at,
            last_received_at=pass_.last_received_at or known.last_received_at,
            is_connected=journal.connected_from is not None,
            is_at_end=reader.is_at_end,
            is_complete=reader.is_complete,
        )
    for connected_from, connected_until in journal.intervals.items() if sink.has_connection else ():
        interval = {"connected_from": connected_from, "connected_until": connected_until}
        run_sql(cur, QUERIES["claimed_intervals"], {"landing_file_id": landing_file_id, **interval})
    if journal.set_right is not None and sink.has_connection:
        seconds, files = journal.set_right
        step = {"landing_file_id": landing_file_id, "seconds": seconds, "landing_files": [*files, file.key]}
        run_sql(cur, QUERIES["clock_steps"], step)
    make_durable(file.path)  # else a power cut could take lines from the file that the warehouse has
    run_sql(cur, QUERIES["load_batches_end"], asdict(load))
    run_sql(cur, QUERIES["landing_files_advance"], asdict(load))
    return load


class _Pass:
    """One pass over the new lines: yields rows; counts events, collects rejects, keeps the journal."""

    def __init__(
        self,
        reader: LineReader,
        known_lines: int,
        sink: Sink,
        rejects: Rejects,
        journal: Journal,
        row_end: str,
    ) -> None:
        self.row_count = 0
        self.event_count = 0
        self.first_received_at: datetime | None = None
        self.last_received_at: datetime | None = None
        self._has_unread = False
        self._reader = reader
        self._known_lines = known_lines
        self._sink = sink
        self._rejects = rejects
        self._journal = journal
        self._row_end = row_end

    def __iter__(self) -> Iterator[tuple[str, str]]:
        to_row, row_end = self._sink.row, self._row_end
        last_message = ""
        number = self._known_lines
        for number, text in enumerate(self._reader, start=self._known_lines + 1):
            try:
                line = decode_line(text)
                if not is_utc_text(line.received_at, 32):
                    raise ValueError(f"received_at is {quoted(line.received_at)}")
            except (msgspec.DecodeError, UnicodeError, ValueError, RecursionError) as error:
                self._rejects.add(number, Reason.FOREIGN_LINE, str(error), text, None)
                continue
            if line.event is not None:
                self._proof(last_message)
                last_message = ""
                self._event(line)
                continue
            if not last_message and self._journal.connected_from is None:
                self._proof(line.received_at)
            last_message = line.received_at
            try:
                row = to_row(line)
            except RejectedMessageError as error:
                self._reject(number, line, text, error)
                continue
            except MemoryError:
                raise  # not the fault of the message
            except Exception as error:
                if not self._has_unread:
                    log.exception("line %d cannot be read; further ones of this load are not logged", number)
                self._has_unread = True
                unread = RejectedMessageError(
                    Reason.UNREADABLE, f"{type(error).__name__}: {quoted(str(error))}"
                )
                self._reject(number, line, text, unread)
                continue
            if row is None:
                self.event_count += 1
                continue
            self.row_count += 1
            yield row[0], f"{row[1]}\t{line.received_at}\t{number}{row_end}"
        self._proof(last_message)

    def _proof(self, received_at: str) -> None:
        if received_at:
            self._seen(at := datetime.fromisoformat(received_at))
            self._journal.proof(at)

    def _event(self, line: Line) -> None:
        self.event_count += 1
        self._seen(at := datetime.fromisoformat(line.received_at))
        self._journal.event(
            at, line.event or "", line.connected, _time(line.alive_until), _time(line.connected_since)
        )
        seconds = line.seconds or 0.0
        if (
            line.event == "clock_stepped"
            and 0 < abs(seconds) < _MAX_STEP_SECONDS
            and (seconds < 0 or line.files)
        ):
            files = [name for name in line.files or [] if name.isprintable()]  # others cannot be stored
            self._journal.set_right = (seconds, files)

    def _seen(self, at: datetime) -> None:
        self.first_received_at = self.first_received_at or at
        self.last_received_at = at

    def _reject(self, number: int, line: Line, text: bytes, error: RejectedMessageError) -> None:
        message, claimed = message_of(line, text), self._sink.claimed_hours(line)
        self._rejects.add(number, error.reason, error.detail, message, line.received_at, claimed)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None and is_utc_text(text, 32) else None


def _holds_more(cur: cursor, file: LandingFile, known: LedgerRow) -> bool:
    """Whether there is anything beyond the offset; if there never will be, the ledger records that."""
    writer_gone = is_writer_gone(file.path)  # checked first: then the size of a dead writer's file is final
    size = _size_of(file, known)
    if size == known.loaded_bytes and writer_gone:
        run_sql(cur, QUERIES["landing_files_complete"], {"landing_file_id": known.landing_file_id})
    return size > known.loaded_bytes


def _size_of(file: LandingFile, known: LedgerRow) -> int:
    size = file.path.stat().st_size
    if size < known.loaded_bytes:
        raise TerminalError(
            f"{file.path} has {size} bytes, but {known.loaded_bytes} of it are loaded: a landing file was"
            " changed or replaced; restore it (landing files are append-only)"
        )
    return size
