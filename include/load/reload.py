"""Deletes what was loaded of a landing file, in the transaction that loads it again."""

from psycopg2.extensions import cursor

from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("load/queries.sql")


def forget_file(cur: cursor, landing_file_id: int) -> None:
    """Deletes the rows, rejects, batches, notes and connected intervals of a file, whose ledger row is locked.

    Decisions that people made on its rejects are set aside for `restore_reviews`.
    """
    file = {"landing_file_id": landing_file_id}
    run_sql(cur, QUERIES["reload_batches"], file)
    batches = {"load_batch_ids": [load_batch_id for (load_batch_id,) in cur]}
    run_sql(cur, QUERIES["reload_pending"], batches)
    run_sql(cur, QUERIES["reload_reviews"], file)
    run_sql(cur, QUERIES["reload_trades"], batches)
    run_sql(cur, QUERIES["reload_statement_trades"], batches)
    run_sql(cur, QUERIES["reload_trade_cancellations"], batches)
    run_sql(cur, QUERIES["reload_trade_receipts"], batches)
    run_sql(cur, QUERIES["reload_trade_copies"], batches)
    run_sql(cur, QUERIES["reload_reference_prices"], batches)
    run_sql(cur, QUERIES["reload_rejected_messages"], batches)
    run_sql(cur, QUERIES["reload_message_notes"], file)
    run_sql(cur, QUERIES["reload_load_batches"], batches)
    run_sql(cur, QUERIES["reload_claimed_intervals"], file)
    run_sql(cur, QUERIES["reload_clock_steps"], file)
    run_sql(cur, QUERIES["reload_landing_file"], file)


def restore_reviews(cur: cursor, landing_file_id: int) -> None:
    """Lets the decisions hold for the rejects that were found again, in the transaction of `forget_file`."""
    run_sql(cur, QUERIES["reload_reviewed"], {"landing_file_id": landing_file_id})
