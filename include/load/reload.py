"""Deletes what was loaded of a landing file, in the transaction that loads it again."""

from psycopg2.extensions import cursor

from include.landing import REFERENCE_PRICES, TRADES
from include.load.copies import forget_copies
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("load/queries.sql")

_ROWS_OF = {TRADES: QUERIES["reload_trades"], REFERENCE_PRICES: QUERIES["reload_reference_prices"]}


def forget_file(cur: cursor, source: str, landing_file_id: int) -> bool:
    """Deletes the rows, rejects, batches and connected intervals of a file, whose ledger row is locked.

    Args:
        cur: Within the load's transaction.
        source: Of the file.
        landing_file_id: The file.

    Returns:
        Whether it did: a file with a batch that a person has reviewed stays as it is.
    """
    file = {"landing_file_id": landing_file_id}
    run_sql(cur, QUERIES["reload_batches"], file)
    load_batch_ids, is_reviewed = cur.fetchone()  # type: ignore[misc]
    if is_reviewed:
        return False
    batches = {"load_batch_ids": load_batch_ids}
    run_sql(cur, _ROWS_OF[source], batches)
    forget_copies(cur, load_batch_ids)
    run_sql(cur, QUERIES["reload_rejected_messages"], batches)
    run_sql(cur, QUERIES["reload_load_batches"], batches)
    run_sql(cur, QUERIES["reload_connected_intervals"], file)
    run_sql(cur, QUERIES["reload_landing_file"], file)
    return True
