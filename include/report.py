"""The traders' table of a delivery day: read from the warehouse; as text, CSV or spreadsheet."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from psycopg2.extensions import cursor
from rich.text import Text

from include import csv_file
from include.csv_file import Cell, Label
from include.domain.delivery_period import Market
from include.domain.rejection import shown
from include.duration import duration, rounded
from include.errors import TerminalError
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import fetch_dicts, load_queries
from include.xlsx_file import Sheet, to_workbook

QUERIES = load_queries("report.sql")
SHARED = load_queries("warehouse/queries.sql")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table.

    Attributes:
        name: What the number is called in the warehouse, or what is made of a row here.
        heading: The same in a trader's words.
        unit: Empty for a text or a count.
        kind: How it is shown.
    """

    name: str
    heading: str
    unit: str
    kind: Literal["text", "count", "energy", "money", "signed"]

    @property
    def title(self) -> str:
        return f"{self.heading} {self.unit}".strip()


COLUMNS = (
    Column("delivery_period", "delivery period", "", "text"),
    Column("trade_count", "trades", "", "count"),
    Column("buy_mwh", "bought", "MWh", "energy"),
    Column("sell_mwh", "sold", "MWh", "energy"),
    Column("net_position_mwh", "net position", "MWh", "energy"),
    Column("average_price_eur_per_mwh", "our average price", "EUR/MWh", "money"),
    Column("reference_price_eur_per_mwh", "reference price", "EUR/MWh", "money"),
    Column("price_status", "price is", "", "text"),
    Column("performance_eur_per_mwh", "how are we doing", "EUR/MWh", "signed"),
    Column("pnl_eur", "PnL", "EUR", "money"),
    Column("note", "note", "", "text"),
)

IN_FILES = (*COLUMNS, Column("market", "market", "", "text"))
"""The columns of a file; what is new comes last, so that those before keep their place."""

TITLES = [column.title for column in IN_FILES]

_FORMATS = {"count": "0", "energy": "0.0##", "money": "0.00", "signed": "+0.00;-0.00;0.00"}
"""How a spreadsheet shows the numbers of a column, by its kind."""


@dataclass(frozen=True, slots=True)
class Report:
    """The table of one day, with every number as the warehouse has it.

    Attributes:
        trader_id: None: the whole portfolio.
        table: A row per delivery period, the last row the totals, each with the columns of IN_FILES by their
            titles; numbers are Decimal, None where there is none. Without any row: nothing was traded.
        hours_without_trades: Hours without any row, of the trader if there is one, about which messages came
            that nobody has reviewed.
        market: `Settings.landing_market`: the market in the file's name.
        gaps: Without any row: when nothing was connected to the exchange while the day was tradable, in market
            time, so that trades may be missing; empty: never.
    """

    delivery_day: date
    trader_id: str | None
    table: list[dict[str, Cell]]
    hours_without_trades: int = 0
    market: str = ""
    gaps: str = ""

    @property
    def file_name(self) -> str:
        trader = "" if self.trader_id is None else "-" + re.sub(r"[^\w.-]+", "_", self.trader_id)
        market = f"-{self.market}" if self.market else ""
        return f"pnl{market}-{self.delivery_day}{trader}.xlsx"


def run(
    settings: Settings, delivery_day: date, trader_id: str | None = None, as_of: datetime | None = None
) -> Report:
    """Reads the table of a day of the market, of one trader or of the whole portfolio.

    Args:
        settings: The market and the warehouse.
        delivery_day: The day.
        trader_id: None: the whole portfolio.
        as_of: The numbers that stood at that moment; None: those that stand.

    Raises:
        TerminalError: Others traded for that day, this trader did not.
        TransientError: The warehouse cannot be reached.
    """
    of_whom = {
        "market": settings.market.market,
        "delivery_day": delivery_day,
        "trader_id": trader_id,
    }
    of_portfolio = QUERIES["report_portfolio_rows"], SHARED["report_portfolio_total"]
    of_trader = SHARED["report_rows"], SHARED["report_total"]
    rows_query, total_query = of_portfolio if trader_id is None else of_trader
    with connect(settings.warehouse_url, "report") as conn:
        conn.set_session(isolation_level="REPEATABLE READ", readonly=True)  # rows and totals of one moment
        with conn, conn.cursor() as cur:
            of_whom["as_of"] = as_of or current_moment(cur)
            rows = fetch_dicts(cur, rows_query, of_whom)
            total = fetch_dicts(cur, total_query, of_whom)
            (others,) = fetch_dicts(cur, QUERIES["report_hours_without_trades"], of_whom)
            traders = [row["trader_id"] for row in fetch_dicts(cur, QUERIES["report_traders"], of_whom)]
            gaps = [] if rows else _gaps(cur, settings.market, delivery_day)
    if traders and not rows:
        waiting = others["hours_without_trades"]
        raise TerminalError(
            f"{shown(str(trader_id))} has no trades for delivery on {delivery_day}; who has:"
            f" {', '.join(map(shown, traders))}" + (f"\n{waiting_note(waiting)}" if waiting else "")
        )
    lines = [
        row | {"delivery_period": f"{row['delivery_day']} {row['delivery_hour']}", "note": _row_note(row)}
        for row in rows
    ]
    lines += [row | {"delivery_period": "total", "note": _total_note(row | others)} for row in total]
    table = [{column.title: line.get(column.name) for column in IN_FILES} for line in lines]
    gap_texts = ", ".join(_gap_in_words(gap, settings.market) for gap in gaps)
    return Report(delivery_day, trader_id, table, market=settings.landing_market, gaps=gap_texts, **others)


def current_moment(cur: cursor) -> datetime:
    """The moment whose numbers stand, UTC."""
    (row,) = fetch_dicts(cur, SHARED["current_moment"])
    moment: datetime = row["current_moment"]
    return moment


def _gaps(cur: cursor, market: Market, day: date) -> list[dict[str, Any]]:
    start, end = market.tradable_span_of(day)
    asked = {"market": market.market, "day": day, "from_at": start, "until_at": end}
    return fetch_dicts(cur, SHARED["gaps_of_day"], asked)


def _gap_in_words(gap: dict[str, Any], market: Market) -> str:
    start, end = (
        f"{gap[name].astimezone(market.timezone):%Y-%m-%d %H:%M}" for name in ("gap_start_at", "gap_end_at")
    )
    return f"since {start}" if gap["is_ongoing"] else f"from {start} to {end}"


def _row_note(row: dict[str, Any]) -> str:
    notes = []
    if row["capture_gap_seconds"]:
        notes.append(f"no connection for {duration(row['capture_gap_seconds'])} while it was tradable")
    if row["has_unreviewed_messages"]:
        notes.append("messages wait for a review")
    return f"! incomplete: {'; '.join(notes)}" if notes else ""


def waiting_note(hours_without_trades: int) -> str:
    """Says of hours without trades that messages about them wait for a review."""
    hours, have = ("1 hour", "has") if hours_without_trades == 1 else (f"{hours_without_trades} hours", "have")
    return f"! {hours} without trades {have} messages that wait for a review"


def _total_note(total: dict[str, Any]) -> str:
    of_all = f"of {total['delivery_period_count']} delivery periods"
    missing, incomplete = total["missing_price_count"], total["incomplete_period_count"]
    notes = [f"{missing} {of_all} without a price"] if missing else []
    notes += [f"! {incomplete} {of_all} incomplete"] if incomplete else []
    notes += [waiting_note(total["hours_without_trades"])] if total["hours_without_trades"] else []
    return "; ".join(notes)


def to_text(report: Report) -> Text:
    """The table for a terminal, rounded half up, good and bad performance in green and red."""
    cells = _cells(report.table)
    is_left = [column.kind == "text" for column in COLUMNS]
    widths = [max(len(line[i]) for line in cells) for i in range(len(COLUMNS))]
    text = Text()
    for line in cells:
        start = len(text)
        for column, cell, left, width in zip(COLUMNS, line, is_left, widths, strict=True):
            style = {"+": "green", "-": "red"}.get(cell[:1], "") if column.kind == "signed" else ""
            text.append("  " if len(text) > start else "")
            text.append(cell.ljust(width) if left else cell.rjust(width), style=style)
        text.rstrip()
        text.append("\n")
    return text


def _cells(table: list[dict[str, Any]]) -> list[list[str]]:
    """What a person reads: two lines of headings, then the rows."""
    energies = [row[column.title] for column in COLUMNS if column.kind == "energy" for row in table]
    places = max((-int(v.normalize().as_tuple().exponent) for v in energies), default=1)
    places = min(max(places, 1), 3)  # 1.2 MW for a quarter of an hour are 0.3 MWh, 0.1 MW are 0.025
    cells = [[column.heading for column in COLUMNS], [column.unit for column in COLUMNS]]
    cells += [[_cell(column, row[column.title], places) for column in COLUMNS] for row in table]
    if table:
        cells[-1][[c.name for c in COLUMNS].index("reference_price_eur_per_mwh")] = ""  # there is none of a day
    return cells


def _cell(column: Column, value: Any, energy_places: int) -> str:
    if value is None:
        return "missing"
    if not isinstance(value, Decimal):
        return str(value)
    number = rounded(value, energy_places if column.kind == "energy" else 2)
    return f"{number:+f}" if column.kind == "signed" and number else f"{number:f}"


def to_csv(report: Report, decimal: str = "point") -> str:
    """The table as CSV, every number with all its digits, none where there is none.

    Args:
        decimal: One of csv_file.DECIMALS.
    """
    rows = ([Label(cell) if isinstance(cell, str) else cell for cell in row.values()] for row in report.table)
    return csv_file.to_csv(TITLES, rows, decimal)


def to_xlsx(report: Report) -> bytes:
    """The table as a spreadsheet.

    A number with more digits than a spreadsheet keeps is a text, so that none is lost.
    """
    formats = [_FORMATS.get(column.kind, "") for column in IN_FILES]
    *rows, total = [list(row.values()) for row in report.table]
    return to_workbook([Sheet("PnL", TITLES, rows, formats, total=total)])
