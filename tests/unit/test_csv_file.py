"""CSV: what a spreadsheet makes of it."""

import csv
import io
import time
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from include.csv_file import BYTE_ORDER_MARK, Cell, Label, neutral, to_csv

SIGNS = (
    "=+-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)
MORE_SIGNS = (
    "\N{SMALL EQUALS SIGN}\N{SMALL PLUS SIGN}\N{SMALL HYPHEN-MINUS}\N{SMALL COMMERCIAL AT}\N{MINUS SIGN}"
)
BEFORE = ("", " ", "   ", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u202e", "\x00", "\x1b", "\v", " \t\u2060")


def lines(text: str) -> list[str]:
    assert text.startswith(BYTE_ORDER_MARK)
    return text.removeprefix(BYTE_ORDER_MARK).split("\r\n")


def line_of(*cells: Cell, decimal: str = "point") -> str:
    return lines(to_csv([str(number) for number in range(len(cells))], [cells], decimal))[1]


@pytest.mark.parametrize("before", BEFORE, ids=ascii)
@pytest.mark.parametrize("sign", SIGNS + MORE_SIGNS)
def test_a_text_is_no_formula(before: str, sign: str) -> None:
    assert neutral(f"{before}{sign}SUM(A1)") == f"'{before}{sign}SUM(A1)"


@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx", "\t", "\t=1"])
def test_a_text_does_not_begin_with_another_cell_or_line(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    [
        *("123456789012", "12345678901234567890", "007", "00", "1234e567", "12E45678", "1.5", "1,5", "12:30"),
        *("3-4", "1/2", "2026-03-01", "MAR-1", "1 mar", "Sept2", "1-Dec-26", "5%", " 7", "7 "),
        *("MAY5", "OKT5", "5. Okt", "DEZ24", "1MAI26", "12.Mär", "3 Ma\u0308rz 2026", "Jänner 1"),
        *("31.Dezember", "Mar 5, 2026", "5/Okt/24", "Juni/1", "mrz26", "1 Juli", "2-februar"),
        *("(12)", "( 1,5 )", "$5", "5 €", "€5", "5€", "£ 1.20", "($5)", "$(5)", "¥7", "5 EUR", "eur5"),
        *("1.000,50 €", "\N{FULLWIDTH DOLLAR SIGN}5", "5 \N{RUPEE SIGN}", "5 PM", "1:30 am", "11 p"),
        "\N{FULLWIDTH DIGIT ONE}\N{FULLWIDTH DIGIT TWO}",
    ],
)
def test_a_text_is_no_number_and_no_date(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    [
        *("anna", "", " ", "a=b", "1", "0", "42", "12345678901", "flex_trader_1", "9f3e5a", "12a", "market 7"),
        *("'x", "Mai", "OKT", "()", "(anna)", "€", "EUR", "desk (2)", "anna$5", "oktav 5", "Marius 5"),
        *("5 euros", "3 amp"),
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert neutral(text) == text


@pytest.mark.parametrize("part", ["1", "1 ", "(1", "$", " ", "e1", "jan 1"])
def test_a_long_text_takes_no_time(part: str) -> None:
    began = time.monotonic()
    for text in (part * 20_000, f"jan {part * 20_000}x", f"{part * 20_000}x"):
        neutral(text)
    assert time.monotonic() - began < 1


def test_numbers_stay_numbers_and_words_are_made_harmless() -> None:
    assert (
        line_of("-3.2", Decimal("-3.2"), -1, True, Label("-x"), 10**15)
        == "'-3.2,-3.2,-1,TRUE,-x,1000000000000000"
    )


def test_a_number_has_every_digit_and_no_exponent() -> None:
    assert line_of(Decimal("1E+3"), Decimal("0E-12"), Decimal("1234.50")) == "1000,0.000000000000,1234.50"


def test_what_is_undefined_is_empty() -> None:
    assert line_of(None, None) == ","


@pytest.mark.parametrize(("decimal", "delimiter"), [("point", ","), ("comma", ";")])
def test_quotes_separators_and_line_ends_come_back_as_they_were(decimal: str, delimiter: str) -> None:
    nasty = 'a "b", c\r\nd;e'
    text = to_csv(["trader_id"], [[nasty]], decimal).removeprefix(BYTE_ORDER_MARK)
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) == [["trader_id"], [nasty]]


def test_a_moment_is_one_that_a_spreadsheet_reads() -> None:
    assert line_of(date(2026, 3, 1), datetime(2026, 3, 1, 9, tzinfo=UTC)) == "2026-03-01,2026-03-01 09:00:00"


def test_a_comma_is_only_that_of_numbers() -> None:
    assert line_of("a.b", Label("c.d"), Decimal("1234.50"), decimal="comma") == "a.b;c.d;1234,50"
