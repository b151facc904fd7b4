"""Messages of the exchange and replies of the provider for tests: good ones, and one bad one a reason."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from include.domain.rejection import Reason, RejectedMessageError

T = TypeVar("T")

GOOD_BODY = {
    "id": "3624e95119f04b7bb054b2f91a980a83",
    "price": 20.64,
    "quantity": 1.2,
    "direction": "sell",
    "delivery_day": "2023-02-21",
    "delivery_hour": "15-16",
    "trader_id": "flex_trader_4",
    "execution_time": "2023-02-21T06:13:43+00:00",
}
GOOD_REPLY = {
    "delivery_day": "2023-05-12",
    "delivery_hour": "08-09",
    "last_update": "2023-02-21T07:10:20+00:00",
    "unit": "euro/mwh",
    "value": 27.74,
}


def outcome(parse: Callable[..., T], *arguments: Any) -> T | RejectedMessageError:
    """The value or the rejection; any other error fails the test."""
    try:
        return parse(*arguments)
    except RejectedMessageError as rejected:
        return rejected


def deal(key: str = "deal_confirmation", **changes: Any) -> str:
    """A deal of the exchange with some fields changed."""
    return json.dumps({key: GOOD_BODY | changes})


def deal_with(field: str, literal: str) -> str:
    """A deal in which one field's value is spelled literally."""
    return deal(**{field: "@"}).replace('"@"', literal)


def deal_without(field: str) -> str:
    """A deal that lacks a field."""
    return json.dumps(
        {"deal_confirmation": {name: value for name, value in GOOD_BODY.items() if name != field}}
    )


def reply(**changes: Any) -> str:
    """The provider's answer with some fields changed."""
    return json.dumps(GOOD_REPLY | changes)


def reply_with_value(literal: str) -> str:
    """The provider's answer with the price spelled literally."""
    return reply(value="@").replace('"@"', literal)


BAD_DEALS: list[tuple[Reason, str, str]] = [
    (Reason.INVALID_JSON, "", "Expecting value"),
    (Reason.INVALID_JSON, "deal", "'deal'"),
    (Reason.INVALID_JSON, deal()[:-1], "delimiter"),
    (Reason.INVALID_JSON, deal() + deal(), "Extra data"),
    (Reason.INVALID_JSON, deal_with("price", "NaN"), "NaN is no JSON number"),
    (Reason.INVALID_JSON, deal_with("price", "-Infinity"), "-Infinity is no JSON number"),
    (Reason.INVALID_JSON, deal_with("price", '1, "price": 2'), "the key 'price' comes twice"),
    (Reason.INVALID_JSON, deal_with("price", "1e9999999999999999999"), "a number is too large to read"),
    (Reason.INVALID_JSON, "[" * 100_000, "nested too deeply"),
    (Reason.INVALID_JSON, deal_with("price", "[" * 101 + "1" + "]" * 101), "nested too deeply"),
    (Reason.UNREADABLE, deal(id="x" * 1_000_000), "characters"),
    (Reason.UNKNOWN_MESSAGE, "null", "the message is 'null'"),
    (Reason.UNKNOWN_MESSAGE, "[1, 2]", "[1, 2]"),
    (Reason.UNKNOWN_MESSAGE, '{"order_confirmation": {}}', "order_confirmation"),
    (Reason.UNKNOWN_MESSAGE, '{"deal_confirmation": "none"}', "none"),
    (Reason.UNKNOWN_MESSAGE, '{"deal_confirmation": {}, "trade_confirmation": {}}', "trade_confirmation"),
    (Reason.UNKNOWN_MESSAGE, '{"deal_cancellation": {"direction": "sell"}}', "deal_cancellation"),
    (Reason.UNKNOWN_MESSAGE, '{"deal_recall": {"id": "1"}, "trade_recall": {"id": "1"}}', "trade_recall"),
    (Reason.UNKNOWN_MESSAGE, '{"deal_recall": "1"}', "deal_recall"),
    # about trades, so not operational although they name a kind
    (Reason.UNKNOWN_MESSAGE, '{"type": "recall", "deal_recall": {"trade": "123"}}', "deal_recall"),
    (Reason.UNKNOWN_MESSAGE, '{"event": "cancel", "trade_cancellation": "1"}', "trade_cancellation"),
    (Reason.UNKNOWN_MESSAGE, '{"type": "trades", "deal_confirmation": [{"id": "1"}]}', "deal_confirmation"),
    (Reason.UNKNOWN_MESSAGE, '{"op": "t", "deal_confirmation": {}, "trade_confirmation": {}}', "deal"),
    (Reason.UNKNOWN_MESSAGE, '{"channel": "trades", "data": {"deal_confirmation": {"id": "1"}}}', "data"),
    (Reason.UNKNOWN_MESSAGE, '{"channel": "trades", "data": [{"deal_recall": {"id": "1"}}]}', "data"),
    (Reason.UNKNOWN_MESSAGE, '{"op": "t", "data": {"trades": [[{"deal_recall": {"id": "1"}}]]}}', "trades"),
    (
        Reason.UNKNOWN_MESSAGE,
        '{"method": "feed", "params": {"channel": "t", "data": {"trade_confirmation": {"id": "1"}}}}',
        "params",
    ),
    (
        Reason.UNKNOWN_MESSAGE,
        '{"event": "t", "data": "{\\"deal_confirmation\\": {\\"id\\": \\"1\\"}}"}',
        "data",
    ),
    (Reason.UNKNOWN_MESSAGE, '{"event": "t", "data": " [{\\"deal_recall\\": 1}]"}', "data"),
    (Reason.UNKNOWN_MESSAGE, '{"type": "trade", "Deal_Confirmation": {"id": "1"}}', "Deal_Confirmation"),
    (Reason.INVALID_DIRECTION, '{"deal_recall": {"id": "1", "direction": "buy", "Direction": "S"}}', "twice"),
    (Reason.UNKNOWN_MESSAGE, "{}", "{}"),
    (Reason.UNKNOWN_MESSAGE, '{"type": true}', "type"),
    (Reason.UNKNOWN_MESSAGE, '{"type": {"id": 5}}', "type"),
    (Reason.UNKNOWN_MESSAGE, '{"type": 1, "arguments": [{"deal_confirmation": {"id": "1"}}]}', "arguments"),
    (Reason.UNKNOWN_MESSAGE, '{"type": " "}', "type"),
    (Reason.UNKNOWN_MESSAGE, '{"seq": 5, "price": 20.64}', "seq"),
    *(
        (Reason.MISSING_FIELD, deal_without(field), f"there is no {field}")
        for field in GOOD_BODY
        if field != "execution_time"
    ),
    (Reason.INVALID_TRADE_ID, deal(id=""), "id is ''"),
    (Reason.INVALID_TRADE_ID, deal(id=" "), "id is ' '"),
    (Reason.INVALID_TRADE_ID, deal(id=-1), "id is Decimal('-1')"),
    (Reason.INVALID_TRADE_ID, deal_with("id", "1.0"), "id is Decimal('1.0')"),
    (Reason.INVALID_TRADE_ID, deal_with("id", "1e3"), "id is Decimal('1E+3')"),
    (Reason.INVALID_TRADE_ID, deal_with("id", "1" * 201), "id is '111"),
    (Reason.INVALID_TRADE_ID, deal(id=True), "id is True"),
    (Reason.INVALID_TRADE_ID, deal(id="x" * 201), "id is 'xxx"),
    (Reason.INVALID_TRADE_ID, deal(id="a\x00b"), r"id is 'a\x00b'"),
    (Reason.INVALID_TRADE_ID, deal(id="\ud800"), r"id is '\ud800'"),
    (Reason.INVALID_TRADER_ID, deal(trader_id=None), "trader_id is None"),
    (Reason.INVALID_TRADER_ID, deal(trader_id=""), "trader_id is ''"),
    (Reason.INVALID_DIRECTION, deal(direction="sold"), "direction is 'sold'"),
    (Reason.INVALID_DIRECTION, deal(direction=None), "direction is None"),
    (Reason.INVALID_DIRECTION, '{"deal_recall": {"id": "1", "direction": "both"}}', "direction is 'both'"),
    (Reason.INVALID_DIRECTION, deal(direction=["buy"]), "direction is ['buy']"),
    (Reason.INVALID_PRICE, deal(price=""), "price is ''"),
    (Reason.INVALID_PRICE, deal(price="20,64"), "price is '20,64'"),
    (Reason.INVALID_PRICE, deal(price=" 20.64"), "price is ' 20.64'"),
    (Reason.INVALID_PRICE, deal(price="1e2"), "price is '1e2'"),
    (Reason.INVALID_PRICE, deal(price="NaN"), "price is 'NaN'"),
    (Reason.INVALID_PRICE, deal(price="1000000000"), "price is '1000000000'"),
    (Reason.INVALID_PRICE, deal(price="\u0661"), r"price is '\u0661'"),
    (Reason.INVALID_PRICE, deal(price=None), "price is None"),
    (Reason.INVALID_PRICE, deal(price=True), "price is True"),
    (Reason.INVALID_PRICE, deal_with("price", "1000000000"), "price is 1000000000"),
    (Reason.INVALID_PRICE, deal_with("price", "0.00000000001"), "price is 1E-11"),
    (Reason.INVALID_PRICE, deal_with("price", "1e9999999"), "price is 1E+9999999"),
    (Reason.INVALID_PRICE, deal_with("price", "1e-9999999"), "price is 1E-9999999"),
    (Reason.INVALID_PRICE, deal_with("price", "1" * 5000), "price is 1111"),
    (Reason.INVALID_QUANTITY, deal(quantity={}), "quantity is {}"),
    (Reason.INVALID_QUANTITY, deal_with("quantity", "1e9"), "quantity is 1E+9"),
    (Reason.INVALID_DELIVERY_DAY, deal(delivery_day="2023-02-29"), "delivery_day is '2023-02-29'"),
    (Reason.INVALID_DELIVERY_DAY, deal(delivery_day="20230221"), "delivery_day is '20230221'"),
    (Reason.INVALID_DELIVERY_DAY, deal(delivery_day="1999-12-31"), "delivery_day is '1999-12-31'"),
    (Reason.INVALID_DELIVERY_DAY, deal(delivery_day="2100-01-01"), "delivery_day is '2100-01-01'"),
    (Reason.INVALID_DELIVERY_DAY, deal(delivery_day=20230221), "delivery_day is Decimal('20230221')"),
    (Reason.INVALID_DELIVERY_HOUR, deal(delivery_hour="15"), "delivery_hour is '15'"),
    (Reason.INVALID_DELIVERY_HOUR, deal(delivery_hour=15), "delivery_hour is Decimal('15')"),
    (Reason.INVALID_DELIVERY_HOUR, deal(delivery_hour="Q61"), "delivery_hour is 'Q61'"),
    (
        Reason.NONEXISTENT_DELIVERY_HOUR,
        deal(delivery_day="2025-03-30", delivery_hour="02-03"),
        "'02-03' does not exist on 2025-03-30 in Europe/Berlin",
    ),
    (Reason.INVALID_REVISION, deal(revision=-1), "revision is Decimal('-1')"),
    (Reason.INVALID_REVISION, deal(revision=1.5), "revision is Decimal('1.5')"),
    (Reason.INVALID_REVISION, deal(version="one"), "version is 'one'"),
    (Reason.INVALID_REVISION, deal(revision_no=2**63), "revision_no is '9223372036854775808'"),
    (Reason.UNKNOWN_STATE, deal(state="PENDING"), "state is 'PENDING'"),
    (Reason.UNKNOWN_STATE, deal(status=1), "state is Decimal('1')"),
    (Reason.UNKNOWN_STATE, deal(state="COMPLETED", trade_state=""), "state is ''"),
    (Reason.UNKNOWN_UNIT, deal(price_unit="ct/kWh"), "price_unit is 'ct/kWh'"),
    (Reason.UNKNOWN_UNIT, deal(unit="MW"), "unit is 'MW'"),
    (Reason.UNKNOWN_UNIT, deal(quantity_unit="kW"), "quantity_unit is 'kW'"),
    (Reason.UNKNOWN_UNIT, deal(volume_unit=1), "volume_unit is Decimal('1')"),
    (Reason.UNKNOWN_UNIT, deal(quantity_unit="MW", Quantity_Unit="MWh"), "Quantity_Unit is 'MWh'"),
    (Reason.UNKNOWN_UNIT, deal(quantity_unit="MW", volume_unit="lots"), "volume_unit is 'lots'"),
    (Reason.FOREIGN_CURRENCY, deal(Currency="USD", currency="EUR"), "currency is 'USD'"),
    (Reason.FOREIGN_CURRENCY, deal(currency="GBP"), "currency is 'GBP'"),
    (Reason.FOREIGN_CURRENCY, deal(currency=978), "currency is Decimal('978')"),
    (
        Reason.INVALID_QUANTITY,
        deal(quantity=999_999_999, quantity_unit="MWh", delivery_hour="15:00-15:15"),
        "quantity is 3999999996",
    ),
]
"""(reason, message, what the detail says of it)"""

BAD_REPLIES: list[tuple[Reason, int, str, str]] = [
    (Reason.BAD_REQUEST, 400, '{"error_message": "unknown delivery hour"}', "unknown delivery hour"),
    (Reason.UNEXPECTED_STATUS, 302, "", "status 302: ''"),
    (Reason.UNEXPECTED_STATUS, 403, "forbidden", "status 403: 'forbidden'"),
    (Reason.INVALID_JSON, 200, "<html>", "'<html>'"),
    (Reason.INVALID_JSON, 200, reply_with_value("NaN"), "NaN is no JSON number"),
    (Reason.INVALID_JSON, 200, reply_with_value("Infinity"), "Infinity is no JSON number"),
    (Reason.UNKNOWN_MESSAGE, 200, "[27.74]", "the reply is '[27.74]'"),
    (
        Reason.ANSWER_MISMATCH,
        200,
        reply(delivery_hour="09-10"),
        "asked for 2023-05-12 08-09, answered '2023-05-12' '09-10'",
    ),
    (Reason.ANSWER_MISMATCH, 200, reply(delivery_day=None), "answered None '08-09'"),
    (Reason.ANSWER_MISMATCH, 200, "{}", "answered None None"),
    (Reason.INVALID_UNIT, 200, reply(unit="euro/kwh"), "unit is 'euro/kwh'"),
    (Reason.INVALID_UNIT, 200, reply(unit=None), "unit is None"),
    (Reason.INVALID_PRICE, 200, reply(value="27,74"), "value is '27,74'"),
    (Reason.INVALID_PRICE, 200, reply_with_value("1e9999999"), "value is 1E+9999999"),
    (Reason.INVALID_PRICE, 200, reply(value=False), "value is False"),
    (Reason.PRICE_OUT_OF_BOUNDS, 200, reply_with_value("10000"), "value is 10000"),
    (Reason.PRICE_OUT_OF_BOUNDS, 200, reply_with_value("-9999.991"), "value is -9999.991"),
]
"""(reason, status, reply, what the detail says of it)"""
