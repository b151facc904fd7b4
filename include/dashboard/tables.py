"""Rows as a table for people and programs: JSON, or CSV that a spreadsheet opens as it is meant."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from include.dashboard.reader import Row
from include.dashboard.responses import CSV, JSON, Answer

FORMATS = ("json", "csv")
DECIMALS = ("point", "comma")

_PNL = "net_position_mwh buy_vwap_eur_per_mwh sell_vwap_eur_per_mwh average_price_eur_per_mwh cash_flow_eur"
HOURLY = (
    "delivery_day delivery_hour trader_id delivery_start_at delivery_end_at trade_count buy_mwh sell_mwh"
    f" {_PNL} reference_price_eur_per_mwh price_status performance_eur_per_mwh pnl_eur realised_pnl_eur"
    " unrealised_pnl_eur capture_gap_seconds is_complete built_at"
).split()
DAILY = (
    "delivery_day trader_id delivery_period_count missing_price_count trade_count buy_mwh sell_mwh"
    f" {_PNL} price_status performance_eur_per_mwh pnl_eur priced_pnl_eur realised_pnl_eur unrealised_pnl_eur"
    " incomplete_period_count is_complete built_at"
).split()
TRADES = [
    "trade_id",
    "trader_id",
    "direction",
    "price_eur_per_mwh",
    "quantity_mw",
    "energy_mwh",
    "delivery_day",
    "delivery_hour",
    "delivery_start_at",
    "delivery_end_at",
    "executed_at",
    "received_at",
]
GAPS = ["gap_start_at", "gap_end_at", "gap_seconds", "is_ongoing"]

_TEXTS = frozenset({"trade_id", "trader_id", "delivery_hour", "delivery_period", "direction", "price_status"})
"""Columns of words; what is a text in another column is a number with all its digits."""


def table(form: str, decimal: str, name: str, columns: Sequence[str], rows: Iterable[Row]) -> Answer:
    """The rows as one of FORMATS.

    Args:
        form: json or csv.
        decimal: Of a CSV: `point` with commas between the cells, or `comma` with semicolons, as spreadsheets
            expect it in countries that write 1,5.
        name: Of the file, without its ending.
        columns: Which, in which order.
        rows: With at least these columns.
    """
    if form == "json":
        return Answer(msgspec.json.encode({"rows": [{c: row[c] for c in columns} for row in rows]}), JSON)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Answer(to_csv(columns, rows, decimal).encode("utf-8-sig"), CSV, headers)


def file_name(what: str, first: date, last: date, trader_id: str | None, as_of: datetime | None = None) -> str:
    """What a downloaded file is called, without its ending; nothing in it has a meaning to a file system."""
    parts = [what, str(first)] + [str(last)] * (last != first) + [trader_id or ""]
    parts += [f"as_of_{as_of:%Y%m%dT%H%M%SZ}"] if as_of else []
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", "-".join(filter(None, parts)))


def to_csv(columns: Sequence[str], rows: Iterable[Row], decimal: str = "point") -> str:
    """The rows by RFC 4180.

    A label like 03-04 alone would become the third of April: delivery periods are written with their day.
    """
    named = ["delivery_period" if column == "delivery_hour" else column for column in columns]
    text = io.StringIO()
    writer = csv.writer(text, delimiter="," if decimal == "point" else ";", lineterminator="\r\n")
    writer.writerow(named)
    for row in rows:
        writer.writerow([_cell(column, _value(column, row), decimal) for column in named])
    return text.getvalue()


def _value(column: str, row: Row) -> Any:
    return f"{row['delivery_day']} {row['delivery_hour']}" if column == "delivery_period" else row[column]


def _cell(column: str, value: Any, decimal: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ")  # UTC, as the column's name has it in the dictionary
    if isinstance(value, date | int):
        return str(value)
    if column in _TEXTS:
        return neutral(value)
    return str(value) if decimal == "point" else str(value).replace(".", ",")


def neutral(text: str) -> str:
    """The text as one that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text
