"""Compares what was captured with the exchange's statements, and lets the statements add what is missing."""

from datetime import date

from include.settings import Settings


def run(settings: Settings, days: list[date]) -> dict[str, int]:
    """Reconciles these days with the statements that are loaded; idempotent and free of order.

    Run `validate_trades` afterwards: it decides on the trades that a statement adds or changes.

    Args:
        settings: Where the warehouse is.
        days: Days of the market. Those without a statement are left as they are.

    Returns:
        Counts: days, matched, missing, differs, unexpected, not_reconciled (days that wait for a review).

    Raises:
        TransientError: The warehouse went away; a rerun goes on from there.
    """
    raise NotImplementedError
