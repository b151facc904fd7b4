"""The advisory locks of the warehouse, all in one place, so that no two meanings share a key."""

from collections.abc import Iterable
from datetime import date

from psycopg2.extensions import cursor

MIGRATION = 7_301_001
TRADES = 7_301_002
PNL_INPUTS = 7_301_003
PROVIDER_BUDGET = 7_301_004
_VALIDATION = {"trades": 7_301_005, "reference_prices": 7_301_006}
NOTIFICATIONS = 7_301_010
_PNL_DAY = 7_301


def lock_trades(cur: cursor) -> None:
    """Until the transaction ends, nobody else adds trades to raw.trades or takes any away."""
    cur.execute("SELECT pg_advisory_xact_lock(%s)", (TRADES,))


def lock_pnl_inputs(cur: cursor) -> None:
    """Until the transaction ends, no PnL is being built or checked: what counts may change."""
    cur.execute("SELECT pg_advisory_xact_lock(%s)", (PNL_INPUTS,))


def lock_decision(cur: cursor) -> None:
    """Until the transaction ends, batches may be decided on and trades may change their place.

    Both locks in the one order; whoever decides takes them before any row of the ledger.
    """
    lock_pnl_inputs(cur)
    lock_trades(cur)


def lock_pnl_days(cur: cursor, days: Iterable[date]) -> None:
    """Until the connection closes, nobody else builds these days and nothing changes what counts."""
    cur.execute("SELECT pg_advisory_lock_shared(%s)", (PNL_INPUTS,))
    for day in sorted(days):
        cur.execute("SELECT pg_advisory_lock(%s, %s)", (_PNL_DAY, day.toordinal()))


def lock_validation(cur: cursor, source: str) -> None:
    """Until the connection closes, nobody else validates batches of this source."""
    cur.execute("SELECT pg_advisory_lock(%s)", (_VALIDATION[source],))


def lock_provider_budget(cur: cursor, patience_seconds: float) -> None:
    """Until the transaction ends, nobody else takes a request from the provider's budget.

    Raises:
        psycopg2.errors.LockNotAvailable: Not within the patience, which holds for the whole transaction.
    """
    cur.execute(
        "SELECT set_config('lock_timeout', %s, true), pg_advisory_xact_lock(%s)",
        (f"{patience_seconds * 1000:.0f}", PROVIDER_BUDGET),
    )


def lock_notifications(cur: cursor) -> None:
    """Until the transaction ends, nobody else decides whether something is to be said."""
    cur.execute("SELECT pg_advisory_xact_lock(%s)", (NOTIFICATIONS,))
