"""Spreadsheets that open, whatever text they hold."""

import io

import openpyxl
import pytest

from include.xlsx_file import Sheet, to_workbook


@pytest.mark.parametrize("text", ["a\ufffeb", "a\uffffb", "a\x01b"])
def test_a_character_that_no_spreadsheet_may_hold_is_escaped(text: str) -> None:
    content = to_workbook([Sheet("Table", ["name"], [[text]])])
    sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=True).worksheets[0]
    assert [*sheet.iter_rows(values_only=True)] == [("name",), (ascii(text),)]
