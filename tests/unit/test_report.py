"""The traders' table as text, CSV and spreadsheet: what is rounded, what is marked, what is never a zero."""

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from include import report
from include.csv_file import BYTE_ORDER_MARK
from include.report import IN_FILES, TITLES, Report, to_csv, to_text, to_xlsx


def line(**values: Any) -> dict[str, Any]:
    """A row of the table by the names of the warehouse."""
    numbers = {
        "buy_mwh": Decimal(0),
        "sell_mwh": Decimal("1.2"),
        "net_position_mwh": Decimal("-1.2"),
        "average_price_eur_per_mwh": Decimal("10.2"),
        "reference_price_eur_per_mwh": Decimal("9.8"),
        "performance_eur_per_mwh": Decimal("0.4"),
        "pnl_eur": Decimal("0.48"),
    }
    words = {
        "delivery_period": "2023-02-06 12-13",
        "trade_count": 1,
        "price_status": "final",
        "note": "",
        "market": "DE",
    }
    return words | numbers | values


def report_of(*lines: dict[str, Any]) -> Report:
    table = [{column.title: row[column.name] for column in IN_FILES} for row in lines]
    return Report(date(2023, 2, 6), None, table)


def rows_of(of: Report) -> list[str]:
    """The lines below the two lines of headings, one blank between words."""
    return [" ".join(text.split()) for text in to_text(of).plain.splitlines()[2:]]


TOTAL = line(delivery_period="total", reference_price_eur_per_mwh=None)


def test_the_headings_are_a_traders_words_with_units() -> None:
    first, second = to_text(report_of(line(), TOTAL)).plain.splitlines()[:2]
    for heading in (
        "delivery period",
        "trades",
        "bought",
        "our average price",
        "reference price",
        "how are we doing",
    ):
        assert heading in first
    assert second.split() == ["MWh", "MWh", "MWh", "EUR/MWh", "EUR/MWh", "EUR/MWh", "EUR"]


def test_the_rows_of_the_traders_table() -> None:
    loser = line(
        delivery_period="2023-02-06 13-14",
        average_price_eur_per_mwh=Decimal("5.7"),
        reference_price_eur_per_mwh=Decimal("8.9"),
        performance_eur_per_mwh=Decimal("-3.2"),
        pnl_eur=Decimal("-3.84"),
    )
    assert rows_of(report_of(line(), loser, TOTAL)) == [
        "2023-02-06 12-13 1 0.0 1.2 -1.2 10.20 9.80 final +0.40 0.48",
        "2023-02-06 13-14 1 0.0 1.2 -1.2 5.70 8.90 final -3.20 -3.84",
        "total 1 0.0 1.2 -1.2 10.20 final +0.40 0.48",
    ]


@pytest.mark.parametrize(
    ("exact", "shown"),
    [
        ("0.005", "+0.01"),
        ("-0.005", "-0.01"),
        ("0.0049", "0.00"),
        ("-0.0049", "0.00"),
        ("2.675", "+2.68"),
        ("1234.5", "+1234.50"),
        ("0", "0.00"),
    ],
)
def test_what_a_person_reads_is_rounded_half_up_and_has_no_negative_zero(exact: str, shown: str) -> None:
    text = to_text(report_of(line(performance_eur_per_mwh=Decimal(exact)), TOTAL)).plain
    assert f" {shown} " in text


def test_energy_shows_as_many_decimals_as_it_has_up_to_three() -> None:
    assert "0.025" in to_text(report_of(line(buy_mwh=Decimal("0.0250")), TOTAL)).plain
    assert "0.3000" not in to_text(report_of(line(buy_mwh=Decimal("0.3000")), TOTAL)).plain


def test_columns_stand_below_each_other() -> None:
    lines = to_text(report_of(line(trade_count=12345), line(note="! incomplete"), TOTAL)).plain.splitlines()
    ends = {text.index("final") for text in lines[2:]}
    assert len(ends) == 1
    assert not any(text.endswith(" ") for text in lines)


def test_no_price_says_missing_and_never_zero() -> None:
    unknown = line(
        reference_price_eur_per_mwh=None, price_status="missing", performance_eur_per_mwh=None, pnl_eur=None
    )
    text = to_text(report_of(unknown, unknown | {"delivery_period": "total"})).plain
    row, total = text.splitlines()[2:]
    assert row.split()[-4:] == ["missing"] * 4  # reference price, its status, how we are doing, PnL
    assert total.split()[-3:] == ["missing"] * 3
    assert "0.00" not in text


def test_good_is_green_bad_is_red_and_nothing_else_has_a_colour() -> None:
    text = to_text(report_of(line(), line(performance_eur_per_mwh=Decimal("-3.2"), pnl_eur=Decimal(-5)), TOTAL))
    coloured = [
        (text.plain[span.start : span.end].strip(), str(span.style)) for span in text.spans if span.style
    ]
    assert coloured == [("+0.40", "green"), ("-3.20", "red"), ("+0.40", "green")]


def test_csv_has_every_digit_and_no_exponent() -> None:
    of = report_of(
        line(
            average_price_eur_per_mwh=Decimal("10.333333333333"),
            pnl_eur=Decimal("0E-12"),
            note='say "no", twice',
        ),
        line(pnl_eur=None, buy_mwh=Decimal("1E+3")),
        TOTAL,
    )
    first, second, total = csv.DictReader(io.StringIO(to_csv(of).removeprefix(BYTE_ORDER_MARK)))
    assert list(first) == TITLES
    assert first["our average price EUR/MWh"] == "10.333333333333"
    assert first["PnL EUR"] == "0.000000000000"
    assert first["note"] == 'say "no", twice'
    assert (second["PnL EUR"], second["bought MWh"]) == ("", "1000")
    assert total["reference price EUR/MWh"] == ""


def test_a_spreadsheet_has_numbers_that_are_exact_and_text_where_they_could_not_be() -> None:
    long = Decimal("12345678.123456789012")
    content = to_xlsx(report_of(line(pnl_eur=long), line(pnl_eur=None), TOTAL))
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    titles, first, second, total = sheet.iter_rows()
    assert [cell.value for cell in titles] == TITLES
    cells = dict(zip(TITLES, first, strict=True))
    assert cells["our average price EUR/MWh"].value == 10.2
    assert cells["trades"].value == 1
    assert cells["how are we doing EUR/MWh"].number_format == "+0.00;-0.00;0.00"
    assert cells["PnL EUR"].value == str(long)
    assert {cells[title].alignment.horizontal for title in ("PnL EUR", "sold MWh", "trades")} == {"right"}
    for title in ("PnL EUR", "note"):
        nothing = second[TITLES.index(title)]
        assert (nothing.value, nothing.data_type) == (None, "n")  # blank, not a text of no characters
    assert total[0].value == "total"
    assert total[0].font.bold


@pytest.mark.parametrize(
    ("trader", "name"),
    [
        (None, "pnl-2023-02-06.xlsx"),
        ("flex_trader_4", "pnl-2023-02-06-flex_trader_4.xlsx"),
        ("../a b", "pnl-2023-02-06-.._a_b.xlsx"),
    ],
)
def test_a_file_is_named_after_day_and_trader(trader: str | None, name: str) -> None:
    assert Report(date(2023, 2, 6), trader, []).file_name == name


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ("0.2", "less than 1 s"),
        ("59.4", "59 s"),
        ("60", "1 min"),
        ("3599", "59 min"),
        ("3600", "1 h 00 min"),
        ("90000", "25 h 00 min"),
    ],
)
def test_a_gap_is_said_in_words(seconds: str, words: str) -> None:
    note = report._row_note({"capture_gap_seconds": Decimal(seconds), "has_unreviewed_messages": False})
    assert note == f"! incomplete: no connection for {words} while it was tradable"
