"""Deletes what was loaded of landing files, in the transaction that loads them again."""

from collections.abc import Sequence

from psycopg2.extensions import cursor

from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("load/queries.sql")


def forget_files(cur: cursor, landing_file_ids: Sequence[int]) -> None:
    """Deletes the rows, rejects, batches, notes and connected intervals of files, whose ledger rows are locked.

    Decisions that people made on their rejects are set aside for `restore_reviews`.
    """
    files = {"landing_file_ids": list(landing_file_ids)}
    run_sql(cur, QUERIES["reload_batches"], files)
    parameters = files | {"load_batch_ids": [load_batch_id for (load_batch_id,) in cur]}
    run_sql(cur, QUERIES["reload_pending"], parameters)
    run_sql(cur, QUERIES["reload_reviews"], parameters)
    run_sql(cur, QUERIES["reload_trades"], parameters)
    run_sql(cur, QUERIES["reload_statement_trades"], parameters)
    run_sql(cur, QUERIES["reload_trade_cancellations"], parameters)
    run_sql(cur, QUERIES["reload_trade_receipts"], parameters)
    run_sql(cur, QUERIES["reload_trade_copies"], parameters)
    run_sql(cur, QUERIES["reload_reference_prices"], parameters)
    run_sql(cur, QUERIES["reload_rejected_messages"], parameters)
    run_sql(cur, QUERIES["reload_message_notes"], parameters)
    run_sql(cur, QUERIES["reload_load_batches"], parameters)
    run_sql(cur, QUERIES["reload_claimed_intervals"], parameters)
    run_sql(cur, QUERIES["reload_clock_steps"], parameters)
    run_sql(cur, QUERIES["reload_landing_files"], parameters)


def restore_reviews(cur: cursor) -> None:
    """Lets the decisions hold for the rejects that were found again, in the transaction of `forget_files`."""
    run_sql(cur, QUERIES["reload_reviewed"])
