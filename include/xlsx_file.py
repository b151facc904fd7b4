"""Spreadsheets with every digit, whatever text they contain."""

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from include.csv_file import Cell

DIGITS = 15
"""Significant digits that a number in a spreadsheet keeps."""

_NO_XML = re.compile("[\ufffe\uffff]")
"""Openpyxl takes these characters, and no program opens the file then."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of a workbook.

    Attributes:
        name: On its tab.
        header: Names of the columns.
        rows: Cells; a moment must be UTC, None is empty.
        formats: How the numbers of each column are shown; empty: with all their digits.
        width: Of each column, in characters.
    """

    name: str
    header: Sequence[str]
    rows: Iterable[Iterable[Cell]]
    formats: Sequence[str] = ()
    width: int = 18


def spreadsheet_value(value: Cell) -> Any:
    """A cell for openpyxl: a number is the same as text if a spreadsheet would drop digits of it."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if not isinstance(value, Decimal):
        return value
    number = float(value)
    return number if Decimal(f"{number:.{DIGITS}g}") == value else f"{value:f}"


def to_xlsx(header: Sequence[str], rows: Iterable[Iterable[Cell]]) -> bytes:
    """The table as a workbook of one sheet; a text stays a text, whatever it looks like.

    Args:
        header: Names of the columns.
        rows: Cells; a moment must be UTC, None is empty.
    """
    return to_workbook([Sheet("Table", header, rows)])


def to_workbook(sheets: Iterable[Sheet]) -> bytes:
    """The tables as a workbook, a sheet each; a text stays a text, whatever it looks like."""
    from openpyxl import Workbook  # takes half a second, and few ask for it

    book = Workbook(write_only=True)
    for sheet in sheets:
        _add(book, sheet)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _add(book: Any, table: Sheet) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter
    from openpyxl.utils.exceptions import IllegalCharacterError

    sheet = book.create_sheet(table.name)
    sheet.freeze_panes = "A2"
    for number in range(1, len(table.header) + 1):
        sheet.column_dimensions[get_column_letter(number)].width = table.width

    def cell(value: Cell, number_format: str = "") -> Any:
        made = WriteOnlyCell(sheet)
        try:
            if isinstance(value, str) and _NO_XML.search(value):
                raise IllegalCharacterError
            made.value = spreadsheet_value(value)
        except IllegalCharacterError:
            made.value = ascii(value)
        if isinstance(value, str):
            made.data_type = "s"  # never a formula
        elif number_format and isinstance(value, Decimal):
            made.number_format = number_format
        return made

    head = [cell(name) for name in table.header]
    for each in head:
        each.font = Font(bold=True)
    sheet.append(head)
    formats = table.formats or [""] * len(table.header)
    for row in table.rows:
        sheet.append([cell(value, shown) for value, shown in zip(row, formats, strict=True)])
