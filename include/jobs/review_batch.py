"""Lets an engineer decide on a blocked batch: `python -m include.jobs.review_batch list | accept | discard`."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from psycopg2.extensions import cursor

from include.domain.rejection import Reason
from include.errors import TerminalError, TransientError
from include.expectations.acceptance import accept
from include.expectations.earlier_copies import forget_copies
from include.landing import REFERENCE_PRICES, TRADES
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.locks import lock_decision
from include.warehouse.queries import fetch_dicts, load_queries, run_sql

QUERIES = load_queries("jobs/review_batch.sql")

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
        source, _ = _batch_to_review(cur, load_batch_id, reason)
        accept(cur, source, [load_batch_id], QUERIES["accept_blocked_batch"], reason=reason.strip())


def discard_batch(settings: Settings, load_batch_id: int, reason: str) -> int:
    """Moves the rows of a blocked batch to ops.rejected_messages; the ledger follows.

    Returns:
        Rows moved.

    Raises:
        TerminalError: It is not blocked, was reviewed before, or there is no reason given.
        TransientError: The warehouse went away; nothing is decided.
    """
    with connect(settings.warehouse_url, "review_batch") as conn, conn, conn.cursor() as cur:
        source, landing_file_id = _batch_to_review(cur, load_batch_id, reason)
        parameters = {
            "load_batch_id": load_batch_id,
            "landing_file_id": landing_file_id,
            "reason": reason.strip(),
            "reason_code": Reason.DISCARDED_BATCH,
            "detail": f"batch {load_batch_id} was discarded: {reason.strip()} (rebuilt from the row;"
            " the landing file has the message verbatim)",
        }
        count = run_sql(cur, _DISCARD[source], parameters)
        forget_copies(cur, [load_batch_id])
        run_sql(cur, QUERIES["discard_batch"], {**parameters, "discarded_count": count})
        run_sql(cur, QUERIES["discard_from_landing_file"], {**parameters, "discarded_count": count})
        return count


def _batch_to_review(cur: cursor, load_batch_id: int, reason: str) -> tuple[str, int]:
    """Source and file of the batch, which is locked until the transaction ends."""
    if not reason.strip() or "\x00" in reason:
        raise TerminalError("a review needs a reason: --reason 'why'")
    lock_decision(cur)
    run_sql(cur, QUERIES["block_review"], {"load_batch_id": load_batch_id})
    row = cur.fetchone()
    if row is None:
        raise TerminalError(f"there is no batch {load_batch_id}: `list` shows the blocked ones")
    source, landing_file_id, state, review = row
    if state != "blocked" or review is not None:
        raise TerminalError(
            f"batch {load_batch_id} is {review or state}: only a blocked batch without a review can be"
        )
    return source, landing_file_id


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 after an error, which is one line."""
    from include.local.credentials import settings

    parser = argparse.ArgumentParser(prog="python -m include.jobs.review_batch", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="show the blocked batches and what they break")
    for action, explanation in (
        ("accept", "let a blocked batch count as it is"),
        ("discard", "move its rows to ops.rejected_messages"),
    ):
        parsed = actions.add_parser(action, help=explanation)
        parsed.add_argument("id", type=int, metavar="ID", help="load_batch_id, as `list` shows it")
        parsed.add_argument("--reason", required=True, help="why, for whoever reads it later")
    given = parser.parse_args(arguments)
    try:
        if given.action == "accept":
            accept_batch(settings(), given.id, given.reason)
            text = f"batch {given.id} is accepted: the next build takes it in"
        elif given.action == "discard":
            count = discard_batch(settings(), given.id, given.reason)
            text = f"batch {given.id} is discarded: {count} rows moved to ops.rejected_messages"
        else:
            text = "\n".join(map(_described, list_blocked(settings()))) or "no batch is blocked"
    except (TerminalError, TransientError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{text}\n")
    return 0


def _described(batch: dict[str, Any]) -> str:
    lines = [
        f"batch {batch['load_batch_id']}: {batch['loaded_count']} rows and {batch['rejected_count']} rejects"
        f" of {batch['source']} from {batch['landing_file']}"
    ]
    lines += [f"  expected that {broken}" for broken in batch["broken"] or []]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
