"""What became of the messages about trades: those that count, and those that do not, why, and what to do."""

import re
import shlex
from datetime import date

from include.dashboard.language import stored
from include.dashboard.reader import Query, Row
from include.domain.rejection import DESCRIPTIONS
from include.settings import Settings
from include.warehouse.queries import load_queries

QUERIES = load_queries("dashboard/queries.sql")

LISTS = {
    "trades": QUERIES["trades"],
    "cancelled_trades": QUERIES["cancelled_trades"],
    "quarantined_trades": QUERIES["quarantined_trades"],
    "rejected_messages": QUERIES["rejected_messages"],
}
"""Lists of a delivery day or hour, by their names in the API."""

MAX_ROWS_OF_HOUR = 500
"""Rows of each list that the page shows of an hour."""

_PLAIN_ID = re.compile(r"[\w.:@+-]+", re.ASCII)
_REASONS = {str(reason): text for reason, text in DESCRIPTIONS.items()}


def read_list(
    query: Query,
    settings: Settings,
    name: str,
    day: date,
    hour: str | None,
    trader_id: str | None,
    limit: int,
) -> list[Row]:
    """Rows of one of LISTS, the last received first.

    Args:
        settings: Those of the market.
        name: Which one.
        day: Delivery day.
        hour: Label of an hour of PnL or of another delivery period; None: the whole day.
        trader_id: None: of all traders. A rejected message is nobody's: it may concern each of them.
        limit: At most so many.
    """
    # by the calendar: perhaps nothing is loaded that delivers in an hour of rejects
    hours = None if hour is None else [share.pnl_hour for share in settings.market.period(day, hour).shares]
    rows = query(LISTS[name], day=day, hour=hour, pnl_hours=hours, trader_id=trader_id, limit=limit)
    for row in rows:
        if name == "quarantined_trades":
            row["expectation"] = stored(row["expectation"])
        if name == "rejected_messages":
            row["reason"] = stored(_REASONS.get(code := str(row["reason_code"]), code))
        if name in ("quarantined_trades", "rejected_messages"):
            row["review_command"] = review_command(row, settings.market_argument)
    return rows


def read_hour(query: Query, settings: Settings, day: date, hour: str, trader_id: str | None) -> Row:
    """All lists of an hour."""

    def of(name: str) -> list[Row]:
        return read_list(query, settings, name, day, hour, trader_id, MAX_ROWS_OF_HOUR)

    return {
        "day": day,
        "hour": hour,
        "trader": trader_id,
        "trades": of("trades"),
        "cancelled": of("cancelled_trades"),
        "quarantined": of("quarantined_trades"),
        "rejected": of("rejected_messages"),
    }


def review_command(row: Row, of_market: str) -> str:
    """What an engineer types to decide on a quarantined trade or on a rejected message.

    Args:
        row: With landing_file and line_number; of a trade also with trade_id.
        of_market: `Settings.market_argument`.
    """
    is_trade = "trade_id" in row
    # an id may hold whatever an exchange sends: then its line names it
    if is_trade and _PLAIN_ID.fullmatch(row["trade_id"]):
        which = f"TRADE={row['trade_id']}"
    else:
        which = f"FILE={shlex.quote(row['landing_file'])} LINE={row['line_number']}"
    return f"make review {which} ACTION={'accept|discard' if is_trade else 'discard'} REASON='…'{of_market}"
