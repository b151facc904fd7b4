"""Messages of the exchange: the executable specification of what each of them means."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from include.domain.delivery_period import DeliveryPeriod, Market, parse_delivery_day
from include.domain.message import decode_json, identifier, parse_time, require, storable_number
from include.domain.pnl import Direction, Fill
from include.domain.rejection import Reason, RejectedMessageError, quoted

CONFIRMATION_KEYS = ("deal_confirmation", "trade_confirmation")
CANCELLATION_KEYS = ("deal_cancellation", "trade_cancellation", "deal_recall", "trade_recall")
_TRADE_KEYS = {*CONFIRMATION_KEYS, *CANCELLATION_KEYS}
KIND_KEYS = (
    "type", "event", "event_type", "message_type", "msg_type", "channel", "op", "topic", "method",
)  # fmt: skip
"""Keys under which an operational message names its kind."""

_HEARTBEAT_KEYS = {"heartbeat", "ping", "pong", "ts", "timestamp", "time", "seq", "sequence"}
_KNOWN_FIELDS = {
    "id", "price", "quantity", "direction", "delivery_day", "delivery_hour", "trader_id", "execution_time",
}  # fmt: skip
_DIRECTIONS: dict[str, Direction] = {"BUY": "buy", "B": "buy", "SELL": "sell", "S": "sell"}
_STATE_FIELDS = ("state", "status", "trade_state")
_COUNTING = {"COMPLETED", "CONFIRMED", "ACTIVE", "EXECUTED", "NOT_CANCELLED"}
_CANCELLED = {"CANCELLED", "CANCELED", "RECALLED", "BUSTED"}
_DISPUTED = {"DISPUTED", "RECALL_REQUESTED"}
_REVISION_FIELDS = ("revision", "revision_no", "version")
_PRICE_UNIT_FIELDS = ("price_unit", "unit")
_QUANTITY_UNIT_FIELDS = ("quantity_unit", "volume_unit")
_PRICE_UNITS = {"eur/mwh", "euro/mwh", "euro"}
_EXTRA_FIELDS = {
    *_STATE_FIELDS, *_REVISION_FIELDS, *_PRICE_UNIT_FIELDS, *_QUANTITY_UNIT_FIELDS, "currency",
}  # fmt: skip
_MAX_REVISION = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Trade:
    """A confirmation: one revision of a trade of the desk.

    `(market, trade_id, direction)` identifies the trade: a self trade has a buy and a sell with one id.

    Attributes:
        trade_id: As the exchange gives it; opaque.
        price_eur_per_mwh: May be negative or zero.
        quantity_mw: Power, not energy.
        executed_at: UTC, as the exchange says, sometimes wrong by hours; None if missing or unreadable.
        revision: The highest one counts.
        is_disputed: A party disputes the trade or asks to recall it; it counts until it is cancelled.
        unknown_fields: Names of fields that have no meaning for us; not part of the content.
    """

    trade_id: str
    trader_id: str
    direction: Direction
    price_eur_per_mwh: Decimal
    quantity_mw: Decimal
    period: DeliveryPeriod
    executed_at: datetime | None
    revision: int = 0
    is_disputed: bool = False
    unknown_fields: tuple[str, ...] = field(default=(), compare=False)

    @property
    def energy_mwh(self) -> Decimal:
        return self.quantity_mw * self.period.hours

    @property
    def content(self) -> tuple[object, ...]:
        """What makes two copies of a revision equal."""
        return (
            self.trader_id,
            self.price_eur_per_mwh,
            self.quantity_mw,
            self.period.delivery_day,
            self.period.delivery_hour,
            self.executed_at,
        )

    def fill(self) -> Fill:
        """The whole trade."""
        return Fill(self.direction, self.energy_mwh, self.price_eur_per_mwh)

    def fills(self) -> dict[str, Fill]:
        """The part of the trade in each hour of PnL of its delivery day."""
        return {
            share.pnl_hour: Fill(self.direction, self.quantity_mw * share.hours, self.price_eur_per_mwh)
            for share in self.period.shares
        }


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The exchange takes a trade back.

    Attributes:
        trade_id: Of the trade.
        direction: None: of both directions.
        revision: It takes back this revision and all before. None: revision 0, and each one received before it
            (`include/domain/lifecycle.py`).
    """

    trade_id: str
    direction: Direction | None
    revision: int | None

    def names(self, trade_id: str, direction: Direction) -> bool:
        """Whether it has the id of a trade and not the other direction."""
        return self.trade_id == trade_id and self.direction in (None, direction)


@dataclass(frozen=True, slots=True)
class Operational:
    """A heartbeat, an acknowledgement, a status: says nothing about trades.

    Attributes:
        kind: As the message names it, by a text or a number (SignalR: `{"type": 6}`).
    """

    kind: str


def parse_message(text: str, market: Market) -> Trade | Cancellation | Operational:
    """Parses a message of the exchange.

    Prices outside the exchange's bounds and quantities that are not positive pass: the validation puts such
    trades into quarantine.

    Raises:
        RejectedMessageError: The message is none of these, or cannot be used; with the first reason found.
    """
    message = decode_json(text)
    if isinstance(message, dict):
        if isinstance(body := _only(message, CONFIRMATION_KEYS), dict):
            return _confirmation(body, market)
        if isinstance(body := _only(message, CANCELLATION_KEYS), dict) and "id" in body:
            return _cancellation(body)
        if not _is_about_trades(message) and (kind := _kind(message)) is not None:
            return Operational(kind)
    raise RejectedMessageError(Reason.UNKNOWN_MESSAGE, f"the message is {quoted(text)}")


def claimed_hours(text: str, market: Market) -> tuple[date, tuple[str, ...]] | None:
    """Delivery day and hours of PnL that a rejected message is about; None if it does not tell."""
    try:
        message = decode_json(text)
        body = _only(message, (*CONFIRMATION_KEYS, *CANCELLATION_KEYS)) if isinstance(message, dict) else None
        if not isinstance(body, dict):
            return None
        period = _period(body, market)
    except RejectedMessageError:
        return None
    return period.delivery_day, tuple(share.pnl_hour for share in period.shares)


def _only(message: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    """The value of the one of these keys that the message has; None if it has none or several."""
    found = [message[key] for key in keys if key in message]
    return found[0] if len(found) == 1 else None


def _is_about_trades(message: Mapping[str, Any]) -> bool:
    """Whether it holds a confirmation or a cancellation, at any depth, in any case, also within a text of JSON.

    It is then never operational, even if it names a kind: what it says of trades must not get lost.
    """
    parts: list[Any] = [message]
    for part in parts:
        if isinstance(part, dict):
            if any(value is not None and key.lower() in _TRADE_KEYS for key, value in part.items()):
                return True
            parts.extend(part.values())
        elif isinstance(part, list):
            parts.extend(part)
        elif isinstance(part, str) and part.lstrip().startswith(("{", "[")):
            with suppress(RejectedMessageError):
                parts.append(decode_json(part))
    return False


def _kind(message: Mapping[str, Any]) -> str | None:
    for key in KIND_KEYS:
        value = message.get(key)
        if isinstance(value, str | Decimal) and (kind := str(value).strip()):
            return kind
    if message and message.keys() <= _HEARTBEAT_KEYS:
        return "heartbeat"
    return None


def _confirmation(body: Mapping[str, Any], market: Market) -> Trade | Cancellation:
    states = [_state(value) for _, value in _named(body, _STATE_FIELDS)]
    if "cancelled" in states:
        return _cancellation(body)
    trade_id = _trade_id(body)
    price = storable_number(require(body, "price"), "price", Reason.INVALID_PRICE)
    quantity = storable_number(require(body, "quantity"), "quantity", Reason.INVALID_QUANTITY)
    direction = direction_of(require(body, "direction"))
    period = _period(body, market)
    trader_id = identifier(require(body, "trader_id"), "trader_id", Reason.INVALID_TRADER_ID)
    check_units(body, market)
    return Trade(
        trade_id=trade_id,
        trader_id=trader_id,
        direction=direction,
        price_eur_per_mwh=price,
        quantity_mw=megawatts(quantity, body, period),
        period=period,
        executed_at=parse_time(body.get("execution_time")),
        revision=revision_of(body) or 0,
        is_disputed="disputed" in states,
        unknown_fields=tuple(
            name for name in body if name not in _KNOWN_FIELDS and name.lower() not in _EXTRA_FIELDS
        ),
    )


def _cancellation(body: Mapping[str, Any]) -> Cancellation:
    # a leg that is named in another case is not both legs
    directions = {direction_of(value) for _, value in _named(body, ("direction",))}
    if len(directions) > 1:
        raise RejectedMessageError(Reason.INVALID_DIRECTION, "the direction comes twice and differs")
    return Cancellation(_trade_id(body), next(iter(directions), None), revision_of(body))


def _named(body: Mapping[str, Any], names: tuple[str, ...]) -> list[tuple[str, Any]]:
    """The fields that have one of these names, in any case, and a value."""
    return [(name, value) for name, value in body.items() if value is not None and name.lower() in names]


def _trade_id(body: Mapping[str, Any]) -> str:
    return identifier(require(body, "id"), "id", Reason.INVALID_TRADE_ID)


def direction_of(value: object) -> Direction:
    """buy or sell.

    Raises:
        RejectedMessageError: It is neither.
    """
    if isinstance(value, str) and (direction := _DIRECTIONS.get(value.strip().upper())):
        return direction
    raise RejectedMessageError(Reason.INVALID_DIRECTION, f"direction is {quoted(value)}")


def _period(body: Mapping[str, Any], market: Market) -> DeliveryPeriod:
    day = parse_delivery_day(require(body, "delivery_day"))
    label = require(body, "delivery_hour")
    if not isinstance(label, str):
        raise RejectedMessageError(Reason.INVALID_DELIVERY_HOUR, f"delivery_hour is {quoted(label)}")
    return market.period(day, label)


def _state(value: object) -> str:
    """counts, cancelled or disputed."""
    code = value.strip().upper() if isinstance(value, str) else None
    for codes, state in ((_COUNTING, "counts"), (_CANCELLED, "cancelled"), (_DISPUTED, "disputed")):
        if code in codes:
            return state
    raise RejectedMessageError(Reason.UNKNOWN_STATE, f"state is {quoted(value)}")


def revision_of(body: Mapping[str, Any]) -> int | None:
    """The highest revision that the message names; None if it names none.

    Raises:
        RejectedMessageError: One of them is no whole number, or too large.
    """
    revisions = []
    for name, value in _named(body, _REVISION_FIELDS):
        digits = identifier(value, name, Reason.INVALID_REVISION)
        if not (digits.isascii() and digits.isdigit() and int(digits) <= _MAX_REVISION):
            raise RejectedMessageError(Reason.INVALID_REVISION, f"{name} is {quoted(digits)}")
        revisions.append(int(digits))
    return max(revisions, default=None)


def check_units(body: Mapping[str, Any], market: Market) -> None:
    """Nothing is converted: price and currency have to be the market's.

    Raises:
        RejectedMessageError: They are others.
    """
    for _, currency in _named(body, ("currency",)):
        if not (isinstance(currency, str) and currency.strip().upper() == market.currency):
            raise RejectedMessageError(Reason.FOREIGN_CURRENCY, f"currency is {quoted(currency)}")
    for name, unit in _named(body, _PRICE_UNIT_FIELDS):
        if not (isinstance(unit, str) and unit.strip().lower() in _PRICE_UNITS):
            raise RejectedMessageError(Reason.UNKNOWN_UNIT, f"{name} is {quoted(unit)}")


def megawatts(quantity: Decimal, body: Mapping[str, Any], period: DeliveryPeriod) -> Decimal:
    """The quantity in MW; MWh are divided by the hours of delivery, to 10 decimals.

    `volume_unit` is its unit if nothing else is meant: there is neither `quantity_unit` nor a `volume`.

    Raises:
        RejectedMessageError: A unit is unknown, or comes twice and differs.
    """
    units = dict[str, str]()
    for name, unit in _named(body, _QUANTITY_UNIT_FIELDS):
        text = unit.strip().lower() if isinstance(unit, str) else ""
        if text not in ("mw", "mwh") or units.setdefault(name.lower(), text) != text:
            raise RejectedMessageError(Reason.UNKNOWN_UNIT, f"{name} is {quoted(unit)}")
    of_volume = "mw" if _named(body, ("volume",)) else units.get("volume_unit", "mw")
    if units.get("quantity_unit", of_volume) == "mw":
        return quantity
    return storable_number(quantity / period.hours, "quantity", Reason.INVALID_QUANTITY)
