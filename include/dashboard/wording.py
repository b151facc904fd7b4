"""Why a delivery period is incomplete, in a trader's words."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from include.dashboard.reader import Row
from include.duration import duration

_MISSING = {
    "trades_not_validated": "deals for this hour have arrived and are not checked yet",
    "not_built": "changes of this hour are not in the numbers yet",
    "price_missing": "the reference price is overdue",
    "price_not_final": "the final reference price is overdue",
}


def incomplete_because(row: Row, missing: Iterable[Row]) -> list[str]:
    """Why an hour is not all it should be.

    Args:
        row: A row of PnL.
        missing: Rows of the query `incomplete` about the same hour.
    """
    words = []
    if seconds := Decimal(row["capture_gap_seconds"]):
        gap = duration(seconds)
        words.append(f"{gap} without a connection to the exchange while it was tradable: deals may be missing")
    known = list(missing)
    # the row says so, and nothing else does: it is of the past, or what was reviewed is not built in yet
    if row["has_unreviewed_messages"] and not any(reason["message_count"] for reason in known):
        words.append("messages of this hour waited for a review")
    return words + reasons(known)


def reasons(missing: Iterable[Row]) -> list[str]:
    """Rows of the query `incomplete` in words."""
    return [_reason(row) for row in missing]


def _reason(row: Row) -> str:
    reason, count, detail = row["reason"], row["message_count"], row["detail"]
    if reason == "trades_quarantined":
        if count == 1:
            held = f"1 deal is held back because it breaks a rule ({detail})"
            return f"{held}: it counts if an engineer accepts it"
        held = f"{count} deals are held back because they break a rule ({detail})"
        return f"{held}: they count if an engineer accepts them"
    if reason == "messages_rejected":
        messages, them = ("1 message", "it") if count == 1 else (f"{count} messages", "them")
        until = f"deals may be missing until an engineer has reviewed {them}"
        return f"{messages} from the exchange could not be used: {until}"
    words = str(_MISSING.get(reason, reason))
    return f"{words}: {detail}" if detail else words


def matching(key: str, rows: Iterable[Row]) -> dict[Any, list[Row]]:
    """The rows by the value of one column."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found
