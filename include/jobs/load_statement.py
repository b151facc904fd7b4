"""Lands a statement of the exchange, its end-of-day file, and loads it."""

import logging
from datetime import date
from pathlib import Path

from include.errors import TerminalError
from include.landing import STATEMENTS, LandingFile, list_files
from include.load.source import NEW, Loaded, forget_readable_folders, ledger_of, noting_failure
from include.load.statement_files import day_of, land_statement
from include.load.statements import load_statement
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

SHARED = load_queries("warehouse/queries.sql")


def run(settings: Settings, day: date, file: Path) -> dict[str, int]:
    """Copies the file verbatim to the landing files and loads it, exactly once.

    The same content again is the same landing file: there is nothing new to load.

    Args:
        day: The day of the market on which its trades were executed, or of some formats deliver.

    Returns:
        Counts of files, batches and lines: lines = loaded + duplicate + rejected + event.

    Raises:
        TerminalError: The file cannot be read, or none of its lines names the columns of a known format.
        TransientError: The warehouse went away; a rerun goes on from there.
    """
    return _load(settings, land_statement(settings, day, file))


def has_run_by(settings: Settings, day: date) -> bool:
    """Whether a task of the market had run by the end of a day, market time.

    The alarm `statement_missing` is about the same days: of those before, nothing was captured.
    """
    with connect(settings.warehouse_url, "load_statements") as conn, conn, conn.cursor() as cur:
        run_sql(cur, SHARED["first_run"], {"market": settings.market.market})
        ((first_run_at,),) = cur.fetchall()
    return first_run_at is not None and first_run_at.astimezone(settings.market.timezone).date() <= day


def load_landed(settings: Settings) -> list[date]:
    """Loads the landed statements that are not loaded yet, as of a new warehouse; returns their days.

    A file that cannot be loaded does not stop the others; the reason is in `ops.landing_files`.

    Raises:
        TransientError: The warehouse went away; a rerun goes on from there.
    """
    with connect(settings.warehouse_url, "load_statements") as conn, conn, conn.cursor() as cur:
        forget_readable_folders(cur, settings)
        ledger = ledger_of(cur, settings.market.market, STATEMENTS)
    files = [
        file
        for file in list_files(settings.landing_root, STATEMENTS, market=settings.landing_market)
        if not ledger.get(file.key, NEW).is_complete
    ]
    days = set()
    for file in files:
        try:
            _load(settings, file)
            days.add(day_of(file))
        except TerminalError as error:
            log.error("%s", error)
    return sorted(days)


def _load(settings: Settings, file: LandingFile) -> dict[str, int]:
    total = Loaded(files=1)
    with (
        connect(settings.warehouse_url, "load_statements") as conn,
        noting_failure(conn, file, settings.market.market, total),
    ):
        load = load_statement(conn, file, settings.market, settings.statement_formats)
        if load is not None:
            total.add(load)
            log.info(
                "%s: %d lines = %d loaded + %d duplicates + %d rejected + %d header and comments",
                file.key,
                load.line_count,
                load.loaded_count,
                load.duplicate_count,
                load.rejected_count,
                load.event_count,
            )
    if total.failed_files:
        raise TerminalError(f"{file.key} cannot be loaded: load_error of ops.landing_files says why")
    return total.summary()
