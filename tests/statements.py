"""Statements of the exchange for tests: rows and files in both public formats."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

HEADER = "id,price,quantity,direction,delivery_day,delivery_hour,trader_id,execution_time"
LINE = {
    "id": "x",
    "price": "20.64",
    "quantity": "1.2",
    "direction": "sell",
    "delivery_day": "2026-03-02",
    "delivery_hour": "15",
    "trader_id": "flex_trader_4",
    "execution_time": "2026-03-02T10:13:43Z",
}
"""The trade of `tests.messages.DEAL` as a statement has it."""

DAY = date(2026, 3, 2)


def line(**changes: Any) -> str:
    """One line, with some columns changed."""
    return ",".join(str(value) for value in (LINE | changes).values())


def text(lines: Iterable[str], header: str = HEADER) -> str:
    """A whole statement."""
    return "".join(f"{row}\n" for row in (header, *lines))


def write_statement(folder: Path, lines: Iterable[str], day: date = DAY, name: str = "epex_trades") -> Path:
    """A file as the exchange names it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}_{day:%Y%m%d}.csv"
    path.write_text(text(lines), encoding="utf-8")
    return path
