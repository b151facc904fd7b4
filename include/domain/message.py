"""How the JSON of both sources is read: strictly, with exact numbers, storable texts and real times."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn

from include.domain.delivery_period import FIRST_DAY, LAST_DAY
from include.domain.rejection import Reason, RejectedMessageError, quoted

MOST_CHARACTERS = 200
"""Longest id or trader that is stored."""

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)", re.ASCII)
_NUMBER_DIGITS, _NUMBER_DECIMALS = 9, 10
_MOST_DIGITS = 28  # what the default decimal context normalizes without rounding


def decode_json(text: str) -> Any:
    """The JSON value, numbers as Decimal, so that none is ever rounded.

    Raises:
        RejectedMessageError: No strict JSON (NaN and Infinity are none), a key twice in one object,
            or nested deeper than any message of ours.
    """
    try:
        return json.loads(
            text,
            parse_float=Decimal,
            parse_int=_integer,
            parse_constant=_no_constant,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise RejectedMessageError(Reason.INVALID_JSON, "nested too deeply") from None
    except ArithmeticError:
        raise RejectedMessageError(
            Reason.INVALID_JSON, f"a number is too large to read: {quoted(text)}"
        ) from None
    except ValueError as error:
        raise RejectedMessageError(Reason.INVALID_JSON, f"{error}: {quoted(text)}") from None


def require(body: Mapping[str, Any], field: str) -> Any:
    """The field's value, which may be null.

    Raises:
        RejectedMessageError: The field is missing.
    """
    if field not in body:
        raise RejectedMessageError(Reason.MISSING_FIELD, f"there is no {field}")
    return body[field]


def storable_text(value: object, field: str, reason: Reason) -> str:
    """A text of 1 to 200 characters that PostgreSQL can store.

    Raises:
        RejectedMessageError: It is none, with the given reason.
    """
    if isinstance(value, str) and 0 < len(value) <= MOST_CHARACTERS and "\x00" not in value:
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            pass  # a lone surrogate: JSON can spell it, no encoding can store it
        else:
            return value
    raise RejectedMessageError(reason, f"{field} is {quoted(value)}")


def storable_number(value: object, field: str, reason: Reason) -> Decimal:
    """A finite number of at most 9 digits before the point and 10 after it, exactly as it was written.

    Raises:
        RejectedMessageError: It is none, with the given reason.
    """
    if isinstance(value, Decimal) and value.is_finite():
        if value.is_zero():
            return Decimal(0)
        # adjusted() is the exponent of the first digit. Arithmetic is only for what is near: normalize()
        # overflows on 1e9999999 and makes a zero of 1e-9999999.
        is_near = -_NUMBER_DECIMALS <= value.adjusted() < _NUMBER_DIGITS
        if is_near and len(value.as_tuple().digits) <= _MOST_DIGITS:
            exact = value.normalize()
            exponent = exact.as_tuple().exponent
            if isinstance(exponent, int) and exponent >= -_NUMBER_DECIMALS:
                return exact
    raise RejectedMessageError(reason, f"{field} is {quoted_number(value)}")


def quoted_number(value: object) -> str:
    """A number as it was written, everything else as `quoted` shows it."""
    return quoted(str(value)).strip("'") if isinstance(value, Decimal) else quoted(value)


def zoned_time(value: object, field: str, reason: Reason) -> datetime:
    """The instant, in UTC, of a text in ISO 8601 with a zone.

    Raises:
        RejectedMessageError: It is none, or not of the years 2000 to 2099.
    """
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            at = datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        else:
            if FIRST_DAY <= at.date() <= LAST_DAY:
                return at
    raise RejectedMessageError(reason, f"{field} is {quoted(value)}")


def _integer(text: str) -> Decimal:
    return Decimal(text)


def _no_constant(text: str) -> NoReturn:
    raise RejectedMessageError(Reason.INVALID_JSON, f"{text} is no JSON number")


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise RejectedMessageError(Reason.INVALID_JSON, f"the key {quoted(key)} comes twice")
        result[key] = value
    return result
