"""The report of a delivery day to finance: a workbook, and the same in a few lines for a mail."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Context, Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from include import report
from include.csv_file import Cell
from include.duration import rounded
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import fetch_dicts, load_queries
from include.whole_file import whole_file
from include.xlsx_file import DIGITS, Sheet, to_workbook

QUERIES = load_queries("day_report.sql")
SHARED = load_queries("warehouse/queries.sql")

_FORMATS = {
    r"_eur_per_mwh$|EUR/MWh$": "0.00",
    r"_eur$|EUR$": "#,##0.00",
    r"_mwh$|MWh$": "#,##0.0##",
}
"""How a spreadsheet shows the numbers of a column, by its name."""

_OPEN = ("what", "delivery_hour", "trade_id", "is_open", "since_at", "detail")
_MAX_HOURS_NAMED = 6
"""A line names so many hours; the sheet has them all."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DayReport:
    """The report of one day and revision.

    Attributes:
        delivery_day: The day.
        revision: Of ops.final_days; 0: the day was not announced as final, the numbers are preliminary.
        market: The market.
        open_count: What is open now.
        summary: Names and values, the first ones about what the numbers are worth.
        sheets: The tables of the workbook.
        file_name: For each revision another one.
    """

    delivery_day: date
    revision: int
    market: str
    open_count: int
    summary: list[tuple[str, Cell]]
    sheets: list[Sheet]
    file_name: str

    @property
    def title(self) -> str:
        """One line, for a subject."""
        if not self.revision:
            kind = ", preliminary"
        else:
            kind = f", correction {self.revision - 1}" if self.revision > 1 else ""
        points = {0: "", 1: ", 1 open point"}.get(self.open_count, f", {self.open_count} open points")
        return f"PnL {self.delivery_day} {self.market}{kind}{points}"

    @property
    def text(self) -> str:
        """The summary, a line each, whatever names from outside hold."""
        lines = (f"{name}: {_shown(value)}" if name else "" for name, value in self.summary)
        return "\n".join(_on_one_line(line) for line in lines)

    def write(self, folder: Path) -> Path:
        """Writes the workbook; the file appears whole or not at all, and is the same each time but for what is
        open.

        Raises:
            TerminalError: The folder cannot be written.
        """
        path = folder / self.file_name
        with whole_file(path) as part:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_bytes(to_workbook(self.sheets))
        return path


def read(settings: Settings, delivery_day: date) -> DayReport:
    """The report of the last announcement of a day, with the numbers of that moment and what is open now.

    Of a day that was never announced it has the numbers that stand now.

    Raises:
        TransientError: The warehouse cannot be reached.
    """
    market = settings.market.market
    asked = {"market": market, "delivery_day": delivery_day}
    asked["is_statement_expected"] = settings.statement_folder is not None
    with connect(settings.warehouse_url, "day_report") as conn:
        conn.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with conn, conn.cursor() as cur:
            announced = fetch_dicts(cur, QUERIES["day_report_announced"], asked)
            as_of = announced[0]["final_at"] if announced else report.current_moment(cur)
            of_then = asked | {"as_of": as_of, "trader_id": None}
            portfolio = fetch_dicts(cur, SHARED["report_portfolio_total"], of_then)
            traders = fetch_dicts(cur, SHARED["report_total"], of_then)
            hours = fetch_dicts(cur, SHARED["report_rows"], of_then)
            points = fetch_dicts(cur, QUERIES["day_report_open"], asked)
            before, changes = None, list[dict[str, Any]]()
            if len(announced) > 1:
                previous = asked | {"as_of": announced[1]["final_at"]}
                before = fetch_dicts(cur, SHARED["report_portfolio_total"], previous)
                since = of_then | {"previous_at": announced[1]["final_at"]}
                changes = fetch_dicts(cur, QUERIES["day_report_changes"], since)
    of_day = report.run(settings, delivery_day, as_of=as_of)
    if of_day.gaps:
        detail = f"nothing was connected to the exchange {of_day.gaps} market time, while the day was tradable"
        points.append(dict.fromkeys(_OPEN) | {"what": "capture_gap", "is_open": True, "detail": detail})
    revision = announced[0]["revision"] if announced else 0
    summary = [
        *_state(revision, as_of, [point for point in points if point["is_open"]]),
        *_numbers(portfolio, before, "no trades are known" if of_day.gaps else "nobody traded"),
        *[(f"PnL of {row['trader_id']}, EUR", row["pnl_eur"]) for row in traders],
    ]
    title = f"PnL for delivery on {delivery_day}, market {market}"
    sheets = [
        Sheet("Summary", (title, ""), summary, ("", "#,##0.00"), width=50),
        _sheet("Portfolio", report.TITLES, of_day.table),
        *[_sheet(name, rows[0], rows) for name, rows in (("Traders", traders), ("Hours", hours)) if rows],
        _sheet("Open", _OPEN, points),
        *[_sheet("Changes", changes[0], changes) for _ in changes[:1]],
    ]
    parts = ("pnl", settings.landing_market, f"{delivery_day}", _revision_in_name(revision))
    open_count = sum(point["is_open"] for point in points)
    file_name = "-".join(filter(None, parts)) + ".xlsx"
    return DayReport(delivery_day, revision, market, open_count, summary, sheets, file_name)


def _revision_in_name(revision: int) -> str:
    if revision == 0:
        return "preliminary"
    return f"revision-{revision}" if revision > 1 else ""


def _state(revision: int, as_of: datetime, points: Iterable[Row]) -> list[tuple[str, Cell]]:
    """What the numbers are worth: which revision, of when, and what is open."""
    lines: list[tuple[str, Cell]] = []
    for what, group in groupby(
        sorted(points, key=lambda point: str(point["what"])), lambda point: point["what"]
    ):
        found = list(group)
        hours = list(dict.fromkeys(point["delivery_hour"] for point in found if point["delivery_hour"]))
        named = ", ".join(hours[:_MAX_HOURS_NAMED]) + (" …" if len(hours) > _MAX_HOURS_NAMED else "")
        lines.append((f"OPEN: {what}", f"{len(found)} x {named}" if hours else found[0]["detail"]))
    preliminary = "none: the day was not announced as final, these numbers are preliminary"
    return [
        *(lines or [("open", "nothing")]),
        ("revision", revision or preliminary),
        ("numbers of (UTC)", as_of.replace(microsecond=0)),
        ("", None),
    ]


def _numbers(
    portfolio: list[dict[str, Any]], before: list[dict[str, Any]] | None, nothing: str
) -> list[tuple[str, Cell]]:
    """The day of the portfolio, and what it was in the revision before."""
    if not portfolio:
        lines: list[tuple[str, Cell]] = [("PnL of the portfolio, EUR", f"{nothing} for delivery on this day")]
    else:
        (day,) = portfolio
        lines = [("PnL of the portfolio, EUR", day["pnl_eur"])]
        if missing := day["missing_price_count"]:
            lines += [
                ("delivery periods without a price", missing),
                ("PnL of those with a price, EUR", day["priced_pnl_eur"]),
            ]
    if before is not None:
        lines.append(("in the revision before, EUR", before[0]["pnl_eur"] if before else "no trades"))
    if portfolio:
        lines += [
            ("trades", day["trade_count"]),
            ("bought, MWh", day["buy_mwh"]),
            ("sold, MWh", day["sell_mwh"]),
            ("cash flow, EUR", day["cash_flow_eur"]),
        ]
    return [*lines, ("", None)]


def _sheet(name: str, columns: Iterable[str], rows: Iterable[Row]) -> Sheet:
    """A table with the names of its columns, and each number as its unit is shown."""
    names = list(columns)
    cells = [[_countable(row[column]) for column in names] for row in rows]
    return Sheet(name, names, cells, [_format(column) for column in names])


def _countable(value: Cell) -> Cell:
    """A number with no more digits than a spreadsheet keeps: what is text there is missing in sums."""
    return Context(prec=DIGITS).plus(value) if isinstance(value, Decimal) else value


def _format(name: str) -> str:
    return next((shown for pattern, shown in _FORMATS.items() if re.search(pattern, name)), "")


def _on_one_line(text: str) -> str:
    """What ends a line, is not seen or turns the digits after it round, as its escape."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _shown(value: Cell) -> str:
    if value is None:
        return "missing"
    if isinstance(value, Decimal):
        return f"{rounded(value, 2):,f}"
    return str(value)
