"""Days whose statement of the exchange, its end-of-day file, is not reconciled."""

from datetime import date, datetime, timedelta

from psycopg2.extensions import cursor

from include.domain.delivery_period import Market
from include.settings import Settings
from include.statement_files import STATEMENT_DUE, look_for
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("health/alarms.sql")

DAYS = 7
"""The alarm `statement_missing` is about so many days, and `reconcile_trades` makes up for so many."""


def days_without_statement(cur: cursor, market: Market, last: date, first_run_at: datetime) -> list[date]:
    """Those of the DAYS days up to `last`, the oldest first, since the platform first ran."""
    first = max(first_run_at.astimezone(market.timezone).date(), last - timedelta(days=DAYS - 1))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    run_sql(cur, QUERIES["statements_missing"], {"market": market.market, "days": days})
    return [day for (day,) in cur]


def overdue_statements(
    cur: cursor, settings: Settings, now: datetime, first_run_at: datetime
) -> tuple[list[date], list[date]]:
    """Days that should be reconciled by now and are not: those without a file, those whose file is there."""
    folder = settings.statement_folder
    if folder is None:
        return [], []
    local = now.astimezone(settings.market.timezone)
    last = local.date() - timedelta(days=1 if local.time() >= STATEMENT_DUE else 2)
    days = days_without_statement(cur, settings.market, last, first_run_at)
    found = [day for day in days if look_for(folder, day, now)[0]]
    return [day for day in days if day not in found], found
