"""Golden cases: a folder `<schema>/<table>/<case>` holds inputs and the rows that have to come out.

A column of the expected rows may be an expression in brackets. Inputs marked `late` in their column `arrives`
come after a first build of all others.
"""

import csv
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from include.jobs import build_pnl
from include.settings import Settings
from tests.factories import Database

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/*/*/expected.csv"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.relative_to(HERE).as_posix())
def test_golden(case: Path, settings: Settings, database: Database) -> None:
    batches = {state: database.batch("trades", state, state) for state in ("accepted", "loaded")}
    prices = database.batch("reference_prices", name="prices")
    for arrives in ("", "late"):
        for row in arriving(arrives, case / "trades.csv"):
            state = row.get("batch") or "accepted"
            trade_id = database.trade(
                batches["accepted" if state == "quarantined" else state],
                date.fromisoformat(row["delivery_day"]),
                row["delivery_hour"],
                row["trader_id"],
                row["direction"],
                Decimal(row["quantity_mw"]),
                Decimal(row["price_eur_per_mwh"]),
            )
            if state == "quarantined":
                database.quarantine(trade_id)
        for row in arriving(arrives, case / "reference_prices.csv"):
            database.price(
                prices,
                date.fromisoformat(row["delivery_day"]),
                row["delivery_hour"],
                Decimal(row["price_eur_per_mwh"]) if row["price_eur_per_mwh"] else None,
                datetime.fromisoformat(row["observed_at"]),
            )
        database.pending()
        build_pnl.run(settings)
    expected = read(case / "expected.csv")
    table = f"{case.parent.parent.name}.{case.parent.name}"
    columns = ", ".join(f"{name}::text" for name in expected[0])
    order = "delivery_start_at, delivery_hour, trader_id, built_at"
    rows = database.rows(f"SELECT {columns} FROM {table} ORDER BY {order}")
    assert [{k: plain(v) for k, v in zip(expected[0], row, strict=True)} for row in rows] == [
        {k: plain(v) for k, v in row.items()} for row in expected
    ]


def arriving(arrives: str, path: Path) -> list[dict[str, str]]:
    """The rows of an input that come at that time."""
    return [row for row in read(path) if (row.get("arrives") or "") == arrives]


def read(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file; none if there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def plain(value: str | None) -> str:
    """NULL as the empty field, and numbers without trailing zeros."""
    if not value:
        return ""
    try:
        return format(Decimal(value).normalize(), "f")
    except ArithmeticError:
        return value
