"""Statements: what the lines of an exchange's end-of-day file mean, the executable specification."""

import codecs
import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from include.domain.delivery_period import DeliveryPeriod, Market, parse_delivery_day
from include.domain.message import identifier, parse_time, storable_number
from include.domain.pnl import Direction
from include.domain.rejection import Reason, RejectedMessageError, quoted
from include.domain.statement_format import FORMATS, PERIOD_FIELDS, StatementFormat
from include.domain.trade import check_units, direction_of, megawatts

MAX_PREAMBLE_LINES = 20
"""The header is looked for in so many lines."""

MAX_LINE_CHARACTERS = 10_000

_DELIMITERS = ";,\t|"
_PLAIN_NUMBER = re.compile(r"[+-]?\d{1,40}(?:([.,])\d{1,40})?", re.ASCII)
_GROUPED_NUMBER = re.compile(r"[+-]?\d{1,3}(?:([., '\u00a0\u202f])\d{3})(?:\1\d{3})*([.,])\d{1,40}", re.ASCII)
_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?", re.ASCII)
_HOUR_NUMBER = re.compile(r"\d{1,2}", re.ASCII)
_TORN = "the last line has no line end: the file may be truncated"


class UnknownFormatError(Exception):
    """A file none of whose first lines names the columns of a known format."""


class WrongDayError(RejectedMessageError):
    """A line of a statement of another day.

    Attributes:
        day: The local day that it is about.
    """

    def __init__(self, day: date, detail: str) -> None:
        super().__init__(Reason.WRONG_STATEMENT_DAY, detail)
        self.day = day


@dataclass(frozen=True, slots=True)
class StatementTrade:
    """A line of a statement.

    Attributes:
        trade_id: As the exchange gives it; with `direction` it identifies the trade.
        trader_id: None: the statement does not say.
        price_eur_per_mwh: May be negative or zero.
        quantity_mw: Power, not energy.
        executed_at: UTC; None if missing or unreadable.
    """

    trade_id: str
    direction: Direction
    trader_id: str | None
    price_eur_per_mwh: Decimal
    quantity_mw: Decimal
    period: DeliveryPeriod
    executed_at: datetime | None

    @property
    def content(self) -> tuple[object, ...]:
        """What makes two lines equal."""
        return (
            self.trader_id,
            self.price_eur_per_mwh,
            self.quantity_mw,
            self.period.delivery_day,
            self.period.delivery_hour,
        )


@dataclass(slots=True)
class StatementParser:
    """Reads the lines of one statement, in order.

    The header may come after comments (`#`) and other lines. Columns that mean nothing to us are ignored.

    Attributes:
        market: The market of the statement.
        day: The local day on which its trades were executed, or deliver.
        formats: Those that it may have; the first whose columns the header has.
        is_by_delivery_day: Whether the day is that of delivery; None: as its format says, once that is known.
    """

    market: Market
    day: date
    formats: Sequence[StatementFormat] = FORMATS
    is_by_delivery_day: bool | None = None
    _format: StatementFormat | None = None
    _positions: dict[str, int] = field(default_factory=dict)
    _header: list[str] = field(default_factory=list)
    _delimiter: str = ""
    _zone: ZoneInfo | None = None
    _line_count: int = 0
    _last_lengths: set[int] = field(default_factory=set)
    _periods: dict[tuple[str, str], DeliveryPeriod] = field(default_factory=dict)
    _span: tuple[datetime, datetime] = field(init=False)

    def __post_init__(self) -> None:
        self._span = self.market.span_of(self.day)

    @property
    def has_header(self) -> bool:
        """Whether the header was read."""
        return self._format is not None

    def trade(self, text: str, *, is_torn: bool = False) -> StatementTrade | None:
        """The trade in a line; None for the header, a comment or a blank line.

        Args:
            text: The line.
            is_torn: It has no line end: the last line of a file that may be truncated. It is read if its last
                column is as long as in each line before, of which there is at least one.

        Raises:
            RejectedMessageError: The line cannot be used; with the first reason found. If that is its
                day, a `WrongDayError`.
            UnknownFormatError: No header came within MAX_PREAMBLE_LINES.
        """
        self._line_count += 1
        text = text.rstrip("\r\n")
        if self._format is None:
            self._find_header(text)
            if is_torn and self.has_header:
                raise RejectedMessageError(Reason.TORN_LINE, _TORN)
            return None
        if not text.strip(self._delimiter + " ") or text.lstrip('" ').startswith("#"):
            return None
        if len(text) > MAX_LINE_CHARACTERS:
            raise RejectedMessageError(Reason.UNREADABLE, f"the line has {len(text):,} characters")
        cells = _cells(text, self._delimiter)
        if cells == self._header:
            return None
        while len(cells) > len(self._header) and not cells[-1]:
            cells.pop()
        is_whole = len(cells) == len(self._header)
        if is_torn and not (is_whole and self._last_lengths == {len(cells[-1])}):
            raise RejectedMessageError(Reason.TORN_LINE, _TORN)
        if not is_whole:
            raise RejectedMessageError(
                Reason.WRONG_COLUMN_COUNT, f"{len(cells)} columns, the header has {len(self._header)}"
            )
        found = self._read({what: cells[position] for what, position in self._positions.items()})
        self._last_lengths.add(len(cells[-1]))
        return found

    def _find_header(self, text: str) -> None:
        for delimiter in _DELIMITERS:
            header = _cells(text.removeprefix("\ufeff"), delimiter)
            for known in self.formats:
                positions = known.positions(header)
                if positions is not None and known.delimiter in ("", delimiter):
                    while not header[-1]:  # each line ends with a delimiter
                        header.pop()
                    self._format, self._positions = known, positions
                    self._header, self._delimiter = header, delimiter
                    self._zone = ZoneInfo(known.timezone) if known.timezone else self.market.timezone
                    if self.is_by_delivery_day is None:
                        self.is_by_delivery_day = known.is_by_delivery_day
                    return
        if self._line_count >= MAX_PREAMBLE_LINES:
            raise UnknownFormatError(
                f"none of the first {MAX_PREAMBLE_LINES} lines names the columns of a known statement"
            )

    def _read(self, cells: Mapping[str, str]) -> StatementTrade:
        trade_id = identifier(cells["id"], "id", Reason.INVALID_TRADE_ID)
        direction = direction_of(cells["direction"])
        price = self._number(cells["price"], "price", Reason.INVALID_PRICE)
        quantity = self._number(cells["quantity"], "quantity", Reason.INVALID_QUANTITY)
        period = self._period(cells)
        check_units({name: cells.get(name) or None for name in ("currency", "price_unit")}, self.market)
        executed_at = self._time(cells.get("execution_time", ""))
        self._check_day(period, executed_at)
        trader = cells.get("trader_id", "")
        return StatementTrade(
            trade_id=trade_id,
            direction=direction,
            trader_id=identifier(trader, "trader_id", Reason.INVALID_TRADER_ID) if trader else None,
            price_eur_per_mwh=price,
            quantity_mw=megawatts(quantity, {"quantity_unit": cells.get("quantity_unit") or None}, period),
            period=period,
            executed_at=executed_at,
        )

    def _check_day(self, period: DeliveryPeriod, executed_at: datetime | None) -> None:
        first_at, end_at = self._span
        is_delivered = period.delivery_day == self.day
        is_executed = executed_at is None or first_at <= executed_at < end_at
        if self.is_by_delivery_day:
            if is_delivered:
                return
            day = period.delivery_day
            found, other = f"delivers on {day}", "execution" if is_executed else ""
        else:
            if executed_at is None or is_executed:
                return
            day = executed_at.astimezone(self.market.timezone).date()
            found, other = f"executed at {executed_at}", "delivery" if is_delivered else ""
        # the other kind of file: its day is right, and the format is not
        hint = f'; where such a file has the day of {other}, set day = "{other}" of statement in MARKETS_FILE'
        raise WrongDayError(
            day, f"{found}, not on {self.day} in {self.market.timezone.key}{hint if other else ''}"
        )

    def _number(self, text: str, name: str, reason: Reason) -> Decimal:
        """An exact number; with two different marks the last one is the decimal mark, with one that one."""
        assert self._format is not None
        plain = text.replace("\u2212", "-")
        mark = self._format.decimal_mark
        if match := _PLAIN_NUMBER.fullmatch(plain):
            if not (mark and match[1] and match[1] != mark):
                return storable_number(Decimal(plain.replace(",", ".")), name, reason)
        elif (match := _GROUPED_NUMBER.fullmatch(plain)) and match[1] != match[2] and mark in ("", match[2]):
            digits = plain.replace(match[1], "").replace(match[2], ".")
            return storable_number(Decimal(digits), name, reason)
        raise RejectedMessageError(reason, f"{name} is {quoted(text)}")

    def _time(self, text: str) -> datetime | None:
        local = _local_time(text)
        return parse_time(local.replace(tzinfo=self._zone).isoformat() if local else text)

    def _period(self, cells: Mapping[str, str]) -> DeliveryPeriod:
        is_day_and_hour = "delivery_day" in cells
        first, second = PERIOD_FIELDS[0] if is_day_and_hour else PERIOD_FIELDS[1]
        key = cells[first], cells[second]
        if (period := self._periods.get(key)) is None:
            period = self._labelled(*key) if is_day_and_hour else self._between(*key)
            if len(self._periods) > 10_000:
                self._periods.clear()
            self._periods[key] = period
        return period

    def _labelled(self, day: str, label: str) -> DeliveryPeriod:
        assert self._format is not None
        if _HOUR_NUMBER.fullmatch(label):
            hour = int(label) - self._format.is_hour_of_end
            if not 0 <= hour < 24:
                raise RejectedMessageError(Reason.INVALID_DELIVERY_HOUR, f"delivery_hour is {quoted(label)}")
            label = f"{hour:02}-{hour + 1:02}"
        return self.market.period(parse_delivery_day(day), label)

    def _between(self, start: str, end: str) -> DeliveryPeriod:
        start_at, end_at = self._time(start), self._time(end)
        if start_at is None or end_at is None:
            raise RejectedMessageError(
                Reason.INVALID_DELIVERY_HOUR, f"delivery is from {quoted(start)} to {quoted(end)}"
            )
        local_start, local_end = _local_time(start), _local_time(end)
        if local_start and local_end:
            assert self._zone is not None
            return self.market.local_period(local_start, local_end, self._zone)
        return self.market.period_between(start_at, end_at)


def encoding_of(chunks: Iterable[bytes]) -> str:
    """Python's name of the encoding of a file: UTF-16 by its byte order mark, else UTF-8 if it is valid.

    Anything else is Windows-1252, which older tools write. A file that is truncated within a character is still
    UTF-8.
    """
    decoder = None
    for chunk in chunks:
        if decoder is None:
            if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return "utf-16"
            decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def _local_time(text: str) -> datetime | None:
    """A time without an offset; None if the text is none."""
    if _LOCAL_TIME.fullmatch(text):
        with suppress(ValueError):
            return datetime.fromisoformat(text)
    return None


def _cells(text: str, delimiter: str) -> list[str]:
    if '"' not in text:
        return [cell.strip() for cell in text.split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter, skipinitialspace=True))]
    except (csv.Error, StopIteration):
        return [text]
