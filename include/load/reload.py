"""Forgets what was loaded of a landing file, in the transaction that loads it anew."""

from psycopg2.extensions import cursor

from include.warehouse.connection import run_sql

_ROWS = ("staging.earlier_copies", "ops.rejected_messages", "ops.load_batches")


def forget_file(cur: cursor, source: str, landing_file_id: int) -> bool:
    """Takes away rows, rejects, batches and connected intervals of a file, whose ledger row is locked.

    Args:
        cur: Within the load's transaction.
        source: Of the file.
        landing_file_id: The file.

    Returns:
        Whether it did: a file with a reviewed batch stays as it is, for a person has decided about it.
    """
    file = {"landing_file_id": landing_file_id}
    run_sql(cur, "ops/reload_batches", file)
    load_batch_ids, is_reviewed = cur.fetchone()  # type: ignore[misc]
    if is_reviewed:
        return False
    batches = {"load_batch_ids": load_batch_ids}
    run_sql(cur, f"ops/reload_{source}", batches)
    for table in _ROWS:
        cur.execute(f"DELETE FROM {table} WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])", batches)
    cur.execute("DELETE FROM ops.connected_intervals WHERE landing_file_id = %(landing_file_id)s", file)
    run_sql(cur, "ops/reload_landing_file", file)
    return True
