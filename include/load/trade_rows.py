"""Turns confirmations into rows for COPY, ordinary ones many times faster than by the rules of the domain."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache

import msgspec

from include.domain.delivery_period import DeliveryPeriod, Market, parse_delivery_day
from include.domain.message import MAX_MESSAGE_CHARACTERS, is_utc_text
from include.domain.rejection import RejectedMessageError
from include.domain.trade import Trade
from include.load.copying import NULL, escaped

COLUMNS = (
    "trade_id",
    "trader_id",
    "direction",
    "price_eur_per_mwh",
    "quantity_mw",
    "market",
    "delivery_day",
    "delivery_hour",
    "delivery_start_at",
    "delivery_end_at",
    "executed_at",
    "revision",
    "is_disputed",
)
"""The columns of a row."""


class _Body(msgspec.Struct, gc=False):
    id: str
    price: msgspec.Raw
    quantity: msgspec.Raw
    direction: str
    delivery_day: str
    delivery_hour: str
    trader_id: str
    execution_time: str


class _Message(msgspec.Struct, gc=False):
    deal_confirmation: _Body | None = None
    trade_confirmation: _Body | None = None


_decode: Callable[[str], _Message] = msgspec.json.Decoder(_Message).decode

# Two quotes each for the nine keys and the six texts: exactly that many mean that no key comes twice,
# none is unknown and no text holds an escaped quote.
_QUOTES = 30
# Any more digits are for the domain's rules to judge.
_number = re.compile(r"-?(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,10})?").fullmatch


class TradeRows:
    """Makes the rows of one market and remembers the delivery periods in them."""

    def __init__(self, market: Market) -> None:
        self._periods: dict[tuple[date, str], DeliveryPeriod] = {}
        self._market = market
        self._period_columns: dict[tuple[str, str], str] = {}
        self._traders: dict[str, str] = {}

    def ordinary_row(self, text: str) -> tuple[str, str] | None:
        """The row of an ordinary confirmation; None for any other message: `parse_message` decides on it.

        `parse_message` accepts whatever this accepts, with the same content.

        Returns:
            The key of the row, and the values of COLUMNS, tab-separated, in the text format of COPY.
        """
        if len(text) > MAX_MESSAGE_CHARACTERS or text.count('"') != _QUOTES:
            return None
        try:
            message = _decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
        body = message.deal_confirmation or message.trade_confirmation
        if body is None or not body.id.isalnum() or not body.id.isascii() or len(body.id) > 200:
            return None
        price, quantity = str(body.price, "utf-8"), str(body.quantity, "utf-8")
        if not (_number(price) and _number(quantity)) or body.direction not in ("buy", "sell"):
            return None
        if price[-1] == "0" or quantity[-1] == "0":
            price, quantity = _plain(price), _plain(quantity)
        executed_at = body.execution_time
        if executed_at[-1:] == "Z":
            executed_at = executed_at[:-1] + "+00:00"
        if not _is_known_utc_text(executed_at):
            return None
        try:
            period = self._period_columns.get((body.delivery_day, body.delivery_hour)) or self._period(
                parse_delivery_day(body.delivery_day), body.delivery_hour
            )
            trader_id = self._traders.get(body.trader_id) or self._trader(body.trader_id)
        except RejectedMessageError:
            return None
        if trader_id is None:
            return None
        return f"{body.id}\x00{body.direction}\x000", (
            f"{body.id}\t{trader_id}\t{body.direction}\t{price}\t{quantity}\t{period}\t{executed_at}\t0\tf"
        )

    def row_of(self, trade: Trade) -> tuple[str, str]:
        """Key and values of a parsed trade."""
        period = self._period(trade.period.delivery_day, trade.period.delivery_hour)
        executed_at = NULL if trade.executed_at is None else trade.executed_at.isoformat()
        return key_of(trade.trade_id, trade.direction, trade.revision), (
            f"{escaped(trade.trade_id)}\t{escaped(trade.trader_id)}\t{trade.direction}"
            f"\t{trade.price_eur_per_mwh:f}\t{trade.quantity_mw:f}\t{period}\t{executed_at}"
            f"\t{trade.revision}\t{'t' if trade.is_disputed else 'f'}"
        )

    def take_periods(self) -> list[DeliveryPeriod]:
        """The delivery periods of the rows since the last call."""
        periods = list(self._periods.values())
        self._periods.clear()
        self._period_columns.clear()
        return periods

    def _period(self, day: date, label: str) -> str:
        columns = self._period_columns.get((day.isoformat(), label))
        if columns is None:
            period = self._market.period(day, label)
            for part in (period.delivery_hour, *(share.pnl_hour for share in period.shares)):
                self._periods[day, part] = self._market.period(day, part)
            columns = (
                f"{period.market}\t{day}\t{period.delivery_hour}"
                f"\t{period.start_at.isoformat()}\t{period.end_at.isoformat()}"
            )
            self._period_columns[day.isoformat(), label] = columns
        return columns

    def _trader(self, trader_id: str) -> str | None:
        is_plain = 0 < len(trader_id) <= 200 and trader_id.isascii() and trader_id.isprintable()
        if not is_plain or trader_id != trader_id.strip():
            return None
        if len(self._traders) > 10_000:
            self._traders.clear()
        return self._traders.setdefault(trader_id, escaped(trader_id))


def _plain(number: str) -> str:
    """A number as the domain writes it: equal numbers are stored alike, whichever spelling came first."""
    if "." in number:
        number = number.rstrip("0").removesuffix(".")
    return "0" if number == "-0" else number


def key_of(trade_id: str, direction: str, revision: int) -> str:
    """The key of a row: which revision of which trade it is."""
    return f"{trade_id}\x00{direction}\x00{revision}"


def trade_ids_of(keys: Iterable[str]) -> list[str]:
    """The trade ids in the keys of rows."""
    return "\x00".join(keys).split("\x00")[::3]


@lru_cache(4096)  # trades of the same second are executed at the same time
def _is_known_utc_text(text: str) -> bool:
    return is_utc_text(text, 25)
