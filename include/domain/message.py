"""Strict parsing of the JSON of both sources: exact numbers, storable texts, times in UTC."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NoReturn

from include.domain.delivery_period import FIRST_DAY, LAST_DAY
from include.domain.rejection import Reason, RejectedMessageError, quoted

MAX_CHARACTERS = 200
"""Longest trade id or trader id that is stored."""

MAX_MESSAGE_CHARACTERS = 1_000_000
"""Messages of both sources have a few hundred; parsing a far longer one could take gigabytes of memory."""

MAX_DEPTH = 100
"""Deepest nesting of objects and arrays. Valid messages have two levels; the interpreter's own limit is about a
thousand and depends on the caller."""

_TOO_DEEP = "nested too deeply"
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)", re.ASCII)
_PLAIN_DECIMAL = re.compile(r"-?\d{1,100}(\.\d{1,100})?", re.ASCII)
# One format only: Python parses several that PostgreSQL rejects or reads as another time.
_utc_text = re.compile(
    r"20(?:0[1-9]|[1-8][0-9]|9[0-8])-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{6})?\+00:00"
).fullmatch
_NUMBER_DIGITS, _NUMBER_DECIMALS = 9, 10
_LAST_DECIMAL = Decimal("1e-10")


def decode_json(text: str) -> Any:
    """Parses JSON with numbers as Decimal, so that none is rounded.

    Raises:
        RejectedMessageError: It is not strict JSON (NaN and Infinity are not), has a key twice in one object,
            is nested deeper than MAX_DEPTH, or longer than MAX_MESSAGE_CHARACTERS.
    """
    if len(text) > MAX_MESSAGE_CHARACTERS:
        raise RejectedMessageError(Reason.UNREADABLE, f"the message has {len(text):,} characters")
    try:
        value = json.loads(
            text.removeprefix("\ufeff"),  # a byte order mark
            parse_float=Decimal,
            parse_int=Decimal,
            parse_constant=_no_constant,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise RejectedMessageError(Reason.INVALID_JSON, _TOO_DEEP) from None
    except ArithmeticError:
        raise RejectedMessageError(
            Reason.INVALID_JSON, f"a number is too large to read: {quoted(text)}"
        ) from None
    except ValueError as error:
        raise RejectedMessageError(Reason.INVALID_JSON, f"{error}: {quoted(text)}") from None
    if _is_deeper(value, MAX_DEPTH):
        raise RejectedMessageError(Reason.INVALID_JSON, _TOO_DEEP)
    return value


def require(body: Mapping[str, Any], field: str) -> Any:
    """The value of a field, which may be null.

    Raises:
        RejectedMessageError: The field is missing.
    """
    if field not in body:
        raise RejectedMessageError(Reason.MISSING_FIELD, f"there is no {field}")
    return body[field]


def identifier(value: object, field: str, reason: Reason) -> str:
    """An id or a name: a text of 1 to 200 characters that PostgreSQL can store, without blanks around it.

    A whole number is an id, too: its digits.

    Raises:
        RejectedMessageError: It is neither, with the given reason.
    """
    if isinstance(value, Decimal) and value.as_tuple().exponent == 0 and not value.is_signed():
        value = str(value)
    if isinstance(value, str) and 0 < len(text := value.strip()) <= MAX_CHARACTERS and "\x00" not in text:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            pass  # a lone surrogate: valid in JSON, but it cannot be encoded
        else:
            return text
    raise RejectedMessageError(reason, f"{field} is {quoted(value)}")


def storable_number(value: object, field: str, reason: Reason) -> Decimal:
    """A finite number of at most 9 digits before the decimal point, or such a number as a text.

    More than 10 decimals, as of a sum of binary fractions (27.740000000000002), are rounded half up.

    Raises:
        RejectedMessageError: It is none, or too small to be told from zero, with the given reason.
    """
    given = value
    if isinstance(value, str) and _PLAIN_DECIMAL.fullmatch(value):
        value = Decimal(value)
    if isinstance(value, Decimal) and value.is_finite():
        if value.is_zero():
            return Decimal(0)
        # adjusted(): exponent of the first digit. quantize() fails for 1e9999999 and makes 1e-9999999 zero
        if -_NUMBER_DECIMALS <= value.adjusted() < _NUMBER_DIGITS:
            return value.quantize(_LAST_DECIMAL, ROUND_HALF_UP).normalize()
    raise RejectedMessageError(reason, f"{field} is {quoted_number(given)}")


def quoted_number(value: object) -> str:
    """A number as it was written; anything else as by `quoted`."""
    return quoted(str(value)).strip("'") if isinstance(value, Decimal) else quoted(value)


def parse_time(value: object) -> datetime | None:
    """An ISO 8601 time with a UTC offset, in UTC, cut to microseconds; None if the value is no such text.

    Seconds and their fraction may be missing. Years are 2000 to 2099.
    """
    if isinstance(value, str) and _TIME.fullmatch(text := value.strip()):
        try:
            at = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            return None
        return at if FIRST_DAY <= at.date() <= LAST_DAY else None
    return None


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether objects and arrays are nested deeper than `levels`."""
    nodes = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        children = (node.values() if isinstance(node, dict) else node for node in nodes)
        nodes = [child for nested in children for child in nested if isinstance(child, dict | list)]
    return bool(nodes)


def is_utc_text(text: str, length: int) -> bool:
    """Whether a text is a UTC time of the years 2001 to 2098 that PostgreSQL and Python read alike.

    Args:
        text: Any text.
        length: 25 for `YYYY-MM-DDTHH:MM:SS+00:00`, 32 with microseconds.
    """
    if len(text) != length or not _utc_text(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _no_constant(text: str) -> NoReturn:
    raise RejectedMessageError(Reason.INVALID_JSON, f"{text} is no JSON number")


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise RejectedMessageError(Reason.INVALID_JSON, f"the key {quoted(key)} comes twice")
        result[key] = value
    return result
