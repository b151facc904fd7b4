"""Loads all landing files of one source that hold something new."""

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from psycopg2.extensions import connection

from include.landing import LandingFile, list_files
from include.load.loader import load_file
from include.load.sink import Sink
from include.settings import Settings
from include.warehouse.connection import connect, named_sql, run_sql
from include.warehouse.locks import lock_pnl_inputs

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Loaded:
    """Sums over the loads of a run; lines = loaded + duplicate + rejected + event."""

    files: int = 0
    batches: int = 0
    line_count: int = 0
    loaded_count: int = 0
    duplicate_count: int = 0
    rejected_count: int = 0
    event_count: int = 0


def load_source(
    settings: Settings, sink: Sink, start_at: datetime | None = None, end_at: datetime | None = None
) -> dict[str, int]:
    """Loads the files of the hours of receipt in [start_at, end_at), or all, from their stored offsets.

    Raises:
        TransientError: The warehouse went away; what was committed stays, and a rerun goes on from there.
    """
    scanned_at = datetime.now(UTC)
    files = list_files(settings.landing_root, sink.source, start_at, end_at)
    total = Loaded()
    with connect(settings.warehouse_url, f"load_{sink.source}") as conn:
        unfinished = _unfinished(conn, sink.source, files)
        changed_since = _last_scan(conn, sink.source) or scanned_at
        for position, file in enumerate(unfinished, start=1):
            total.files += 1
            is_at_end = False
            # to the end it has now: a busy file would hold us for ever
            while not is_at_end and (load := load_file(conn, file, sink)) is not None:
                is_at_end = load.is_at_end
                total.batches += 1
                for name in ("line_count", "loaded_count", "duplicate_count", "rejected_count", "event_count"):
                    setattr(total, name, getattr(total, name) + getattr(load, name))
                changed_since = min(changed_since, load.first_received_at or changed_since)
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
        with conn, conn.cursor() as cur:
            if sink.has_connection:
                lock_pnl_inputs(cur)  # else a build under way could publish what it saw before this load
            if start_at is None and end_at is None:
                run_sql(cur, "ops/landing_scans", {"source": sink.source, "scanned_at": scanned_at})
            if sink.has_connection:
                run_sql(cur, "ops/pending_capture_gaps", {"since": changed_since})
    return asdict(total)


def _unfinished(conn: connection, source: str, files: Iterable[LandingFile]) -> list[LandingFile]:
    """The files that may hold something new: those not known to be loaded to their end."""
    with conn, conn.cursor() as cur:
        cur.execute(named_sql("ops/landing_files_complete_keys"), {"source": source})
        complete = {key for (key,) in cur}
    return [file for file in files if file.key not in complete]


def _last_scan(conn: connection, source: str) -> datetime | None:
    with conn, conn.cursor() as cur:
        cur.execute("SELECT scanned_at FROM ops.landing_scans WHERE source = %s", (source,))
        row = cur.fetchone()
        return row[0] if row else None
