"""Loads the landing files of a rebuild again from their first line, portion by portion."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from psycopg2.extensions import connection

from include.domain.delivery_period import Market
from include.expectations.reconciliation import reconcile_days
from include.jobs import reconcile_trades, validate_reference_prices, validate_trades
from include.landing import STATEMENTS, LandingFile, list_files
from include.load.copies import decide_copies
from include.load.lines import MAX_BYTES_PER_LOAD
from include.load.loader import Load, reload_files
from include.load.portions import in_portions
from include.load.processes import size_of
from include.load.reference_prices import ReferencePriceSink
from include.load.sink import Sink
from include.load.source import Loaded, note_scan, noting_failure
from include.load.statement_files import day_of
from include.load.statements import load_statement
from include.load.trades import TradeSink
from include.progress import Progress
from include.run_scope import Rebuild
from include.settings import Settings
from include.warehouse.connection import RETRY_MAY_HELP, connect
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("jobs/rebuild.sql")

_LINES_PER_VALIDATION = 1_000_000
"""What is loaded again does not count until it is validated: that happens after each so many lines."""


def run(settings: Settings, rebuild: Rebuild) -> dict[str, int]:
    """Deletes and loads, a portion a transaction, the files received while the days were traded and delivered.

    So are files that are known to hold rows of these days. Until what a file says now is validated, PnL of
    its hours stays as it was. Decisions that people made on messages hold. A killed reload goes on where it
    stopped. Files that cannot be loaded (`report_findings` names them) or are missing are left as they are.

    Returns:
        Counts: files, lines, files that were left as they are, and missing ones. All 0 unless asked for.

    Raises:
        TransientError: The warehouse went away; a rerun goes on from there.
    """
    counts = {"files": 0, "lines": 0, "left": 0, "missing": 0}
    if not rebuild.reload:
        return counts
    market = settings.market
    key = {"market": market.market, "rebuild_id": rebuild.rebuild_id}
    with connect(settings.warehouse_url, "reload_landing_files") as conn:
        with conn, conn.cursor() as cur:
            run_sql(cur, QUERIES["reload_begin"], key)
            ((since,),) = cur.fetchall()
        for sink, validate in (
            (TradeSink(market), validate_trades.run),
            (ReferencePriceSink(market), validate_reference_prices.run),
        ):
            keys = _keys(conn, market, rebuild, sink.source, since)
            listed = list_files(settings.landing_root, sink.source, market=settings.landing_market)
            on_disk = {file.key: file for file in listed}
            files = [on_disk[key] for key in keys if key in on_disk]
            counts["missing"] += len(keys) - len(files)
            _reload(conn, settings, sink, files, counts, partial(validate, settings))
        _reload_statements(conn, settings, market, rebuild, since, counts)
        with conn, conn.cursor() as cur:
            run_sql(cur, QUERIES["reload_end"], key)
    if counts["missing"]:
        log.warning("%d landing files are missing: what was loaded of them stays", counts["missing"])
    return counts


def _reload(
    conn: connection,
    settings: Settings,
    sink: Sink,
    files: list[LandingFile],
    counts: dict[str, int],
    validate: Callable[[], object],
) -> None:
    progress, total = Progress(f"files of {sink.source}", len(files)), Loaded()
    done = unvalidated = 0
    for portion in in_portions(files, size_of, MAX_BYTES_PER_LOAD):
        loads = _reload_portion(conn, settings, sink, portion, total)
        done += len(portion)
        counts["left"] += len(portion) - len(loads)
        counts["files"] += len(loads)
        for load in loads:
            total.add(load)
            counts["lines"] += load.line_count
            unvalidated += load.line_count
        if unvalidated >= _LINES_PER_VALIDATION:
            validate()
            unvalidated = 0
            log.info("loaded again: %s", progress.text(done))
    validate()
    log.info("loaded again: %s, %s lines", progress.text(len(files)), f"{total.line_count:,}")
    note_scan(conn, settings, sink, None, total.first_received_at)


def _reload_portion(
    conn: connection, settings: Settings, sink: Sink, files: list[LandingFile], total: Loaded
) -> list[Load]:
    """Reloads files together; one by one if one of them cannot be loaded, which is noted and left as it is."""

    def reload(some: list[LandingFile]) -> list[Load]:
        return reload_files(conn, some, sink, lambda cur, batches: decide_copies(cur, settings, batches))

    try:
        return reload(files)
    except RETRY_MAY_HELP:
        raise
    except Exception as error:
        log.info("%d files are loaded again one by one: %s", len(files), error, exc_info=True)
    loads = list[Load]()
    for file in files:
        with noting_failure(conn, file, sink.market, total):
            loads += reload([file])
    return loads


def _reload_statements(
    conn: connection,
    settings: Settings,
    market: Market,
    rebuild: Rebuild,
    since: datetime,
    counts: dict[str, int],
) -> None:
    """Loads the statements again and reconciles their days, with all that is captured."""
    keys = set(_keys(conn, market, rebuild, STATEMENTS, since))
    files = [
        file
        for file in list_files(settings.landing_root, STATEMENTS, market=settings.landing_market)
        if file.key in keys
    ]
    counts["missing"] += len(keys) - len(files)
    total = Loaded()
    for file in files:
        with noting_failure(conn, file, market.market, total):
            # in one transaction: else a build in between would find nothing of what the statement adds
            then = partial(reconcile_days, settings=settings, days=[day_of(file)])
            load = load_statement(conn, file, market, settings.statement_formats, is_reload=True, then=then)
            if load is not None:
                counts["files"] += 1
                counts["lines"] += load.line_count
    counts["left"] += total.failed_files
    if files:
        # what a changed rule makes of the captured messages
        reconcile_trades.run(settings, sorted({day_of(file) for file in files}))
        validate_trades.run(settings)


def _keys(conn: connection, market: Market, rebuild: Rebuild, source: str, since: datetime) -> list[str]:
    first, last = market.hours_of(rebuild.days.first), market.hours_of(rebuild.days.last)
    with conn, conn.cursor() as cur:
        run_sql(
            cur,
            QUERIES["reload_files"],
            {
                "market": market.market,
                "source": source,
                "start_at": first[0].tradable_from,
                "end_at": last[-1].end_at,
                "first_day": rebuild.days.first,
                "last_day": rebuild.days.last,
                "since": since,
            },
        )
        return [key for (key,) in cur]
