"""Days whose end-of-day file of the exchange, its statement, is not reconciled as it is now."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from psycopg2.extensions import cursor

from include.domain.delivery_period import Market
from include.load.statement_files import is_changed
from include.settings import Settings
from include.statement_files import STATEMENT_DUE, look_for
from include.warehouse.queries import load_queries, run_sql

SHARED = load_queries("warehouse/queries.sql")

DAYS = 7
"""The alarm `statement_missing` is about so many days, and `reconcile_trades` makes up for so many."""


@dataclass(frozen=True, slots=True)
class Missed:
    """A day whose file is not reconciled as it is now.

    Attributes:
        day: Of the market.
        file: Its file in STATEMENT_FOLDER; None: there is none.
        is_whole: Whether nobody seems to be writing the file any more.
        is_reconciled: Whether another statement of the day is reconciled, which was landed before the file
            changed.
    """

    day: date
    file: Path | None
    is_whole: bool
    is_reconciled: bool


def missed_statements(
    cur: cursor, market: Market, folder: Path, last: date, first_run_at: datetime
) -> list[Missed]:
    """Those of the DAYS days up to `last`, the oldest first, since the platform first ran."""
    first = max(first_run_at.astimezone(market.timezone).date(), last - timedelta(days=DAYS - 1))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    run_sql(cur, SHARED["statements_standing"], {"market": market.market, "days": days})
    missed = []
    for day, landing_file, landed_at in cur:
        file, is_whole = look_for(folder, day, datetime.now(UTC))
        if landing_file is None:
            missed.append(Missed(day, file, is_whole, is_reconciled=False))
        elif file is not None and is_whole and is_changed(file, landing_file, landed_at):
            missed.append(Missed(day, file, is_whole, is_reconciled=True))
    return missed


def overdue_statements(cur: cursor, settings: Settings, now: datetime, first_run_at: datetime) -> list[Missed]:
    """Of these days those whose file should be reconciled by now."""
    if settings.statement_folder is None:
        return []
    local = now.astimezone(settings.market.timezone)
    last = local.date() - timedelta(days=1 if local.time() >= STATEMENT_DUE else 2)
    return missed_statements(cur, settings.market, settings.statement_folder, last, first_run_at)
