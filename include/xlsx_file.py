"""Spreadsheets with every digit, whatever text they contain."""

import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from include.csv_file import Cell

DIGITS = 15
"""Significant digits that a number in a spreadsheet keeps."""

_WIDTH = 18


def spreadsheet_number(value: Decimal) -> float | str:
    """The number, or the same as text if a spreadsheet would drop digits of it."""
    number = float(value)
    return number if Decimal(f"{number:.{DIGITS}g}") == value else f"{value:f}"


def to_xlsx(header: Sequence[str], rows: Iterable[Iterable[Cell]]) -> bytes:
    """The table as a workbook of one sheet; a text stays a text, whatever it looks like.

    Args:
        header: Names of the columns.
        rows: Cells; a moment must be UTC, None is empty.
    """
    from openpyxl import Workbook  # takes half a second, and few ask for it
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter
    from openpyxl.utils.exceptions import IllegalCharacterError

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Table")
    sheet.freeze_panes = "A2"
    for number in range(1, len(header) + 1):
        sheet.column_dimensions[get_column_letter(number)].width = _WIDTH

    def cell(value: Cell) -> Any:
        made = WriteOnlyCell(sheet)
        try:
            made.value = _value(value)
        except IllegalCharacterError:
            made.value = ascii(value)
        if isinstance(value, str):
            made.data_type = "s"  # never a formula
        return made

    head = [cell(name) for name in header]
    for each in head:
        each.font = Font(bold=True)
    sheet.append(head)
    for row in rows:
        sheet.append([cell(value) for value in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _value(value: Cell) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return spreadsheet_number(value) if isinstance(value, Decimal) else value
