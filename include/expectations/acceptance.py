"""Validates the loaded batches of a source and accepts them, but for the trades that are quarantined."""

import logging
from dataclasses import dataclass
from typing import Literal

from psycopg2.extensions import connection, cursor

from include.expectations.reconciliation import reconcile_batches
from include.load.copies import decide_copies
from include.load.portions import in_portions
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.locks import lock_decision, lock_validation
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("expectations/queries.sql")

Source = Literal["trades", "reference_prices"]

_SOURCES = {"trades": ["trades", "statements"], "reference_prices": ["reference_prices"]}
"""The trades that a statement adds are validated as those that were captured."""

_VACUUM = {"trades": QUERIES["vacuum_trades"], "reference_prices": QUERIES["vacuum_reference_prices"]}

_ROWS_PER_VALIDATION = 2_000_000
"""Batches are validated in portions of about so many rows, so that a year of them shows progress."""

_ROWS_TO_VACUUM = 100_000
"""From so many new rows on, statistics are brought up to date first."""


@dataclass(frozen=True, slots=True)
class _Batch:
    load_batch_id: int
    row_count: int


def validate_batches(settings: Settings, source: Source) -> dict[str, int]:
    """Validates all batches of the source and market that wait for it, and accepts them.

    The verdict is on a row, whatever it was loaded with: a trade that breaks a critical expectation is
    quarantined, everything else counts. Each portion is one transaction, which also marks the hours of PnL that
    it changes. Of two calls at once the second one waits and finds what was loaded meanwhile.

    Returns:
        Counts: batches, rows, rows in quarantine, warnings.

    Raises:
        TransientError: The connection to the warehouse was lost; nothing of the current portion is accepted.
    """
    total = {"batches": 0, "rows": 0, "quarantined": 0, "warnings": 0}
    with connect(settings.warehouse_url, f"validate_{source}") as conn:
        with conn, conn.cursor() as cur:
            lock_validation(cur, settings.market.market, source)
            run_sql(cur, QUERIES["unsound_rows"])
        # accepted trades may change what a statement adds, which then has to be validated as well
        while batches := _waiting(conn, settings.market.market, source):
            total["batches"] += len(batches)
            is_mass = sum(batch.row_count for batch in batches) >= _ROWS_TO_VACUUM
            if is_mass or (source == "trades" and _has_no_statistics(conn)):
                _vacuum(conn, source)
            for portion in in_portions(batches, lambda batch: batch.row_count, _ROWS_PER_VALIDATION):
                load_batch_ids = [batch.load_batch_id for batch in portion]
                if rows := sum(batch.row_count for batch in portion):
                    total["warnings"] += _check(settings, conn, source, load_batch_ids)
                with conn, conn.cursor() as cur:
                    total["quarantined"] += accept(cur, settings, source, load_batch_ids)
                total["rows"] += rows
                log.info("%s: %d rows of %d batches are validated", source, total["rows"], total["batches"])
    return total


def _waiting(conn: connection, market: str, source: Source) -> list[_Batch]:
    with conn, conn.cursor() as cur:
        run_sql(cur, QUERIES["validation_batches"], {"market": market, "sources": _SOURCES[source]})
        return [_Batch(*row) for row in cur]


def _has_no_statistics(conn: connection) -> bool:
    """Whether trades were never analyzed: what joins them is then planned as if there were hardly any.

    The server does so within minutes, too late for a build that follows at once: with a few hundred trades and
    a statement its check ran for longer than ten minutes.
    """
    with conn, conn.cursor() as cur:
        run_sql(cur, QUERIES["trades_without_statistics"])
        ((has_none,),) = cur.fetchall()
    return bool(has_none)


def _vacuum(conn: connection, source: Source) -> None:
    """Brings statistics and the block index up to date, as the server itself does some time after a mass load.

    Until then each check of each portion reads the whole table, and the checks of PnL are planned as if there
    were hardly any trades.
    """
    conn.autocommit = True  # VACUUM cannot run inside a transaction
    with conn.cursor() as cur:
        run_sql(cur, _VACUUM[source])
    conn.autocommit = False


def _check(settings: Settings, conn: connection, source: Source, load_batch_ids: list[int]) -> int:
    """Stores rows that break a critical expectation in pg_temp.unsound_rows; returns the number of findings."""
    # Great Expectations takes seconds to import: only when there is something to check
    from include.expectations import reference_prices, trades
    from include.expectations.validation import store_unexpected, validate
    from include.expectations.views import checked_view

    suite = {"trades": trades.suite, "reference_prices": reference_prices.suite}[source](settings)
    parameters: dict[str, object] = {
        "market": settings.market.market,
        "market_timezone": settings.market.timezone.key,
        "load_batch_ids": load_batch_ids,
    }
    if source == "trades":
        with conn, conn.cursor() as cur:
            run_sql(cur, QUERIES["days_of_trades"], parameters)
            parameters["delivery_days"] = [day for (day,) in cur]
    with checked_view(conn, source, parameters) as view:
        findings = validate(settings, conn, suite, view, load_batch_ids)
        with conn, conn.cursor() as cur:
            for finding in findings:
                if finding.is_critical:
                    store_unexpected(cur, finding)
    return sum(not finding.is_success for finding in findings)


def accept(cur: cursor, settings: Settings, source: Source, load_batch_ids: list[int]) -> int:
    """Lets batches count but for the rows in pg_temp.unsound_rows; returns the number of trades quarantined.

    Marks the hours of PnL that this changes, in the caller's transaction.
    """
    lock_decision(cur, settings.market.market)
    batches = {"load_batch_ids": load_batch_ids}
    run_sql(cur, QUERIES["accept_batches"], batches)
    quarantined = 0
    if source == "trades":
        decide_copies(cur, settings, load_batch_ids)
        run_sql(cur, QUERIES["mark_disputed"], batches)
        run_sql(cur, QUERIES["release_sound"], batches)
        quarantined = run_sql(cur, QUERIES["quarantine_unsound"], batches)
        run_sql(cur, QUERIES["accept_pending_trades"], batches)
        reconcile_batches(cur, settings.market, load_batch_ids)
    else:
        run_sql(cur, QUERIES["accept_pending_reference_prices"], batches)
    run_sql(cur, QUERIES["forget_unsound"])
    return quarantined
