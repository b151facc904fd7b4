"""What the page shows of a delivery day: its rows, their sum, and the history of its PnL."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from include.dashboard.health import read_facts, upcoming
from include.dashboard.market import periods_of, pnl_hours_of, trading_opens_at
from include.dashboard.reader import Query, Row
from include.dashboard.reconciliation import read_statements
from include.dashboard.service import State, utc_now
from include.dashboard.tables import DAILY, HOURLY
from include.dashboard.wording import caused_by, incomplete_because, matching, reasons
from include.domain.delivery_period import Market
from include.warehouse.queries import load_queries

QUERIES = load_queries("dashboard/queries.sql")
SHARED = load_queries("warehouse/queries.sql")

_PNL = {
    ("pnl_hourly", False): QUERIES["pnl_hourly"],
    ("pnl_hourly", True): QUERIES["portfolio_pnl_hourly"],
    ("pnl_daily", False): QUERIES["pnl_daily"],
    ("pnl_daily", True): QUERIES["portfolio_pnl_daily"],
    ("pnl_weekly", False): QUERIES["pnl_weekly"],
    ("pnl_weekly", True): QUERIES["portfolio_pnl_weekly"],
    ("pnl_monthly", False): QUERIES["pnl_monthly"],
    ("pnl_monthly", True): QUERIES["portfolio_pnl_monthly"],
}
"""Queries by (table, is portfolio)."""

_OVER_MARKETS = ("buy_mwh", "sell_mwh", "net_position_mwh", "pnl_eur", "priced_pnl_eur")
_COUNTS_OVER_MARKETS = ("trade_count", "missing_price_count")
"""What can be summed up over markets."""


@dataclass(frozen=True, slots=True)
class View:
    """What somebody looks at.

    Attributes:
        day: Delivery day.
        trader_id: None: the whole portfolio.
        as_of: As it was said at this moment; None: as it is.
    """

    day: date
    trader_id: str | None
    as_of: datetime | None = None


def read_pnl(query: Query, table: str, as_of: datetime | None, **selection: Any) -> list[Row]:
    """Rows of a table of PnL, as they are or as they were at a moment.

    Args:
        table: `pnl_hourly`, `pnl_daily`, `pnl_weekly` or `pnl_monthly`.
        selection: from_day, to_day, trader_id (None: the portfolio) and all_traders (the rows of each).
    """
    is_portfolio = selection["trader_id"] is None and not selection["all_traders"]
    return query(_PNL[table, is_portfolio], as_of=as_of, **selection)


def _on_day(view: View, trader_id: str | None = None, all_traders: bool = False) -> dict[str, Any]:
    """The selection of `read_pnl` for the day of a view."""
    return {"from_day": view.day, "to_day": view.day, "trader_id": trader_id, "all_traders": all_traders}


def read_desk(query: Query, state: State, view: View) -> Row:
    """The table of a day and what is around it."""
    selection = _on_day(view, view.trader_id)
    rows = read_pnl(query, "pnl_hourly", view.as_of, **selection)
    totals = read_pnl(query, "pnl_daily", view.as_of, **selection)
    # reasons for missing data are not stored historically, only what the row itself holds
    missing = query(QUERIES["incomplete"], day=view.day) if view.as_of is None else []
    by_hour = matching("delivery_hour", missing)
    return {
        "version": state.version,
        "day": view.day,
        "trader": view.trader_id,
        "as_of": view.as_of,
        "market": state.settings.market.market,
        "markets": [settings.market.market for settings in state.markets],
        "market_timezone": state.settings.market.timezone.key,
        "trading_opens_at": trading_opens_at(state.settings.market, view.day),
        "now": None,  # filled in when somebody asks
        "days": query(QUERIES["days"])[0],
        "traders": [row["trader_id"] for row in query(QUERIES["traders"])],
        "rows": [
            {name: row[name] for name in HOURLY}
            | {"incomplete_because": incomplete_because(row, by_hour.get(row["delivery_hour"], ()))}
            for row in rows
        ],
        "hours_without_trades": _without_trades(state.settings.market, view.day, rows, missing),
        "capture_gaps": [] if rows or view.as_of else _gaps(query, state.settings.market, view.day),
        "total": {name: totals[0][name] for name in DAILY} if totals else None,
        "limits": _limits(query, state.settings.market, view),
        "gates": [
            {"delivery_hour": period.delivery_hour, "tradable_until": period.tradable_until}
            for period in pnl_hours_of(state.settings.market, view.day)
        ],
    }


def _gaps(query: Query, market: Market, day: date) -> list[Row]:
    """When nothing was connected while the day was tradable: each row of PnL knows it for its hour."""
    start, end = market.tradable_span_of(day)
    return query(SHARED["gaps_of_day"], day=day, from_at=start, until_at=end)


def _limits(query: Query, market: Market, view: View) -> list[Row]:
    """The limits that were reached for the day; of what is not over, also whether they are reached now."""
    breaches = query(QUERIES["limit_breaches"], day=view.day, trader_id=view.trader_id, as_of=view.as_of)
    now = utc_now()
    if not breaches or view.as_of is not None or market.span_of(view.day)[1] <= now:
        return [row | {"is_over": None} for row in breaches]
    over = {_limit_of(row) for row in query(QUERIES["limits_reached"], day=view.day)}
    # nobody measures an hour that is over: it was delivered with what it had
    ended = {period.delivery_hour for period in pnl_hours_of(market, view.day) if period.end_at <= now}
    return [
        row | {"is_over": None if row["delivery_hour"] in ended else _limit_of(row) in over} for row in breaches
    ]


def _limit_of(row: Row) -> tuple[Any, ...]:
    return row["measure"], row["trader_id"], row["delivery_hour"]


def read_open_positions(query: Query, market: Market, view: View, now: datetime) -> list[Row]:
    """The positions of each trader in the hours of a day that can still be traded, in order of time."""
    gates = {period.delivery_hour: period.tradable_until for period in pnl_hours_of(market, view.day)}
    if all(gate <= now for gate in gates.values()):
        return []
    columns = ("delivery_hour", "trader_id", "net_position_mwh")
    return [
        {name: row[name] for name in columns}
        for row in read_pnl(query, "pnl_hourly", None, **_on_day(view, all_traders=True))
        # an hour that was stored while the market had another time zone may have no gate
        if (gate := gates.get(row["delivery_hour"])) is not None and gate > now
    ]


def _without_trades(market: Market, day: date, rows: list[Row], missing: list[Row]) -> list[Row]:
    """The hours of a day that have no row of PnL although messages about them came, in order of time."""
    traded = {row["delivery_hour"] for row in rows}
    # a price is missing in rows of other traders
    messages = [row for row in missing if not row["reason"].startswith("price_")]
    by_hour = matching("delivery_hour", (row for row in messages if row["delivery_hour"] not in traded))
    return [
        {
            "delivery_hour": period.delivery_hour,
            "delivery_start_at": period.start_at,
            "delivery_end_at": period.end_at,
            "incomplete_because": reasons(by_hour[period.delivery_hour]),
        }
        for period in periods_of(market, day, by_hour)
    ]


def read_history(query: Query, view: View) -> Row:
    """One point a publication that changed the day's PnL."""
    points = query(QUERIES["history"], day=view.day, trader_id=view.trader_id)
    return {"points": [point | {"cause": point["cause"] and caused_by(point["cause"])} for point in points]}


def read_page(query: Query, state: State, view: View, now: datetime) -> Row:
    """All that the page shows of a day, so that loading it again is one request and one transaction."""
    desk = read_desk(query, state, view)
    facts = read_facts(query)
    by_trader: list[Row] = []
    open_positions: list[Row] = []
    if view.trader_id is None and desk["rows"]:
        if view.as_of is None:
            open_positions = read_open_positions(query, state.settings.market, view, now)
        by_trader = read_pnl(query, "pnl_daily", view.as_of, **_on_day(view, all_traders=True))
    return {
        "desk": desk,
        "history": [] if view.as_of else read_history(query, view)["points"],
        "statements": None if view.as_of else read_statements(query, state.settings, view.day, view.trader_id),
        "status": {"data_as_of": facts.data_as_of, **upcoming(now), "troubles": facts.troubles},
        "by_trader": [{name: row[name] for name in DAILY} for row in by_trader],
        "open_positions": open_positions,
        "by_market": read_markets(query, state, view) if len(state.markets) > 1 else [],
    }


def read_markets(query: Query, state: State, view: View) -> list[Row]:
    """The day of the whole portfolio in each market with trades, then their sum, whose market is None.

    All markets have the same currency. The sum is undefined while a price is missing, as a day's is.
    """
    rows = [
        row
        for settings in state.markets
        for row in read_pnl(query, "pnl_daily", view.as_of, market=settings.market.market, **_on_day(view))
    ]
    if not rows:
        return []
    total: Row = {"market": None, "is_complete": all(row["is_complete"] for row in rows)}
    for name in _OVER_MARKETS:
        values = [row[name] for row in rows if row[name] is not None]
        is_defined = len(values) == len(rows) or (name == "priced_pnl_eur" and values)
        total[name] = f"{sum(map(Decimal, values)):f}" if is_defined else None
    counts = {name: sum(row[name] for row in rows) for name in _COUNTS_OVER_MARKETS}
    columns = ("market", "is_complete", *_OVER_MARKETS, *_COUNTS_OVER_MARKETS)
    return [*({name: row[name] for name in columns} for row in rows), total | counts]
