"""CSV: what a spreadsheet makes of it."""

import csv
import io
from datetime import UTC, date, datetime

import pytest

from include.dashboard.tables import file_name, neutral, to_csv


@pytest.mark.parametrize("text", ["=1+1", "+49", "-x", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_text_is_no_formula(text: str) -> None:
    assert neutral(text) == "'" + text


@pytest.mark.parametrize("text", ["anna", "", "a=b", "1"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert neutral(text) == text


def test_numbers_stay_numbers_and_words_are_made_harmless() -> None:
    row = {"trader_id": "-3.2", "pnl_eur": "-3.2", "trade_count": -1, "is_complete": True}
    assert to_csv(list(row), [row]).splitlines()[1] == "'-3.2,-3.2,-1,TRUE"


def test_what_is_undefined_is_empty() -> None:
    assert to_csv(["trader_id", "pnl_eur"], [{"trader_id": None, "pnl_eur": None}]).splitlines()[1] == ","


def test_quotes_separators_and_line_ends_come_back_as_they_were() -> None:
    nasty = 'a "b", c\r\nd;e'
    for decimal, delimiter in (("point", ","), ("comma", ";")):
        text = to_csv(["trader_id"], [{"trader_id": nasty}], decimal)
        assert list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) == [["trader_id"], [nasty]]


def test_a_delivery_hour_is_no_date() -> None:
    row = {
        "delivery_day": date(2026, 3, 1),
        "delivery_hour": "03-04",
        "built_at": datetime(2026, 3, 1, 9, tzinfo=UTC),
    }
    text = to_csv(["delivery_day", "delivery_hour", "built_at"], [row])
    assert text.splitlines() == [
        "delivery_day,delivery_period,built_at",
        "2026-03-01,2026-03-01 03-04,2026-03-01 09:00:00",
    ]


def test_a_comma_is_only_that_of_numbers() -> None:
    row = {"trader_id": "a.b", "pnl_eur": "1234.50"}
    assert to_csv(list(row), [row], "comma").splitlines()[1] == "a.b;1234,50"


def test_a_file_name_is_only_a_name() -> None:
    day = date(2026, 3, 1)
    assert file_name("trades", day, day, None) == "trades-2026-03-01"
    name = file_name("pnl", day, date(2026, 3, 2), '../"\r\nx', datetime(2026, 3, 3, 12, tzinfo=UTC))
    assert name == "pnl-2026-03-01-2026-03-02-.._x-as_of_20260303T120000Z"
