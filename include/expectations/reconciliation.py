"""Reconciles captured trades with the statements of the exchange, set-wise, idempotent and free of order."""

from datetime import date

from psycopg2.extensions import cursor

from include.domain.delivery_period import Market
from include.domain.reconciliation import MIN_ALIKE, UNASSIGNED
from include.landing import statement_folder
from include.load.statement_files import BY_DELIVERY_DAY
from include.settings import Settings
from include.warehouse.queries import fetch_dicts, load_queries, run_sql

QUERIES = load_queries("expectations/reconciliation.sql")

IN_STATEMENT = "each captured trade is in the statement of the exchange"
"""What is expected of captured trades of a day that has a statement; others count until they are discarded."""

NOT_CANCELLED = "no cancelled trade is in the statement of the exchange"
"""What is expected of cancelled trades; those that a statement has stay cancelled until they are accepted."""


def reconcile_days(cur: cursor, settings: Settings, days: list[date]) -> dict[str, int]:
    """Reconciles whole days with the last landed statement of each; days without one are left as they are.

    Args:
        cur: Within a transaction that holds the locks of a decision.
        settings: Of their market.
        days: Local days.

    Returns:
        Counts: days, matched, missing, differs, cancelled, unexpected, not_reconciled.
    """
    market = settings.market
    spans = [market.span_of(day) for day in days]
    parameters = _parameters(market) | {
        "days": days,
        "by_delivery_day": f"%{BY_DELIVERY_DAY}",
        "folders": [statement_folder(day, settings.landing_market) for day in days],
        "covered_from": [first for first, _ in spans],
        "covered_until": [after for _, after in spans],
    }
    run_sql(cur, QUERIES["stand_statements"], parameters)
    run_sql(cur, QUERIES["scope_of_days"], parameters)
    # a trade that one of these statements has is no longer unexpected in that of the day before
    others = _decide(cur, parameters)
    _close_gaps(cur, parameters, [*days, *others])
    (counts,) = fetch_dicts(cur, QUERIES["reconciled_counts"], parameters)
    return counts


def reconcile_batches(cur: cursor, market: Market, load_batch_ids: list[int]) -> None:
    """Reconciles the trades of batches that were accepted just now, as far as statements are about them."""
    parameters = _parameters(market) | {"load_batch_ids": load_batch_ids}
    run_sql(cur, QUERIES["statements_known"], parameters)
    if cur.fetchone() == (True,):
        run_sql(cur, QUERIES["scope_of_batches"], parameters)
        _close_gaps(cur, parameters, _decide(cur, parameters))


def reconcile_reviewed(cur: cursor, market: Market) -> None:
    """Reconciles the trades in pg_temp.reviewed, which a person has decided on."""
    parameters = _parameters(market)
    run_sql(cur, QUERIES["statements_known"], parameters)
    if cur.fetchone() == (True,):
        run_sql(cur, QUERIES["scope_of_reviews"], parameters)
        days = _decide(cur, parameters)
        run_sql(cur, QUERIES["days_of_reviews"], parameters)
        _close_gaps(cur, parameters, [*days, *(day for (day,) in cur)])


def _close_gaps(cur: cursor, parameters: dict[str, object], days: list[date]) -> None:
    if days:
        run_sql(cur, QUERIES["pending_reconciled"], parameters | {"days": days})


def _parameters(market: Market) -> dict[str, object]:
    return {
        "market": market.market,
        "timezone": market.timezone.key,
        "unassigned": UNASSIGNED,
        "min_alike": MIN_ALIKE,
    }


def _decide(cur: cursor, parameters: dict[str, object]) -> list[date]:
    """Decides on the trades in pg_temp.statement_scope; returns the days that they are about."""
    run_sql(cur, QUERIES["scope_index"])
    run_sql(cur, QUERIES["scope_statistics"])
    run_sql(cur, QUERIES["statement_lines"])
    run_sql(cur, QUERIES["days_in_scope"])
    days = {day for (day,) in cur}
    run_sql(cur, QUERIES["pending_stated"])
    run_sql(cur, QUERIES["stated_after_all"])
    run_sql(cur, QUERIES["pending_unstated"])
    run_sql(cur, QUERIES["unstated_after_all"])
    run_sql(cur, QUERIES["statement_outcomes"])
    run_sql(cur, QUERIES["forget_differences"])
    run_sql(cur, QUERIES["note_differences"])
    run_sql(cur, QUERIES["note_unexpected"], parameters)
    run_sql(cur, QUERIES["days_in_scope"])
    days |= {day for (day,) in cur}
    run_sql(cur, QUERIES["hold_statements"], parameters | {"days": sorted(days)})
    other = [day for day, is_other in cur if is_other]
    run_sql(cur, QUERIES["statement_rows"], parameters)
    if run_sql(cur, QUERIES["statement_changes"]):
        run_sql(cur, QUERIES["pending_statement_changes"])
        run_sql(cur, QUERIES["delete_statement_rows"])
        run_sql(cur, QUERIES["release_statement_rows"])
        run_sql(cur, QUERIES["insert_statement_rows"])
        run_sql(cur, QUERIES["pending_statement_changes"])
        run_sql(cur, QUERIES["validate_statements_again"])
    run_sql(cur, QUERIES["review_earlier_revisions"])
    run_sql(cur, QUERIES["forget_scope"])
    if other:  # a few trades decide on all of their day's
        run_sql(cur, QUERIES["scope_of_held"], parameters | {"days": other})
        days |= set(_decide(cur, parameters))
    return sorted(days)
