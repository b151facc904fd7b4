"""What the exchange's statements say beside what was captured: days, and the trades in which they differ."""

from datetime import date, timedelta

from fastapi import APIRouter
from starlette.responses import Response

from include.dashboard import parameters as given
from include.dashboard import schemas
from include.dashboard.asked import Asking
from include.dashboard.market import trading_opens_at
from include.dashboard.reader import Query, Row
from include.dashboard.tables import DIFFERENCES, RECONCILIATIONS
from include.dashboard.trades import review_command
from include.domain.delivery_period import Market
from include.settings import Settings
from include.warehouse.queries import load_queries

QUERIES = load_queries("dashboard/queries.sql")

MAX_DAYS = 3660
MAX_DIFFERENCES = 100_000
_MAX_SHOWN = 100
"""Differences that the page shows of a delivery day or hour."""

routes = APIRouter()


def read_days(query: Query, first: date, last: date) -> list[Row]:
    """Rows of `ops.reconciliations`, the last day first."""
    return query(QUERIES["reconciliations"], from_day=first, to_day=last)


def read_differences(
    query: Query,
    settings: Settings,
    first: date,
    last: date,
    day: date | None = None,
    hour: str | None = None,
    trader_id: str | None = None,
    limit: int = MAX_DIFFERENCES,
) -> list[Row]:
    """Rows of `ops.reconciliation_differences` with the command that decides on it, if one is needed.

    Args:
        settings: Those of the market.
        first: First day of the statements.
        last: Last one.
        day: Delivery day; None: any.
        hour: Label of one of its hours or periods; None: any.
        trader_id: None: of all traders.
        limit: At most so many.
    """
    rows = query(
        QUERIES["reconciliation_differences"],
        from_day=first,
        to_day=last,
        day=day,
        hour=hour,
        trader_id=trader_id,
        limit=limit,
    )
    for row in rows:
        is_open = row["outcome"] in ("cancelled", "unexpected") and row["review"] is None
        row["review_command"] = review_command(row, settings.market_argument) if is_open else None
    return rows


def days_of_trading(market: Market, day: date) -> tuple[date, date]:
    """First and last day on which trades for a delivery day are executed."""
    return trading_opens_at(market, day).astimezone(market.timezone).date(), day


def read_statements(query: Query, settings: Settings, day: date, trader_id: str | None) -> Row:
    """What the page shows of a delivery day: one entry per day of trading, `null` for one without a statement.

    Where statements are of a delivery day, the one of that day alone.
    """
    first, last = days_of_trading(settings.market, day)
    known = {row["statement_day"]: row for row in read_days(query, first, last)}
    if any(row["is_by_delivery_day"] for row in known.values()):
        first = last
        known = {each: row for each, row in known.items() if each == day}
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    differences = []
    if known:
        differences = read_differences(
            query, settings, first, last, day=day, trader_id=trader_id, limit=_MAX_SHOWN
        )
    return {
        "days": [
            {"statement_day": each, "row": row and {name: row[name] for name in RECONCILIATIONS}}
            for each, row in ((each, known.get(each)) for each in days)
        ],
        "differences": [{name: row[name] for name in DIFFERENCES} for row in differences],
    }


def read_hour_differences(
    query: Query, settings: Settings, day: date, hour: str, trader_id: str | None
) -> list[Row]:
    """The trades of an hour that a statement added or changed, or does not have."""
    first, last = days_of_trading(settings.market, day)
    rows = read_differences(query, settings, first, last, day, hour, trader_id, _MAX_SHOWN)
    return [{name: row[name] for name in DIFFERENCES} for row in rows]


@routes.get("/reconciliations", summary="Captured and in the statement, by day", response_model=schemas.Table)
async def reconciliations(asked: Asking, days: given.AnyDays, form: given.AnyForm) -> Response:
    """The columns of `ops.reconciliations`, the last day first; days that statements are about."""
    first, last = days.between(asked.today, MAX_DAYS)
    about = first, last, None

    def read(query: Query) -> list[Row]:
        return read_days(query, first, last)

    return await asked.table("reconciliations", RECONCILIATIONS, read, form, about)


@routes.get("/reconciliation_differences", summary="Trades that differ", response_model=schemas.Table)
async def reconciliation_differences(asked: Asking, days: given.AnyDays, form: given.AnyForm) -> Response:
    """Those that a statement added (`missing`) or changed (`differs`), or does not have (`unexpected`), and
    those that were cancelled and that it has (`cancelled`).
    """
    first, last = days.between(asked.today, MAX_DAYS)
    about = first, last, None

    def read(query: Query) -> list[Row]:
        return read_differences(query, asked.state.settings, first, last)

    return await asked.table("reconciliation_differences", DIFFERENCES, read, form, about)
