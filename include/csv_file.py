"""CSV files that open correctly and safely in a spreadsheet, whatever text they contain."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

DECIMALS = ("point", "comma")

BYTE_ORDER_MARK = "\ufeff"
"""Spreadsheets need it to read a file as UTF-8."""

_FORMULA_SIGNS = "=+-@\N{MINUS SIGN}"
_LINE_STARTS = "\t\r\n"

_MONTH = (
    "(jan(uary?)?|jän(ner)?|feb(ruary?)?|mar(ch)?|märz?|mrz|apr(il)?|may|mai|jun[ei]?|jul[iy]?|aug(ust)?|"
    "sept?(ember)?|o[ck]t(ober)?|nov(ember)?|de[cz](ember)?)"
)
"""In English and German."""
_CURRENCY_CODE = "(eur|usd|gbp|chf)?"
_IN_NUMBER = r"[\d\s.,:/'%()$+-]"
_IN_DATE = r"[\s.,/-]*+"
_NUMBER_OR_DATE = re.compile(
    rf"{_CURRENCY_CODE}(?=\D*\d){_IN_NUMBER}++(e[+-]?\d{_IN_NUMBER}*+|[ap]m|(?<=\s)[ap])?{_CURRENCY_CODE}|"
    rf"{_MONTH}{_IN_DATE}\d++({_IN_DATE}\d++)?|\d++{_IN_DATE}{_MONTH}({_IN_DATE}\d++)?",
    re.IGNORECASE,
)
"""Of a text whose currency signs are all dollars; possessive, so that the time grows only with the length."""
_SHORT_NUMBER = re.compile(r"0|[1-9][0-9]{0,10}")
"""Spreadsheets show these unchanged; longer numbers as 1.2E+11, and from 16 digits on they lose digits."""


class Label(str):
    """A text of our own, written unchanged; any other `str` may come from outside."""

    __slots__ = ()


Cell = str | bool | int | Decimal | date | datetime | None


def to_csv(header: Sequence[str], rows: Iterable[Iterable[Cell]], decimal: str = "point") -> str:
    """The table as CSV (RFC 4180) with a byte order mark.

    Args:
        header: Names of the columns.
        rows: Cells; a moment must be UTC, None is empty.
        decimal: One of DECIMALS: `point` with commas between the cells, or `comma` with semicolons, as
            spreadsheets expect it in countries that write 1,5.
    """
    text = io.StringIO()
    text.write(BYTE_ORDER_MARK)
    writer = csv.writer(text, delimiter="," if decimal == "point" else ";", lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_written(cell, decimal) for cell in row])
    return text.getvalue()


def neutral(text: str) -> str:
    """The text, prefixed with an apostrophe if a spreadsheet would take it for a formula, a number or a date.

    A formula may start after blanks or invisible characters or have full-width signs. Of a number, also
    in brackets or an amount of money, or a date in English or German a spreadsheet would drop digits or zeros.
    """
    return f"'{text}" if _is_formula(text) or _is_number_or_date(text) else text


def _is_formula(text: str) -> bool:
    if text[:1] and text[0] in _LINE_STARTS:
        return True
    for character in text:
        if not character.isspace() and unicodedata.category(character)[0] not in "CMZ":
            return unicodedata.normalize("NFKC", character)[0] in _FORMULA_SIGNS
    return False


def _is_number_or_date(text: str) -> bool:
    in_dollars = ("$" if unicodedata.category(each) == "Sc" else each for each in text)
    plain = unicodedata.normalize("NFKC", "".join(in_dollars))
    return _NUMBER_OR_DATE.fullmatch(plain.strip()) is not None and _SHORT_NUMBER.fullmatch(text) is None


def _written(cell: Cell, decimal: str) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "TRUE" if cell else "FALSE"
        case datetime():
            return cell.replace(tzinfo=None).isoformat(" ")
        case Decimal():
            return f"{cell:f}" if decimal == "point" else f"{cell:f}".replace(".", ",")
        case Label():
            return cell
        case str():
            return neutral(cell)
        case _:
            return str(cell)
