"""Why a delivery period is incomplete, in a trader's words."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from include.dashboard.reader import Row
from include.duration import duration

_MISSING = {
    "trades_blocked": "deals for this hour are held back because a check failed; an engineer decides on them",
    "trades_not_validated": "deals for this hour have arrived and are not checked yet",
    "not_built": "changes of this hour are not in the numbers yet",
    "price_missing": "the reference price is overdue",
    "price_provisional": "the final reference price is overdue",
}


def incomplete_because(row: Row, missing: Iterable[Row]) -> list[str]:
    """Why a delivery period is not all it should be.

    Args:
        row: A row of PnL.
        missing: Rows of dashboard/incomplete about the same period.
    """
    words = []
    if not row["is_complete"]:
        gap = duration(Decimal(row["capture_gap_seconds"]))
        words.append(f"{gap} without a connection to the exchange while it was tradable: deals may be missing")
    for reason in missing:
        detail = f": {reason['detail']}" if reason["detail"] else ""
        words.append(str(_MISSING.get(reason["reason"], reason["reason"])) + detail)
    return words


def matching(key: str, rows: Iterable[Row]) -> dict[Any, list[Row]]:
    """The rows by the value of one column."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found
