"""Rows as files: which of their texts come from outside, and what a file is called."""

from datetime import UTC, date, datetime

from include.dashboard.tables import file_name, table

DAY = date(2026, 3, 1)


def csv_line(row: dict[str, object], decimal: str = "point") -> tuple[str, str]:
    body, _ = table("csv", decimal, "x", list(row), [row]).at(datetime.now(UTC))
    header, line, _ = body.decode("utf-8-sig").split("\r\n")
    return header, line


def test_what_comes_from_outside_is_made_harmless_and_numbers_stay_numbers() -> None:
    row = {
        "trade_id": "0012",
        "trader_id": " =1+1",
        "direction": "sell",
        "pnl_eur": "-3.20",
        "is_complete": True,
    }
    assert csv_line(row)[1] == "'0012,' =1+1,sell,-3.20,TRUE"
    assert csv_line(row, "comma")[1] == "'0012;' =1+1;sell;-3,20;TRUE"


def test_a_delivery_hour_is_no_date() -> None:
    row = {"delivery_day": DAY, "delivery_hour": "03-04"}
    assert csv_line(row) == ("delivery_day,delivery_period", "2026-03-01,2026-03-01 03-04")


def test_a_file_name_is_only_a_name() -> None:
    assert file_name("trades", DAY, DAY, None) == "trades-2026-03-01"
    name = file_name("pnl", DAY, date(2026, 3, 2), '../"\r\nx', datetime(2026, 3, 3, 12, tzinfo=UTC))
    assert name == "pnl-2026-03-01-2026-03-02-.._x-as_of_20260303T120000Z"
