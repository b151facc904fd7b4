"""What is wrong, in a trader's words."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from include.dashboard.reader import Row
from include.duration import duration

_ALARMS = {
    "capture_silent": (
        "capture_down",
        "We do not record the exchange: deals made now are not seen, their hours stay incomplete.",
    ),
    "capture_disconnected": (
        "capture_down",
        "We are not connected to the exchange: deals made now are not seen, their hours stay incomplete.",
    ),
    "loading_stuck": (
        "data_late",
        "Some deals or prices that arrived more than 15 minutes ago are not in these numbers yet.",
    ),
    "hourly_pnl_late": (
        "data_late",
        "The hourly calculation is late: what you see may lack the last deals and prices.",
    ),
    "reference_prices_late": (
        "prices_late",
        "No new reference prices have arrived: PnL is calculated with the last ones.",
    ),
}
"""Alarm of ops.alarms: its code on the page, and what it means for a trader."""

_LATE = {
    "trades": ("data_as_of", "New deals have not reached this page: what you see ends here."),
    "build": ("built_at", "PnL has not been calculated anew: what you see may lack the last deals and prices."),
    "pending": ("pending_since", "Some deals or prices have arrived and are not in PnL yet."),
}
"""Thing of ops.freshness: the column that tells since when, and what its lateness means."""

_MISSING = {
    "trades_blocked": "deals for this hour are held back because a check failed; an engineer decides on them",
    "trades_not_validated": "deals for this hour have arrived and are not checked yet",
    "not_built": "changes of this hour are not in the numbers yet",
    "price_missing": "the reference price is overdue",
    "price_provisional": "the final reference price is overdue",
}


def troubles(status: Row, alarms: Iterable[Row]) -> list[Row]:
    """What a trader has to know, one of each code, the oldest first.

    Args:
        status: The row of dashboard/status.
        alarms: Rows of dashboard/alarms.
    """
    found: list[tuple[str, datetime | None, str]] = []
    for alarm in alarms:
        code, text = _ALARMS.get(alarm["alarm"], (alarm["alarm"], alarm["detail"]))
        found.append((code, alarm["since_at"], text))
    if since := status["provider_down_since"]:
        text = "The provider of reference prices does not answer: prices stay as they are until it does."
        found.append(("provider_down", since, text))
    if count := status["blocked_count"]:
        what = "A delivery of data is" if count == 1 else f"{count} deliveries of data are"
        text = (
            f"{what} held back because a check failed: the hours that it is about say so. An engineer decides."
        )
        found.append(("batch_blocked", status["blocked_since"], text))
    for thing in status["late"] or ():
        if thing in _LATE:
            column, text = _LATE[thing]
            found.append(("data_late", status[column], text))
    by_code: dict[str, Row] = {}
    for code, since, text in found:
        by_code.setdefault(code, {"code": code, "since": since, "text": text})
    return sorted(by_code.values(), key=lambda trouble: (trouble["since"] is None, trouble["since"] or 0))


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
