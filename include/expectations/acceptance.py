"""Validates the loaded batches of a source and decides on each: accepted or blocked."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from psycopg2.extensions import connection, cursor

from include.errors import TerminalError
from include.load.copies import decide_copies, select_checked_copies
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.locks import lock_decision, lock_validation
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("expectations/queries.sql")

Source = Literal["trades", "reference_prices"]

_VACUUM = {"trades": QUERIES["vacuum_trades"], "reference_prices": QUERIES["vacuum_reference_prices"]}
_ACCEPT_PENDING = {
    "trades": QUERIES["accept_pending_trades"],
    "reference_prices": QUERIES["accept_pending_reference_prices"],
}

_NAMED_BATCHES = 20

_ROWS_PER_VALIDATION = 2_000_000
"""Batches are decided on in portions of about so many rows, so that a year of them shows progress."""


@dataclass(frozen=True, slots=True)
class _Batch:
    load_batch_id: int
    landing_file: str
    loaded_count: int


def validate_batches(settings: Settings, source: Source) -> dict[str, int]:
    """Validates all batches of the source that wait for it, and accepts or blocks each.

    They are checked in portions. The decision on a portion is one transaction, which also marks the
    delivery periods whose PnL it changes. Of two calls at once the second one waits and finds what was
    loaded meanwhile.

    Returns:
        Counts: batches, rows, warnings.

    Raises:
        TerminalError: Batches break a critical expectation: they are blocked, the others are accepted.
        TransientError: The connection to the warehouse was lost; nothing of the current portion is decided.
    """
    rows = warnings = 0
    guilty = dict[int, list[str]]()
    with connect(settings.warehouse_url, f"validate_{source}") as conn:
        with conn, conn.cursor() as cur:
            lock_validation(cur, source)
            run_sql(cur, QUERIES["validation_batches"], {"source": source})
            batches = {row[0]: _Batch(*row) for row in cur}
        if sum(batch.loaded_count for batch in batches.values()) > _ROWS_PER_VALIDATION:
            _vacuum(conn, source)
        for portion in _portions(batches.values()):
            broken_by, portion_warnings = _decide(settings, conn, source, portion)
            guilty |= broken_by
            warnings += portion_warnings
            rows += sum(batch.loaded_count for batch in portion)
            log.info("%s: %d rows of %d batches are validated", source, rows, len(batches))
    if guilty:
        blocked = [batches[i] for i in sorted(guilty)]
        raise TerminalError(_message(source, blocked, guilty, len(batches) - len(guilty)))
    return {"batches": len(batches), "rows": rows, "warnings": warnings}


def _vacuum(conn: connection, source: Source) -> None:
    """Brings statistics and the block index up to date, as the server itself does some time after a mass load.

    Otherwise each check of each portion reads the whole table.
    """
    conn.autocommit = True  # VACUUM cannot run inside a transaction
    with conn.cursor() as cur:
        run_sql(cur, _VACUUM[source])
    conn.autocommit = False


def _portions(batches: Iterable[_Batch]) -> Iterator[list[_Batch]]:
    portion: list[_Batch] = []
    rows = 0
    for batch in batches:
        portion.append(batch)
        rows += batch.loaded_count
        if rows >= _ROWS_PER_VALIDATION:
            yield portion
            portion, rows = [], 0
    if portion:
        yield portion


def _decide(
    settings: Settings, conn: connection, source: Source, portion: list[_Batch]
) -> tuple[dict[int, list[str]], int]:
    """Accepts or blocks these batches; the guilty ones with what they break, and the number of warnings."""
    good, guilty = {batch.load_batch_id for batch in portion}, dict[int, list[str]]()
    warnings = 0
    while good:
        broken_by, warnings = _check(settings, conn, source, sorted(good))
        if not broken_by:
            break
        guilty |= broken_by
        good -= broken_by.keys()
    with conn, conn.cursor() as cur:
        accept(cur, settings, source, sorted(good), QUERIES["accept_batches"])
        run_sql(cur, QUERIES["block_batches"], {"load_batch_ids": sorted(guilty)})
    return guilty, warnings


def accept(
    cur: cursor,
    settings: Settings,
    source: str,
    load_batch_ids: list[int],
    statement: str,
    **parameters: object,
) -> None:
    """Lets batches count, and marks the delivery periods whose PnL that changes, in the caller's transaction.

    Args:
        cur: Within a transaction.
        settings: Where the landing files are.
        source: Of the batches.
        load_batch_ids: The batches; none is fine.
        statement: The statement that changes their state.
        parameters: For that statement, beside the batches.
    """
    if load_batch_ids:
        lock_decision(cur)
        batches = {"load_batch_ids": load_batch_ids}
        run_sql(cur, statement, {**batches, **parameters})
        if source == "trades":
            decide_copies(cur, settings, load_batch_ids)
        run_sql(cur, _ACCEPT_PENDING[source], batches)


def _check(
    settings: Settings, conn: connection, source: Source, load_batch_ids: list[int]
) -> tuple[dict[int, list[str]], int]:
    """The guilty batches with what they break, and the number of warnings."""
    # Great Expectations takes seconds to import: only when there is something to check
    from include.expectations import reference_prices, trades
    from include.expectations.validation import validate
    from include.expectations.views import checked_view

    suite = {"trades": trades.suite, "reference_prices": reference_prices.suite}[source]
    if source == "trades":
        with conn, conn.cursor() as cur:
            select_checked_copies(cur, load_batch_ids)
    parameters = {"load_batch_ids": load_batch_ids, "market_timezone": settings.market_timezone}
    with (
        checked_view(conn, source, parameters) as view,
        checked_view(conn, "batches", parameters) as batches_view,
    ):
        findings = validate(settings, conn, suite(batches_view), view, load_batch_ids)
    guilty: dict[int, list[str]] = {}
    for finding in findings:
        if finding.is_critical:
            # a fault that cannot be attributed to a batch blocks all of them
            for load_batch_id in finding.load_batch_ids or load_batch_ids:
                guilty.setdefault(load_batch_id, []).append(finding.expectation)
    return guilty, sum(not finding.is_success for finding in findings)


def _message(source: str, blocked: list[_Batch], guilty: dict[int, list[str]], accepted_count: int) -> str:
    lines = [
        f"- batch {batch.load_batch_id} ({batch.landing_file}): expected that "
        + "; ".join(guilty[batch.load_batch_id])
        for batch in blocked[:_NAMED_BATCHES]
    ]
    if len(blocked) > _NAMED_BATCHES:
        lines.append(f"- and {len(blocked) - _NAMED_BATCHES} more")
    return (
        f"{len(blocked)} blocked and {accepted_count} accepted of the batches of {source};"
        " what is blocked does not count:\n" + "\n".join(lines) + "\n"
        "Rows and examples are in ops.validation_results. Decide on each with"
        " `python -m include.commands.review list`, then"
        " `python -m include.commands.review accept ID --reason …` or `… discard ID --reason …`"
    )
