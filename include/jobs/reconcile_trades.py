"""Compares what was captured with the exchange's statements, and lets the statements add what is missing."""

import logging
from datetime import date

from include.expectations.reconciliation import reconcile_days
from include.progress import Progress
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.locks import lock_decision

log = logging.getLogger(__name__)

_DAYS_PER_PASS = 7
"""Days that are reconciled in one transaction, which loads and builds wait for."""


def run(settings: Settings, days: list[date]) -> dict[str, int]:
    """Reconciles these days with the statements that are loaded; idempotent and free of order.

    Run `validate_trades` afterwards: it decides on the trades that a statement adds or changes.

    Args:
        days: Days of the market. Those without a statement are left as they are.

    Returns:
        Counts: days, matched, missing, differs, cancelled, unexpected, not_reconciled (days that wait for a
        review).

    Raises:
        TransientError: The warehouse went away; a rerun goes on from there.
    """
    total = dict.fromkeys(
        ("days", "matched", "missing", "differs", "cancelled", "unexpected", "not_reconciled"), 0
    )
    wanted = sorted(set(days))
    progress = Progress("days", len(wanted))
    with connect(settings.warehouse_url, "reconcile_trades") as conn:
        for first in range(0, len(wanted), _DAYS_PER_PASS):
            portion = wanted[first : first + _DAYS_PER_PASS]
            with conn, conn.cursor() as cur:
                lock_decision(cur, settings.market.market)
                counts = reconcile_days(cur, settings, portion)
            for name in total:
                total[name] += counts[name]
            log.info("%s: %s", progress.text(first + len(portion)), counts)
    return total
