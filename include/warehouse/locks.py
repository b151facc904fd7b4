"""All advisory locks of the warehouse, so that no two share a key.

Locks are of a market: what one waits for never holds up another. The second key of such a lock is made of the
market's id; two markets that happen to have the same one only wait for each other.
"""

import zlib
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
_DAY_BITS = 20
"""The days of all years up to 2800 are numbers of so many bits."""


def _number(name: str) -> int:
    """A number of 11 bits, so that it fits with a day into the 31 bits of a positive key."""
    return zlib.crc32(name.encode()) % 2047


def lock_migration(cur: cursor) -> None:
    """Until the connection closes, no other process migrates the schema."""
    run_sql(cur, QUERIES["lock_for_session"], {"key": MIGRATION})


def lock_trades(cur: cursor, market: str) -> None:
    """Until the transaction ends, no other process inserts, replaces or deletes trades of the market."""
    run_sql(cur, QUERIES["lock_pair_for_transaction"], {"key": TRADES, "subkey": _number(market)})


def share_trades(cur: cursor, market: str) -> None:
    """Until the transaction ends, trades of the market may be inserted, but not replaced or deleted."""
    run_sql(cur, QUERIES["lock_pair_shared_for_transaction"], {"key": TRADES, "subkey": _number(market)})


def lock_pnl_inputs(cur: cursor, market: str) -> None:
    """Until the transaction ends, no process builds or checks PnL of the market, so its inputs may change."""
    run_sql(cur, QUERIES["lock_pair_for_transaction"], {"key": PNL_INPUTS, "subkey": _number(market)})


def lock_decision(cur: cursor, market: str) -> None:
    """Until the transaction ends, batches of the market may be accepted and its messages reviewed.

    Takes both locks in a fixed order; to be called before any row of the ledger is locked.
    """
    lock_pnl_inputs(cur, market)
    lock_trades(cur, market)


def lock_pnl_days(cur: cursor, market: str, days: Iterable[date]) -> None:
    """Until the connection closes, no other process builds these days; inputs of PnL of the market stay."""
    run_sql(cur, QUERIES["lock_pair_shared_for_session"], {"key": PNL_INPUTS, "subkey": _number(market)})
    for day in sorted(days):
        subkey = _number(market) << _DAY_BITS | day.toordinal()
        run_sql(cur, QUERIES["lock_pair_for_session"], {"key": _PNL_DAY, "subkey": subkey})


def lock_validation(cur: cursor, market: str, source: str) -> None:
    """Until the connection closes, no other process validates batches of this source of the market."""
    run_sql(cur, QUERIES["lock_pair_for_session"], {"key": _VALIDATION[source], "subkey": _number(market)})


def lock_provider_budget(cur: cursor, provider: str, timeout_seconds: float) -> None:
    """Until the transaction ends, no other process takes a request from the budget of this provider.

    Raises:
        psycopg2.errors.LockNotAvailable: The timeout passed; it applies to all locks of the transaction.
    """
    parameters = {"key": PROVIDER_BUDGET, "subkey": _number(provider)}
    timeout = {"timeout": f"{timeout_seconds * 1000:.0f}"}
    run_sql(cur, QUERIES["lock_pair_for_transaction_within"], parameters | timeout)


def lock_notifications(cur: cursor) -> None:
    """Until the transaction ends, no other process decides whether a notification is sent."""
    run_sql(cur, QUERIES["lock_for_transaction"], {"key": NOTIFICATIONS})
