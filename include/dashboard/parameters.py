"""Parameters of requests: what several of them take, and what is wrong with one, in a sentence."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Depends, Query

from include.dashboard.language import Sentence, joined, say
from include.domain.delivery_period import Market, parse_delivery_day
from include.domain.rejection import RejectedMessageError

EVERY_TRADER = "*"
MAX_TRADES = 10_000

From = Annotated[str, Query(alias="from", description="First delivery day, `YYYY-MM-DD`; empty: the last")]
To = Annotated[str, Query(description="Last delivery day, included; empty: the first, or today")]
Format = Annotated[str, Query(description="`json` (the default), `csv` or `xlsx`")]
DecimalSign = Annotated[
    str,
    Query(
        description="Of a CSV: `point` (the default; RFC 4180) or `comma`, then with semicolons between cells"
    ),
]


class BadParameterError(Exception):
    """A parameter is not what it has to be; the sentence says which and what is expected."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def day(name: str, text: str) -> date | None:
    """A day of the years 2000 to 2099; None for an empty text.

    Raises:
        BadParameterError: It is none.
    """
    if not text:
        return None
    try:
        return parse_delivery_day(text)
    except RejectedMessageError:
        raise BadParameterError(
            say("{name} must be a day like 2026-03-01, not {given}.", name=name, given=_shown(text))
        ) from None


@dataclass(frozen=True, slots=True)
class Days:
    """Which days."""

    from_: From = ""
    to: To = ""

    def between(self, today: date, most: int) -> tuple[date, date]:
        """First and last day, both included; without `from` the last, without both today.

        Raises:
            BadParameterError: One is no day, they are in the wrong order, or they are too many.
        """
        last = day("to", self.to) or day("from", self.from_) or today
        first = day("from", self.from_) or last
        if first > last:
            raise BadParameterError(
                say("from ({first}) must not be after to ({last}).", first=first, last=last)
            )
        if (last - first).days >= most:
            raise BadParameterError(
                say("from and to may span {most} days at most; ask for fewer at a time.", most=most)
            )
        return first, last


AnyDays = Annotated[Days, Depends()]


@dataclass(frozen=True, slots=True)
class Form:
    """In which form."""

    format: Format = ""
    decimal: DecimalSign = ""


AnyForm = Annotated[Form, Depends()]


def trader(text: str) -> str | None:
    """A trader's name as the exchange gives it; None for an empty text.

    Raises:
        BadParameterError: It cannot be one.
    """
    if len(text) > 200 or "\0" in text:
        raise BadParameterError(say("trader must be a name of at most 200 characters."))
    return text or None


def hour(text: str, delivery_day: date, market: Market) -> str | None:
    """The canonical label of a delivery period of that day; None for an empty text.

    Raises:
        BadParameterError: That day has no such period.
    """
    if not text:
        return None
    try:
        return market.period(delivery_day, text).delivery_hour
    except RejectedMessageError:
        raise BadParameterError(
            say(
                "hour must be a delivery period of {day} like 15-16, not {given}.",
                day=delivery_day,
                given=_shown(text),
            )
        ) from None


def moment(name: str, text: str, now: datetime) -> datetime | None:
    """A moment of the past in UTC; None for an empty text.

    Raises:
        BadParameterError: It is none, has no zone, or is yet to come.
    """
    if not text:
        return None
    # a plus sign that was not escaped arrives as a blank
    plain = re.sub(r"(:\d\d(?:\.\d+)?) (\d\d:?\d\d)$", r"\1+\2", text)
    try:
        at = datetime.fromisoformat(plain)
        if at.tzinfo is None:
            raise ValueError
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadParameterError(
            say(
                "{name} must be a moment with its zone like 2026-03-01T12:00:00Z, not {given}.",
                name=name,
                given=_shown(text),
            )
        ) from None
    if at.year < 2000:
        raise BadParameterError(say("{name} must be a moment of the years 2000 to 2099.", name=name))
    if at > now:
        raise BadParameterError(
            say("{name} ({moment}) is yet to come: ask for a moment of the past.", name=name, moment=plain)
        )
    return at


def choice(name: str, text: str, choices: tuple[str, ...]) -> str:
    """One of the choices; the first for an empty text.

    Raises:
        BadParameterError: It is none of them.
    """
    if not text:
        return choices[0]
    if text not in choices:
        raise BadParameterError(
            say(
                "{name} must be {choices}, not {given}.", name=name, choices=either(choices), given=_shown(text)
            )
        )
    return text


def whole_number(text: str, most: int) -> int | None:
    """A whole number from 1 to `most`; None for any other text."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    return int(text) if is_number and 1 <= int(text) <= most else None


def limit(text: str) -> int:
    """How many trades; 200 for an empty text.

    Raises:
        BadParameterError: It is no number from 1 to MAX_TRADES.
    """
    if (number := whole_number(text or "200", MAX_TRADES)) is None:
        raise BadParameterError(
            say(
                "limit must be a whole number from 1 to {most}, not {given}.",
                most=MAX_TRADES,
                given=_shown(text),
            )
        )
    return number


def today(market: Market, now: datetime) -> date:
    """The day in market time."""
    return now.astimezone(market.timezone).date()


def either(choices: Sequence[str]) -> str:
    """`json or csv or xlsx`."""
    return joined(choices, " or ")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
