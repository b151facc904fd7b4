"""All advisory locks of the warehouse, so that no two share a key."""

from collections.abc import Iterable
from datetime import date

from psycopg2.extensions import cursor

from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("warehouse/queries.sql")

MIGRATION = 7_301_001
TRADES = 7_301_002
PNL_INPUTS = 7_301_003
PROVIDER_BUDGET = 7_301_004
_VALIDATION = {"trades": 7_301_005, "reference_prices": 7_301_006}
NOTIFICATIONS = 7_301_010
_PNL_DAY = 7_301


def lock_migration(cur: cursor) -> None:
    """Until the connection closes, no other process migrates the schema."""
    run_sql(cur, QUERIES["lock_for_session"], {"key": MIGRATION})


def lock_trades(cur: cursor) -> None:
    """Until the transaction ends, no other process inserts into or deletes from raw.trades."""
    run_sql(cur, QUERIES["lock_for_transaction"], {"key": TRADES})


def lock_pnl_inputs(cur: cursor) -> None:
    """Until the transaction ends, no process builds or checks PnL, so its inputs may change."""
    run_sql(cur, QUERIES["lock_for_transaction"], {"key": PNL_INPUTS})


def lock_decision(cur: cursor) -> None:
    """Until the transaction ends, batches may be accepted and messages reviewed.

    Takes both locks in a fixed order; to be called before any row of the ledger is locked.
    """
    lock_pnl_inputs(cur)
    lock_trades(cur)


def lock_pnl_days(cur: cursor, days: Iterable[date]) -> None:
    """Until the connection closes, no other process builds these days, and the inputs of PnL do not change."""
    run_sql(cur, QUERIES["lock_shared_for_session"], {"key": PNL_INPUTS})
    for day in sorted(days):
        run_sql(cur, QUERIES["lock_pair_for_session"], {"key": _PNL_DAY, "subkey": day.toordinal()})


def lock_validation(cur: cursor, source: str) -> None:
    """Until the connection closes, no other process validates batches of this source."""
    run_sql(cur, QUERIES["lock_for_session"], {"key": _VALIDATION[source]})


def lock_provider_budget(cur: cursor, timeout_seconds: float) -> None:
    """Until the transaction ends, no other process takes a request from the provider's budget.

    Raises:
        psycopg2.errors.LockNotAvailable: The timeout passed; it applies to all locks of the transaction.
    """
    parameters = {"timeout": f"{timeout_seconds * 1000:.0f}", "key": PROVIDER_BUDGET}
    run_sql(cur, QUERIES["lock_for_transaction_within"], parameters)


def lock_notifications(cur: cursor) -> None:
    """Until the transaction ends, no other process decides whether a notification is sent."""
    run_sql(cur, QUERIES["lock_for_transaction"], {"key": NOTIFICATIONS})
