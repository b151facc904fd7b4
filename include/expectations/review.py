"""People's decisions on messages: quarantined trades and rejects."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from include.errors import TerminalError
from include.expectations.reconciliation import IN_STATEMENT, NOT_CANCELLED, reconcile_reviewed
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.locks import lock_decision
from include.warehouse.queries import fetch_dicts, load_queries, run_sql

QUERIES = load_queries("expectations/review.sql")

EXAMPLES = 10
"""Messages of each expectation and reason that `waiting` returns."""

_TEXTS = {"in_statement": IN_STATEMENT, "not_cancelled": NOT_CANCELLED}

Action = Literal["accept", "discard"]


@dataclass(frozen=True, slots=True)
class Selection:
    """The messages that a decision is about: those that fit everything that is given.

    Attributes:
        trade_id: A trade in quarantine, in no statement, or cancelled and in one: all its directions and
            revisions, also those that were decided on before. If it counts and is in no statement, the
            decision is about that, and whether what it breaks was accepted stays as it was.
        expectation: Quarantined trades by what they break: the text or a part of it, in any case.
        reason_code: Rejects by their reason.
        landing_file: Whatever waits in this file, or in all whose path begins like this.
        line_number: Only this line of the file.
    """

    trade_id: str | None = None
    expectation: str | None = None
    reason_code: str | None = None
    landing_file: str | None = None
    line_number: int | None = None


def waiting(settings: Settings) -> list[dict[str, Any]]:
    """What waits for a decision in the market, as `review_waiting` has it; of each group at most EXAMPLES."""
    with connect(settings.warehouse_url, "review") as conn, conn, conn.cursor() as cur:
        parameters = _TEXTS | {"market": settings.market.market, "examples": EXAMPLES}
        return fetch_dicts(cur, QUERIES["review_waiting"], parameters)


def decide(settings: Settings, action: Action, reason: str, selection: Selection) -> dict[str, int]:
    """Records a decision; the next build takes it in. It holds through reloads and rebuilds.

    An accepted trade counts, a discarded one does not. A trade that no statement has counts until it is
    discarded; that decision leaves a later revision in quarantine where it is. A cancelled trade that a
    statement has counts once it is accepted, and stays cancelled if it is discarded. A discarded
    reject no longer makes hours incomplete; a reject cannot be accepted, since nobody knows what it says.

    Returns:
        Counts: trades, rejects, hours of PnL to be built anew.

    Raises:
        TerminalError: No reason is given, or nothing fits the selection.
        TransientError: The warehouse went away; nothing is decided.
    """
    parameters = asdict(selection) | {"action": action, "reason": reason.strip()}
    listing = f"`make review{settings.market_argument}`"
    _check(parameters, listing)
    parameters |= _TEXTS | {"market": settings.market.market}
    with connect(settings.warehouse_url, "review") as conn, conn, conn.cursor() as cur:
        lock_decision(cur, settings.market.market)
        found = run_sql(cur, QUERIES["review_selection"], parameters)
        if unexpected := run_sql(cur, QUERIES["review_unexpected"], parameters):
            run_sql(cur, QUERIES["review_unexpected_trades"], parameters)
        cancelled = run_sql(cur, QUERIES["review_cancelled"], parameters)
        if not found + unexpected + cancelled:
            raise TerminalError(
                f"there is nothing that you could {action} by this; {listing} lists what waits, a trade is"
                " named by its whole id, and rejects can only be discarded"
            )
        hours = run_sql(cur, QUERIES["review_pending"])
        trades = run_sql(cur, QUERIES["review_trades"], parameters)
        trades += run_sql(cur, QUERIES["review_cancelled_trades"], parameters)
        rejects = run_sql(cur, QUERIES["review_rejects"], parameters)
        reconcile_reviewed(cur, settings.market)
    return {"trades": trades, "rejects": rejects, "hours": hours}


def _check(parameters: dict[str, Any], listing: str) -> None:
    texts = {name: text for name, text in parameters.items() if isinstance(text, str)}
    if not texts["reason"]:
        raise TerminalError('a review needs a reason, for those who read it later: REASON="why"')
    if parameters["line_number"] is not None and "landing_file" not in texts:
        raise TerminalError("LINE is a line of a landing file: give FILE, too")
    if texts.keys() <= {"action", "reason"}:
        raise TerminalError(
            f"what is it about? Give TRADE, FILE, EXPECTATION or REJECT, as {listing} lists them"
        )
    for name, text in texts.items():
        if not _is_storable(text):
            raise TerminalError(f"{name} holds characters that cannot be stored: {text!a}")


def _is_storable(text: str) -> bool:
    try:
        return b"\x00" not in text.encode("utf-8")
    except UnicodeEncodeError:
        return False
