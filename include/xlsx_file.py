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
        width: Of a column at least, in characters.
        total: A last row of totals; empty: none.
    """

    name: str
    header: Sequence[str]
    rows: Iterable[Iterable[Cell]]
    formats: Sequence[str] = ()
    width: int = 18
    total: Sequence[Cell] = ()


def _spreadsheet_value(value: Cell) -> Any:
    """A cell for openpyxl: a number is the same as text if a spreadsheet would drop digits of it."""
    if value == "":
        return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if not isinstance(value, Decimal):
        return value
    number = float(value)
    return number if Decimal(f"{number:.{DIGITS}g}") == value else f"{value:f}"


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
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.utils.exceptions import IllegalCharacterError

    sheet = book.create_sheet(table.name)
    sheet.freeze_panes = "B2"
    for number, name in enumerate(table.header, 1):
        sheet.column_dimensions[get_column_letter(number)].width = max(len(name) + 2, table.width)

    def cell(value: Cell, number_format: str = "") -> Any:
        made = WriteOnlyCell(sheet)
        try:
            if isinstance(value, str) and _NO_XML.search(value):
                raise IllegalCharacterError
            made.value = _spreadsheet_value(value)
        except IllegalCharacterError:
            made.value = ascii(value)
        if isinstance(value, str):
            made.data_type = "s" if value else "n"  # never a formula
        elif number_format:
            made.alignment = right  # also of a number that is written as text
            if isinstance(value, Decimal):
                made.number_format = number_format
        return made

    def append(row: Iterable[Cell], is_bold: bool = False) -> None:
        cells = [cell(value, shown) for value, shown in zip(row, formats, strict=True)]
        for each in cells if is_bold else ():
            each.font = Font(bold=True)
        sheet.append(cells)

    right = Alignment(horizontal="right")
    formats = table.formats or [""] * len(table.header)
    append(table.header, is_bold=True)
    for row in table.rows:
        append(row)
    if table.total:
        append(table.total, is_bold=True)
