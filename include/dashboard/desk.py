"""What the page shows of a delivery day: its rows, their sum, and how its PnL came to be."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from include.dashboard.health import read_facts, upcoming
from include.dashboard.market import trading_opens_at
from include.dashboard.reader import Query, Row
from include.dashboard.tables import DAILY
from include.dashboard.watcher import State
from include.dashboard.wording import incomplete_because, matching

_ROW = [
    "delivery_hour",
    "delivery_start_at",
    "delivery_end_at",
    "trade_count",
    "buy_mwh",
    "sell_mwh",
    "net_position_mwh",
    "average_price_eur_per_mwh",
    "reference_price_eur_per_mwh",
    "price_status",
    "performance_eur_per_mwh",
    "pnl_eur",
    "realised_pnl_eur",
    "unrealised_pnl_eur",
    "is_complete",
    "capture_gap_seconds",
    "built_at",
]
_TOTAL = [
    "trade_count",
    "buy_mwh",
    "sell_mwh",
    "net_position_mwh",
    "average_price_eur_per_mwh",
    "price_status",
    "performance_eur_per_mwh",
    "pnl_eur",
    "priced_pnl_eur",
    "realised_pnl_eur",
    "unrealised_pnl_eur",
    "delivery_period_count",
    "missing_price_count",
    "incomplete_period_count",
    "is_complete",
    "built_at",
]


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


def read_desk(query: Query, state: State, view: View) -> Row:
    """The table of a day and what is around it."""
    selection: dict[str, Any] = {
        "from_day": view.day,
        "to_day": view.day,
        "trader_id": view.trader_id,
        "all_traders": False,
    }
    then = "" if view.as_of is None else "_as_of"
    rows = query(f"dashboard/pnl_hourly{then}", as_of=view.as_of, **selection)
    totals = query(f"dashboard/pnl_daily{then}", as_of=view.as_of, **selection)
    # nobody has kept why something was missing at a moment of the past, but for what the row itself says
    missing = query("dashboard/incomplete", day=view.day) if view.as_of is None and rows else []
    by_hour = matching("delivery_hour", missing)
    return {
        "version": state.version,
        "day": view.day,
        "trader": view.trader_id,
        "as_of": view.as_of,
        "market_timezone": state.settings.market_timezone,
        "trading_opens_at": trading_opens_at(state.settings.market_timezone, view.day),
        "now": None,  # filled in when somebody asks
        "days": {"first": state.first_day, "last": state.last_day},
        "traders": [row["trader_id"] for row in query("dashboard/traders")],
        "rows": [
            {name: row[name] for name in _ROW}
            | {"incomplete_because": incomplete_because(row, by_hour.get(row["delivery_hour"], ()))}
            for row in rows
        ],
        "total": {name: totals[0][name] for name in _TOTAL} if totals else None,
    }


def read_history(query: Query, view: View) -> Row:
    """One point a publication that changed the day's PnL."""
    return {"points": query("dashboard/history", day=view.day, trader_id=view.trader_id)}


def read_page(query: Query, state: State, view: View, now: datetime) -> Row:
    """All that the page shows of a day, so that loading it again is one request and one transaction."""
    desk = read_desk(query, state, view)
    facts = read_facts(query)
    by_trader: list[Row] = []
    if view.trader_id is None and desk["rows"]:
        then = "" if view.as_of is None else "_as_of"
        by_trader = query(
            f"dashboard/pnl_daily{then}",
            from_day=view.day,
            to_day=view.day,
            trader_id=None,
            all_traders=True,
            as_of=view.as_of,
        )
    return {
        "desk": desk,
        "history": [] if view.as_of else read_history(query, view)["points"],
        "status": {"data_as_of": facts.data_as_of, **upcoming(now), "troubles": facts.troubles},
        "by_trader": [{name: row[name] for name in DAILY} for row in by_trader],
    }
