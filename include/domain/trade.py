"""Trades: the executable specification of what a message of the exchange means."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from include.domain.delivery_period import DeliveryPeriod, Market, parse_delivery_day
from include.domain.message import decode_json, require, storable_number, storable_text, zoned_time
from include.domain.pnl import Direction, Fill
from include.domain.rejection import Reason, RejectedMessageError, quoted

MESSAGE_KEYS = ("deal_confirmation", "trade_confirmation")


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade of the desk.

    Attributes:
        trade_id: Opaque and unique: the only thing that distinguishes trades.
        price_eur_per_mwh: May be negative or zero.
        quantity_mw: Power, not energy.
        executed_at: UTC, as the exchange says; sometimes wrong by hours.
    """

    trade_id: str
    trader_id: str
    direction: Direction
    price_eur_per_mwh: Decimal
    quantity_mw: Decimal
    period: DeliveryPeriod
    executed_at: datetime

    @property
    def energy_mwh(self) -> Decimal:
        return self.quantity_mw * self.period.hours

    def fill(self) -> Fill:
        return Fill(self.direction, self.energy_mwh, self.price_eur_per_mwh)


def parse_trade(text: str, market: Market) -> Trade:
    """Parses a message of the exchange.

    Prices outside the exchange's bounds and quantities that are not positive pass: the validation checks them
    and blocks their batch.

    Raises:
        RejectedMessageError: The message is not a trade, with the first reason found.
    """
    message = decode_json(text)
    keys = [key for key in MESSAGE_KEYS if isinstance(message, dict) and key in message]
    if len(keys) != 1 or not isinstance(body := message[keys[0]], dict):
        raise RejectedMessageError(Reason.UNKNOWN_MESSAGE, f"the message is {quoted(text)}")
    trade_id = storable_text(require(body, "id"), "id", Reason.INVALID_TRADE_ID)
    price = storable_number(require(body, "price"), "price", Reason.INVALID_PRICE)
    quantity = storable_number(require(body, "quantity"), "quantity", Reason.INVALID_QUANTITY)
    direction = require(body, "direction")
    if direction not in ("buy", "sell"):
        raise RejectedMessageError(Reason.INVALID_DIRECTION, f"direction is {quoted(direction)}")
    day = parse_delivery_day(require(body, "delivery_day"))
    label = require(body, "delivery_hour")
    if not isinstance(label, str):
        raise RejectedMessageError(Reason.INVALID_DELIVERY_HOUR, f"delivery_hour is {quoted(label)}")
    period = market.period(day, label)
    trader_id = storable_text(require(body, "trader_id"), "trader_id", Reason.INVALID_TRADER_ID)
    executed_at = zoned_time(require(body, "execution_time"), "execution_time", Reason.INVALID_EXECUTION_TIME)
    return Trade(trade_id, trader_id, direction, price, quantity, period, executed_at)
