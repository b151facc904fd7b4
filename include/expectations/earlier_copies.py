"""Gives each trade to the copy that was received first, whatever the order in which copies were loaded."""

from psycopg2.extensions import cursor

from include.domain.rejection import Reason
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("expectations/queries.sql")


def take_their_places(cur: cursor, load_batch_ids: list[int]) -> int:
    """Swaps in the copies of these batches, which count from now on, and lets the ledger follow.

    A copy waits for its batch to be accepted: so a trade that counts never stops counting, and a batch that
    is blocked takes no trade away from the batch that brought another copy. Which copy was received first
    is decided by its time, then by its file's path, then by its line.

    Args:
        cur: Within a transaction that holds the locks of the PnL inputs and of the trades.
        load_batch_ids: Batches of trades.

    Returns:
        Trades whose copy changed.
    """
    run_sql(cur, QUERIES["trade_swaps"], {"load_batch_ids": load_batch_ids})
    forget_copies(cur, load_batch_ids)
    swapped = run_sql(cur, QUERIES["trade_swaps_trades"])
    if swapped:
        run_sql(cur, QUERIES["trade_swaps_unreject"])
        run_sql(cur, QUERIES["trade_swaps_reject"], {"reason_code": Reason.CONFLICTING_DUPLICATE})
        run_sql(cur, QUERIES["trade_swaps_batches"])
        run_sql(cur, QUERIES["trade_swaps_files"])
        run_sql(cur, QUERIES["trade_swaps_pending"])
    return swapped


def forget_copies(cur: cursor, load_batch_ids: list[int]) -> None:
    """Forgets the copies of these batches that wait: the batches are decided on."""
    run_sql(cur, QUERIES["earlier_copies_forget"], {"load_batch_ids": load_batch_ids})
