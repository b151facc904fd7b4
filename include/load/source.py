"""Loads all landing files of one source that hold something new."""

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from psycopg2 import errors
from psycopg2.extensions import connection, cursor

from include.errors import TerminalError
from include.landing import LandingFile, list_files
from include.landing_keys import landing_path
from include.load.ledger import file_parameters
from include.load.loader import Load, load_file
from include.load.processes import Outcome, load_in_processes, process_count, size_of
from include.load.rejects import storable
from include.load.sink import Sink
from include.run_scope import Window
from include.settings import Settings
from include.warehouse.connection import RETRY_MAY_HELP, connect
from include.warehouse.locks import lock_pnl_inputs
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("load/queries.sql")


_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """How far a landing file is loaded, and why not further if the last attempt failed."""

    loaded_bytes: int = 0
    is_complete: bool = False
    load_error: str | None = None


NEW = Known(-1)
"""A file that the ledger does not know yet; even an empty one has to be recorded."""


@dataclass(slots=True)
class Loaded:
    """Sums over the loads of a run; lines = loaded + duplicate + rejected + event."""

    files: int = 0
    failed_files: int = 0
    batches: int = 0
    line_count: int = 0
    loaded_count: int = 0
    duplicate_count: int = 0
    rejected_count: int = 0
    event_count: int = 0
    first_received_at: datetime | None = None

    def add(self, load: Load) -> None:
        """Counts one load."""
        self.batches += 1
        self.line_count += load.line_count
        self.loaded_count += load.loaded_count
        self.duplicate_count += load.duplicate_count
        self.rejected_count += load.rejected_count
        self.event_count += load.event_count
        if load.first_received_at is not None:
            self.first_received_at = min(
                self.first_received_at or load.first_received_at, load.first_received_at
            )

    def summary(self) -> dict[str, int]:
        """The counts."""
        return {name: count for name, count in asdict(self).items() if isinstance(count, int)}


def load_source(settings: Settings, sink: Sink, window: Window | None = None) -> dict[str, int]:
    """Loads the files of the market of the window's hours of receipt, or all, from their offsets.

    A file that cannot be loaded, or a folder that cannot be read, does not stop the others. The reason is
    recorded in `ops.landing_files`, and `include.jobs.report_findings` reports it at the end of the run; each
    later load tries it again.

    Raises:
        TransientError: The warehouse went away; what was committed stays, and a rerun goes on from there.
    """
    scanned_at = datetime.now(UTC)
    start_at, end_at = (window.start_at, window.end_at) if window else (None, None)
    files = list_files(settings.landing_root, sink.source, start_at, end_at, settings.landing_market)
    total = Loaded()
    with connect(settings.warehouse_url, f"load_{sink.source}") as conn:
        with conn, conn.cursor() as cur:
            forget_readable_folders(cur, settings)
            ledger = ledger_of(cur, sink.market, sink.source)
        unfinished = [file for file in files if not is_loaded(file, ledger.get(file.key, NEW))]
        count = process_count(
            unfinished, {file.key: ledger[file.key].loaded_bytes for file in unfinished if file.key in ledger}
        )
        if count > 1:
            log.info("%d files are loaded by %d processes", len(unfinished), count)
            outcomes = load_in_processes(settings, sink, unfinished, count)
        else:
            outcomes = load_each(conn, unfinished, sink)
        for position, (file, loads, has_failed) in enumerate(outcomes, start=1):
            total.files += 1
            total.failed_files += has_failed
            for load in loads:
                total.add(load)
                log.info(
                    "file %d of %d, %s: %d lines = %d loaded + %d duplicates + %d rejected + %d events",
                    position,
                    len(unfinished),
                    file.key,
                    load.line_count,
                    load.loaded_count,
                    load.duplicate_count,
                    load.rejected_count,
                    load.event_count,
                )
        is_whole = window is None and not total.failed_files
        note_scan(conn, settings, sink, scanned_at if is_whole else None, total.first_received_at)
    return total.summary()


def load_each(conn: connection, files: Iterable[LandingFile], sink: Sink) -> Iterator[Outcome]:
    """Loads each file to its present end, once: a file that grows quickly must not keep the others waiting.

    Raises:
        psycopg2.Error: The connection to the warehouse was lost.
    """
    for file in files:
        loads, failed = list[Load](), Loaded()
        with noting_failure(conn, file, sink.market, failed):
            is_at_end = False
            while not is_at_end and (load := _load(conn, file, sink)) is not None:
                is_at_end = load.is_at_end
                loads.append(load)
        yield file, loads, bool(failed.failed_files)


def _load(conn: connection, file: LandingFile, sink: Sink) -> Load | None:
    """Loads once; again if two loads at once waited for trades of each other and this one had to give way."""
    try:
        return load_file(conn, file, sink)
    except errors.DeadlockDetected as error:
        log.info("%s is loaded again, another load holds some of its trades: %s", file.key, error)
        return load_file(conn, file, sink, is_alone=True)


@contextmanager
def noting_failure(conn: connection, file: LandingFile, market: str, total: Loaded) -> Iterator[None]:
    """Records in the ledger why loading the file within the block failed, and counts it; the caller goes on.

    Raises:
        psycopg2.Error: The connection to the warehouse was lost, which is not the fault of the file.
    """
    try:
        yield
    except RETRY_MAY_HELP:
        raise
    except Exception as error:
        log.exception("%s cannot be loaded", file.key)
        total.failed_files += 1
        _note_failure(conn, file, market, error)


def _note_failure(conn: connection, file: LandingFile, market: str, error: Exception) -> None:
    text = str(error) if isinstance(error, TerminalError) else f"{type(error).__name__}: {error}"
    parameters = {
        **file_parameters(file, market),
        "load_error": storable(text.encode("utf-8", "surrogatepass"))[:2_000],
    }
    with conn, conn.cursor() as cur:
        run_sql(cur, QUERIES["landing_files_failed"], parameters)


def note_scan(
    conn: connection,
    settings: Settings,
    sink: Sink,
    scanned_at: datetime | None,
    changed_since: datetime | None,
) -> None:
    """Records up to when all landing files are loaded, and marks delivery periods whose gaps this changes.

    Args:
        conn: A connection without an open transaction.
        settings: Where the landing files are, and the market.
        sink: Of their source.
        scanned_at: When the loaded files were listed, if these are all files. None if they are only some: then
            it is the present, provided that no file is left to load. So loading window by window, in any
            order, has the same result as loading all at once.
        changed_since: First receipt among the lines that were loaded; None for none.
    """
    with conn, conn.cursor() as cur:
        if sink.has_connection:
            # else a build in progress could publish gaps as they were before this load
            lock_pnl_inputs(cur, sink.market)
        if scanned_at is None and _is_all_loaded(cur, settings, sink.source):
            scanned_at = datetime.now(UTC)
        scan = {"market": sink.market, "source": sink.source}
        run_sql(cur, QUERIES["landing_scanned_at"], scan)
        (known_until,) = cur.fetchone() or (_EVER,)
        if scanned_at is not None:
            run_sql(cur, QUERIES["landing_scans"], scan | {"scanned_at": scanned_at})
        if sink.has_connection:
            since = {"since": min(changed_since or known_until, known_until)}
            run_sql(cur, QUERIES["pending_capture_gaps"], since | {"market": sink.market})


def is_loaded(file: LandingFile, known: Known) -> bool:
    """Whether a file without a writer is loaded to its end, and has not grown since, as a copy under way."""
    return known.is_complete and size_of(file) <= known.loaded_bytes


def ledger_of(cur: cursor, market: str, source: str) -> dict[str, Known]:
    """The ledger's rows of a source of a market, by the key of the landing file."""
    run_sql(cur, QUERIES["landing_files_known"], {"market": market, "source": source})
    return {key: Known(*known) for key, *known in cur}


def forget_readable_folders(cur: cursor, settings: Settings) -> None:
    """Removes the errors of folders whose files can be listed again: they are no files, no load clears them."""
    run_sql(cur, QUERIES["landing_folders_failed"], {"market": settings.market.market})
    readable = [key for (key,) in cur.fetchall() if _can_be_listed(landing_path(settings.landing_root, key))]
    if readable:
        run_sql(cur, QUERIES["landing_folders_forget"], {"landing_files": readable})


def _can_be_listed(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return all(True for _ in entries)
    except OSError:  # also where it is gone, as is said of a file
        return False


def _is_all_loaded(cur: cursor, settings: Settings, source: str) -> bool:
    """Whether each landing file is loaded to the end that it has at this moment."""
    ledger = ledger_of(cur, settings.market.market, source)
    for file in list_files(settings.landing_root, source, market=settings.landing_market):
        known = ledger.get(file.key, NEW)
        if file.unlisted is not None:
            return False
        try:
            if not is_loaded(file, known) and file.path.stat().st_size != known.loaded_bytes:
                return False
        except OSError:
            return False
    return True
