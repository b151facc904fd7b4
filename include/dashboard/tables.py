"""Rows as a table for people and programs: JSON, or a CSV or XLSX that a spreadsheet shows as it is meant."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal

from include.csv_file import Cell, Label, to_csv
from include.dashboard.reader import Row
from include.dashboard.responses import CSV, XLSX, Answer, json_answer
from include.domain.pnl import Pnl
from include.xlsx_file import Sheet, to_workbook

FORMATS = ("json", "csv", "xlsx")

MEASURES = [field.name for field in fields(Pnl)]
HOURLY = [
    "delivery_day",
    "delivery_hour",
    "trader_id",
    "market",
    "delivery_start_at",
    "delivery_end_at",
    *MEASURES,
    "price_status",
    "capture_gap_seconds",
    "is_complete",
    "built_at",
    "amendment_count",
    "cancelled_trade_count",
    "has_unreviewed_messages",
]
QUARTERS = [
    *("delivery_day", "delivery_quarter", "delivery_hour", "trader_id", "market"),
    *("delivery_start_at", "delivery_end_at", "trade_count", "buy_mwh", "sell_mwh", "net_position_mwh"),
    *("buy_vwap_eur_per_mwh", "sell_vwap_eur_per_mwh", "average_price_eur_per_mwh", "cash_flow_eur"),
    *("reference_price_eur_per_mwh", "pnl_eur", "realised_pnl_eur", "unrealised_pnl_eur"),
    *("performance_eur_per_mwh", "buy_value_eur", "sell_value_eur", "price_status"),
]
_NOT_OF_DAYS = {"reference_price_eur_per_mwh", "buy_value_eur", "sell_value_eur"}
"""Measures of delivery periods that a day does not have."""
DAILY = [
    "delivery_day",
    "trader_id",
    "market",
    "delivery_period_count",
    "missing_price_count",
    *(name for name in MEASURES if name not in _NOT_OF_DAYS),
    "price_status",
    "priced_pnl_eur",
    "incomplete_period_count",
    "is_complete",
    "built_at",
]
_OF_RANGES = ["trader_id", "market", "delivery_day_count", "incomplete_day_count", *DAILY[3:]]
COLUMNS = {
    "pnl_hourly": HOURLY,
    "pnl_daily": DAILY,
    "pnl_weekly": ["delivery_week", *_OF_RANGES],
    "pnl_monthly": ["delivery_month", *_OF_RANGES],
}
"""Of the tables of PnL."""
_TRADE = [
    *("trade_id", "trader_id", "direction", "price_eur_per_mwh", "quantity_mw", "energy_mwh"),
    *("delivery_day", "delivery_hour"),
]
_TIMES = ["delivery_start_at", "delivery_end_at", "executed_at", "received_at"]
_WHICH = ["market", "revision", "source"]
_LINE = ["landing_file", "line_number"]
_REJECT = ["received_at", "market", "reason_code", "reason", "detail", "delivery_day", "delivery_hours", "raw"]
LISTS = {
    "trades": [*_TRADE, *_TIMES, *_WHICH, "is_disputed", *_LINE, "pnl_eur"],
    "cancelled_trades": [*_TRADE, *_TIMES, *_WHICH, "cancelled_at", *_LINE],
    "quarantined_trades": [
        *_TRADE,
        *("received_at", "market", "revision"),
        "expectation",
        "quarantined_at",
        *_LINE,
        "review_command",
    ],
    "rejected_messages": [*_REJECT, *_LINE, "review_command"],
}
"""Columns of the lists of dashboard/trades.py."""
_SIDES = ("captured", "statement", "matched", "missing", "differs", "cancelled", "unexpected")
RECONCILIATIONS = [
    *("market", "statement_day", "state"),
    *(f"{side}_{what}" for side in _SIDES for what in ("count", "mwh", "cash_flow_eur")),
    *("unreviewed_cancelled_count", "unreviewed_unexpected_count", "alike_count"),
    *("line_count", "rejected_count", "unreviewed_reject_count"),
    *("landing_file", "landed_at", "reconciled_at"),
]
_CONTENT = ("trader_id", "price_eur_per_mwh", "quantity_mw", "delivery_day", "delivery_hour")
DIFFERENCES = [
    *("market", "statement_day", "trade_id", "direction", "outcome", "is_held", "captured_revision"),
    *(f"captured_{name}" for name in _CONTENT),
    *(f"statement_{name}" for name in _CONTENT),
    *("review", "review_command", "landing_file", "line_number"),
]
GAPS = ["gap_start_at", "gap_end_at", "gap_seconds", "is_ongoing"]

_FROM_OUTSIDE = frozenset(
    {"trade_id", "trader_id", "captured_trader_id", "statement_trader_id", "detail", "raw", "review"}
)
_LABELS = frozenset(
    {
        *("market", "delivery_quarter", "direction", "price_status", "landing_file", "expectation"),
        *("reason_code", "reason", "review_command", "state", "outcome", "source"),
    }
)
"""Columns of texts; what is a text in another column is a number with all its digits."""


def table(form: str, decimal: str, name: str, columns: Sequence[str], rows: Iterable[Row]) -> Answer:
    """The rows as one of FORMATS.

    Args:
        form: One of FORMATS.
        decimal: Of a CSV: `point` with commas between the cells, or `comma` with semicolons, as spreadsheets
            expect it in countries that write 1,5.
        name: Of the file, without its ending.
        columns: Which, in which order.
        rows: With at least these columns.
    """
    if form == "json":
        return json_answer({"rows": [{c: row[c] for c in columns} for row in rows]})
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    # a label like 03-04 alone would become the third of April: delivery periods are written with their day
    header = [re.sub(r"delivery_hour$", "delivery_period", column) for column in columns]
    cells = ([_cell(column, row) for column in columns] for row in rows)
    if form == "xlsx":
        return Answer(to_workbook([Sheet("Table", header, cells)]), XLSX, headers)
    return Answer(to_csv(header, cells, decimal).encode(), CSV, headers)


def file_name(what: str, first: date, last: date, trader_id: str | None, as_of: datetime | None = None) -> str:
    """What a downloaded file is called, without its ending; nothing in it has a meaning to a file system."""
    parts = [what, str(first)] + [str(last)] * (last != first) + [trader_id or ""]
    parts += [f"as_of_{as_of:%Y%m%dT%H%M%SZ}"] if as_of else []
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", "-".join(filter(None, parts)))


def _cell(column: str, row: Row) -> Cell:
    value = row[column]
    if column.endswith("delivery_hour"):
        day = row[column.removesuffix("hour") + "day"]
        return None if value is None else Label(f"{day} {value}")
    if column == "delivery_hours":
        return value and ", ".join(value)
    if not isinstance(value, str) or column in _FROM_OUTSIDE:
        cell: Cell = value
        return cell
    return Label(value) if column in _LABELS else Decimal(value)
