"""Why a delivery period is incomplete and why PnL changed, in a trader's words."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from include.dashboard.language import Sentence, joined, say, stored
from include.dashboard.reader import Row
from include.duration import duration

_MISSING = {
    "trades_not_validated": say("trades for this hour have arrived and are not checked yet"),
    "not_built": say("changes of this hour are not in the numbers yet"),
    "price_missing": say("the reference price is overdue"),
    "price_not_final": say("the final reference price is overdue"),
}


def incomplete_because(row: Row, missing: Iterable[Row]) -> list[str]:
    """Why an hour is not all it should be.

    Args:
        row: A row of PnL.
        missing: Rows of the query `incomplete` about the same hour.
    """
    words: list[str] = []
    if seconds := Decimal(row["capture_gap_seconds"]):
        words.append(
            say(
                "no connection to the exchange for {gap} of trading time: trades may be missing",
                gap=stored(duration(seconds)),
            )
        )
    known = list(missing)
    # the row says so, and nothing else does: it is of the past, or what was reviewed is not built in yet
    if row["has_unreviewed_messages"] and not any(reason["message_count"] for reason in known):
        words.append(say("messages of this hour waited for a review"))
    return words + reasons(known)


def reasons(missing: Iterable[Row]) -> list[str]:
    """Rows of the query `incomplete` in words."""
    return [_reason(row) for row in missing]


def _reason(row: Row) -> str:
    reason, count, detail = row["reason"], row["message_count"], row["detail"] and stored(row["detail"])
    if reason == "trades_quarantined":
        if count == 1:
            return say(
                "1 trade is held back because it breaks a rule ({rule}): it counts if an engineer accepts it",
                rule=detail,
            )
        return say(
            "{count} trades are held back because they break a rule ({rule}): they count if an engineer"
            " accepts them",
            count=count,
            rule=detail,
        )
    if reason == "messages_rejected":
        if count == 1:
            return say(
                "1 message from the exchange could not be used: trades may be missing until an engineer has"
                " reviewed it"
            )
        return say(
            "{count} messages from the exchange could not be used: trades may be missing until an engineer has"
            " reviewed them",
            count=count,
        )
    words = _MISSING.get(reason, str(reason))
    return say("{what}: {detail}", what=words, detail=detail) if detail else words


def caused_by(causes: str) -> str:
    """What changed PnL: causes of `curated.pnl_hourly_changes`, separated by commas."""
    return joined((Sentence(cause, cause) for cause in causes.split(", ")), ", ")


def matching(key: str, rows: Iterable[Row]) -> dict[Any, list[Row]]:
    """The rows by the value of one column."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found
