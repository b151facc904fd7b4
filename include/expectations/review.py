"""An engineer's decision on a blocked batch: accept it as it is, or discard its rows."""

from typing import Any

from psycopg2.extensions import cursor

from include.domain.rejection import Reason
from include.errors import TerminalError
from include.expectations.acceptance import accept
from include.landing import REFERENCE_PRICES, TRADES
from include.load.copies import forget_copies, recount
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.locks import lock_decision
from include.warehouse.queries import fetch_dicts, load_queries, run_sql

QUERIES = load_queries("expectations/review.sql")

_DISCARD = {TRADES: QUERIES["discard_trades"], REFERENCE_PRICES: QUERIES["discard_reference_prices"]}


def list_blocked(settings: Settings) -> list[dict[str, Any]]:
    """The blocked batches without a review, each with the columns of `validation_blocked`."""
    with connect(settings.warehouse_url, "review_batch") as conn, conn, conn.cursor() as cur:
        return fetch_dicts(cur, QUERIES["validation_blocked"])


def accept_batch(settings: Settings, load_batch_id: int, reason: str) -> None:
    """Lets a blocked batch count as it is; the next build takes it in.

    Raises:
        TerminalError: It is not blocked, was reviewed before, or there is no reason given.
        TransientError: The warehouse went away; nothing is decided.
    """
    with connect(settings.warehouse_url, "review_batch") as conn, conn, conn.cursor() as cur:
        source = _batch_to_review(cur, load_batch_id, reason)
        accept(cur, settings, source, [load_batch_id], QUERIES["accept_blocked_batch"], reason=reason.strip())


def discard_batch(settings: Settings, load_batch_id: int, reason: str) -> int:
    """Moves the rows of a blocked batch to ops.rejected_messages; the ledger follows.

    Returns:
        Rows moved.

    Raises:
        TerminalError: It is not blocked, was reviewed before, or there is no reason given.
        TransientError: The warehouse went away; nothing is decided.
    """
    with connect(settings.warehouse_url, "review_batch") as conn, conn, conn.cursor() as cur:
        source = _batch_to_review(cur, load_batch_id, reason)
        parameters = {
            "load_batch_id": load_batch_id,
            "reason": reason.strip(),
            "reason_code": Reason.DISCARDED_BATCH,
            "detail": f"batch {load_batch_id} was discarded: {reason.strip()} (rebuilt from the row;"
            " the landing file has the message verbatim)",
        }
        count = run_sql(cur, _DISCARD[source], parameters)
        forget_copies(cur, [load_batch_id])
        recount(cur, [load_batch_id])
        run_sql(cur, QUERIES["discard_batch"], parameters)
        return count


def _batch_to_review(cur: cursor, load_batch_id: int, reason: str) -> str:
    """Source of the batch, which is locked until the transaction ends, as is its file."""
    if not reason.strip() or "\x00" in reason:
        raise TerminalError("a review needs a reason: --reason 'why'")
    lock_decision(cur)
    run_sql(cur, QUERIES["block_review"], {"load_batch_id": load_batch_id})
    row = cur.fetchone()
    if row is None:
        raise TerminalError(f"there is no batch {load_batch_id}: `list` shows the blocked ones")
    source, state, review = row
    if state != "blocked" or review is not None:
        raise TerminalError(
            f"batch {load_batch_id} is {review or state}: only a blocked batch without a review can be"
        )
    return str(source)
