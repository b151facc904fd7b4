"""The advisory locks of the warehouse, all in one place, so that no two meanings share a key."""

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
    """Until the connection closes, nobody else changes the warehouse's schema."""
    run_sql(cur, QUERIES["lock_for_session"], {"key": MIGRATION})


def lock_trades(cur: cursor) -> None:
    """Until the transaction ends, nobody else adds trades to raw.trades or takes any away."""
    run_sql(cur, QUERIES["lock_for_transaction"], {"key": TRADES})


def lock_pnl_inputs(cur: cursor) -> None:
    """Until the transaction ends, no PnL is being built or checked: what counts may change."""
    run_sql(cur, QUERIES["lock_for_transaction"], {"key": PNL_INPUTS})


def lock_decision(cur: cursor) -> None:
    """Until the transaction ends, batches may be decided on and trades may change their place.

    Both locks in the one order; whoever decides takes them before any row of the ledger.
    """
    lock_pnl_inputs(cur)
    lock_trades(cur)


def lock_pnl_days(cur: cursor, days: Iterable[date]) -> None:
    """Until the connection closes, nobody else builds these days and nothing changes what counts."""
    run_sql(cur, QUERIES["lock_shared_for_session"], {"key": PNL_INPUTS})
    for day in sorted(days):
        run_sql(cur, QUERIES["lock_pair_for_session"], {"key": _PNL_DAY, "subkey": day.toordinal()})


def lock_validation(cur: cursor, source: str) -> None:
    """Until the connection closes, nobody else validates batches of this source."""
    run_sql(cur, QUERIES["lock_for_session"], {"key": _VALIDATION[source]})


def lock_provider_budget(cur: cursor, timeout_seconds: float) -> None:
    """Until the transaction ends, nobody else takes a request from the provider's budget.

    Raises:
        psycopg2.errors.LockNotAvailable: Not within the patience, which holds for the whole transaction.
    """
    parameters = {"timeout": f"{timeout_seconds * 1000:.0f}", "key": PROVIDER_BUDGET}
    run_sql(cur, QUERIES["lock_for_transaction_within"], parameters)


def lock_notifications(cur: cursor) -> None:
    """Until the transaction ends, nobody else decides whether something is to be said."""
    run_sql(cur, QUERIES["lock_for_transaction"], {"key": NOTIFICATIONS})
