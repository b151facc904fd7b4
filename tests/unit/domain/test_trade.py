"""Messages of the exchange: what each of them means; whatever else arrives is rejected with a reason."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.domain.delivery_period import Market
from include.domain.pnl import Fill
from include.domain.rejection import Reason, RejectedMessageError
from include.domain.trade import (
    CANCELLATION_KEYS,
    CONFIRMATION_KEYS,
    Cancellation,
    Operational,
    Trade,
    claimed_hours,
    parse_message,
)
from tests.unit.domain.messages import BAD_DEALS, GOOD_BODY, deal, deal_with, deal_without, outcome

BERLIN = Market.of("Europe/Berlin")
GOOD_TRADE = Trade(
    trade_id="3624e95119f04b7bb054b2f91a980a83",
    trader_id="flex_trader_4",
    direction="sell",
    price_eur_per_mwh=Decimal("20.64"),
    quantity_mw=Decimal("1.2"),
    period=BERLIN.period(date(2023, 2, 21), "15-16"),
    executed_at=datetime(2023, 2, 21, 6, 13, 43, tzinfo=UTC),
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)
extra_fields = ("state", "status", "revision", "version", "currency", "unit", "quantity_unit", "venue")
fields = st.sampled_from([*sorted(GOOD_BODY), *extra_fields])
keys = (*CONFIRMATION_KEYS, *CANCELLATION_KEYS, "type", "heartbeat")


def parsed(text: str) -> Trade:
    """The trade of a message that must be one."""
    trade = parse_message(text, BERLIN)
    assert isinstance(trade, Trade)
    return trade


def message_or_rejection(text: str) -> Trade | Cancellation | Operational | RejectedMessageError:
    """What parse_message makes of any text; all that may be said of the outcome is checked here."""
    message = outcome(parse_message, text, BERLIN)
    claimed_hours(text, BERLIN)
    if isinstance(message, RejectedMessageError):
        assert message.reason in Reason
        assert message.detail.isascii()
        assert message.detail.isprintable()
        assert 5 < len(message.detail) < 250
        return message
    if isinstance(message, Operational):
        assert message.kind
        assert message.kind == message.kind.strip()
        return message
    assert message.direction in ("buy", "sell") or (isinstance(message, Cancellation) and not message.direction)
    assert 0 <= (message.revision or 0) < 2**63
    names = [message.trade_id]
    if isinstance(message, Trade):
        names.append(message.trader_id)
        for number in (message.price_eur_per_mwh, message.quantity_mw):
            assert number.is_finite()
            assert abs(number) < 10**9
            assert number == round(number, 10)
        assert message.executed_at is None or message.executed_at.tzinfo is UTC
        assert sum(fill.energy_mwh for fill in message.fills().values()) == message.energy_mwh
    for name in names:
        assert 1 <= len(name.encode()) <= 800
        assert "\x00" not in name
    return message


@pytest.mark.parametrize("key", ["deal_confirmation", "trade_confirmation"])
def test_both_keys_mean_the_same_trade(key: str) -> None:
    assert parse_message(deal(key), BERLIN) == GOOD_TRADE


@pytest.mark.parametrize("key", ["deal_cancellation", "trade_cancellation", "deal_recall", "trade_recall"])
@pytest.mark.parametrize(
    ("body", "cancellation"),
    [
        ({"id": "123"}, Cancellation("123", None, None)),
        ({"id": 123}, Cancellation("123", None, None)),
        ({"id": " 123 ", "direction": None, "revision": None}, Cancellation("123", None, None)),
        ({"id": "123", "direction": "sell"}, Cancellation("123", "sell", None)),
        ({"id": "123", "direction": "B", "REVISION_NO": "4"}, Cancellation("123", "buy", 4)),
        ({"id": "123", "Direction": "Buy"}, Cancellation("123", "buy", None)),
        ({"id": "123", "revision": 0}, Cancellation("123", None, 0)),
        ({"id": "123", "price": "any", "delivery_hour": 5, "reason": "error"}, Cancellation("123", None, None)),
    ],
)
def test_a_cancellation_says_which_trade(key: str, body: dict[str, Any], cancellation: Cancellation) -> None:
    assert parse_message(json.dumps({key: body}), BERLIN) == cancellation


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"type": "heartbeat"}, "heartbeat"),
        ({"event": "subscribed", "channel": "trades"}, "subscribed"),
        ({"event_type": "LOGIN_OK", "user": 5}, "LOGIN_OK"),
        ({"message_type": "MarketStateReport"}, "MarketStateReport"),
        ({"msg_type": "ack"}, "ack"),
        ({"channel": "status", "data": {"id": 1}}, "status"),
        ({"op": "pong"}, "pong"),
        ({"topic": "/system"}, "/system"),
        ({"method": "keepalive", "params": []}, "keepalive"),
        ({"type": " ack "}, "ack"),
        ({"type": 6}, "6"),
        ({"op": 11, "d": None}, "11"),
        ({"type": None, "op": "ack"}, "ack"),
        ({"type": "x" * 500}, "x" * 500),
        ({"type": "a\x00b"}, "a\x00b"),
        ({"heartbeat": 1}, "heartbeat"),
        ({"ping": 1676959999}, "heartbeat"),
        ({"pong": None}, "heartbeat"),
        ({"ts": 1, "seq": 2}, "heartbeat"),
        ({"timestamp": "2023-02-21T06:13:43Z", "sequence": 2, "time": 3}, "heartbeat"),
        ({"type": "deal", "deal_confirmation": None}, "deal"),
        ({"type": "subscribed", "channels": ["deal_confirmation", "deal_recall"]}, "subscribed"),
        ({"event": "subscribed", "data": '{"channel": "deal_confirmation"}'}, "subscribed"),
        ({"event": "note", "data": '{"deal_confirmation": is the channel'}, "note"),
        ({"type": "subscribed", "args": {"to": [{"channel": "deal_confirmation"}]}}, "subscribed"),
    ],
)
def test_an_operational_message_says_its_kind(message: dict[str, Any], kind: str) -> None:
    assert parse_message(json.dumps(message), BERLIN) == Operational(kind)


@pytest.mark.parametrize("beside", [{"type": "heartbeat", "seq": 5}, {"deal_recall": {"id": "123"}}])
def test_a_confirmation_is_a_trade_whatever_is_beside_it(beside: dict[str, Any]) -> None:
    assert parse_message(json.dumps(json.loads(deal()) | beside), BERLIN) == GOOD_TRADE


def test_a_cancellation_that_also_names_a_kind_is_a_cancellation() -> None:
    recall = {"type": "heartbeat", "deal_recall": {"id": "123"}}
    assert parse_message(json.dumps(recall), BERLIN) == Cancellation("123", None, None)


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse_message("\ufeff" + deal(), BERLIN) == GOOD_TRADE


@pytest.mark.parametrize(
    "changes",
    [
        {"price": "20.64"},
        {"price": "20.6400", "quantity": "1.20"},
        {"direction": "SELL"},
        {"direction": "Sell"},
        {"direction": "s"},
        {"direction": " S "},
        {"id": " 3624e95119f04b7bb054b2f91a980a83\n", "trader_id": " flex_trader_4"},
        {"delivery_day": " 2023-02-21 ", "delivery_hour": " 15 - 16 "},
        {"delivery_hour": "H16"},
        {"execution_time": "2023-02-21 07:13:43+01"},
        {"execution_time": "2023-02-21T06:13:43Z"},
        {"execution_time": "2023-02-21T06:13:43.0000009Z"},
        *({name: code} for name in ("state", "status", "trade_state") for code in ("COMPLETED", "confirmed")),
        *({"state": code} for code in ("ACTIVE", "EXECUTED", "NOT_CANCELLED", " Completed ", None)),
        {"STATE": "ACTIVE", "Status": "EXECUTED"},
        *({name: 0} for name in ("revision", "revision_no", "version", "Version")),
        *({"revision": none} for none in ("0", " 0 ", None)),
        *({name: code} for name in ("currency", "Currency") for code in ("EUR", "eur", " EUR ", None)),
        *({"price_unit": unit} for unit in ("EUR/MWh", "euro/mwh", "euro", "EURO", None)),
        {"unit": "EUR/MWh"},
        *({"quantity_unit": unit} for unit in ("MW", "mw", None)),
        {"volume_unit": "MW"},
        {"quantity_unit": "MWh"},
        {"Volume_Unit": "MWH"},
    ],
)
def test_the_same_trade_in_other_words(changes: dict[str, Any]) -> None:
    assert parse_message(deal(**changes), BERLIN) == GOOD_TRADE


@pytest.mark.parametrize("name", ["state", "status", "trade_state", "TRADE_STATE"])
@pytest.mark.parametrize("code", ["CANCELLED", "CANCELED", "RECALLED", "BUSTED", "cancelled", " Busted "])
def test_a_confirmation_in_a_cancelled_state_is_a_cancellation(name: str, code: str) -> None:
    assert parse_message(deal(**{name: code}), BERLIN) == Cancellation(GOOD_TRADE.trade_id, "sell", None)
    assert parse_message(deal(**{name: code}, revision=2), BERLIN) == Cancellation(
        GOOD_TRADE.trade_id, "sell", 2
    )
    # a recall need not say again what the trade was
    short = json.dumps({"deal_confirmation": {"id": "123", name: code}})
    assert parse_message(short, BERLIN) == Cancellation("123", None, None)


def test_a_trade_that_one_state_confirms_and_another_cancels_is_cancelled() -> None:
    for states in (
        {"state": "COMPLETED", "status": "CANCELLED"},
        {"state": "RECALLED", "status": "DISPUTED"},
        {"state": "RECALLED", "State": "ACTIVE"},
    ):
        assert isinstance(parse_message(deal(**states), BERLIN), Cancellation)


@pytest.mark.parametrize("code", ["DISPUTED", "RECALL_REQUESTED", "disputed"])
def test_a_disputed_trade_counts(code: str) -> None:
    assert parse_message(deal(state=code), BERLIN) == replace(GOOD_TRADE, is_disputed=True)
    assert parse_message(deal(status="CONFIRMED", state=code), BERLIN) == replace(GOOD_TRADE, is_disputed=True)


@pytest.mark.parametrize(
    ("changes", "revision"),
    [
        ({}, 0),
        ({"revision": 1}, 1),
        ({"revision_no": "2"}, 2),
        ({"version": 3}, 3),
        ({"VERSION": 3}, 3),
        ({"revision": 1_764_230_400_000}, 1_764_230_400_000),
        ({"version": 2**63 - 1}, 9_223_372_036_854_775_807),
        ({"revision": 1, "version": 4, "revision_no": 2}, 4),
        ({"revision": 2, "version": None}, 2),
        ({"Version": 5, "version": 3}, 5),
        ({"version": 5, "Version": 3}, 5),
    ],
)
def test_the_highest_revision_of_a_message_counts(changes: dict[str, Any], revision: int) -> None:
    assert parse_message(deal(**changes), BERLIN) == replace(GOOD_TRADE, revision=revision)


@pytest.mark.parametrize(
    ("label", "mwh", "mw"),
    [
        ("15-16", "1.2", "1.2"),
        ("15:00-15:15", "1.2", "4.8"),
        ("15:00-15:30", "1.2", "2.4"),
        ("15:15-15:30", "0.025", "0.1"),
        ("08-20", "1.2", "0.1"),
        ("00-24", "3", "0.125"),
        ("08-11", "0.3", "0.1"),
    ],
)
def test_mwh_are_converted_exactly_by_the_hours_of_delivery(label: str, mwh: str, mw: str) -> None:
    trade = parsed(deal(quantity=mwh, quantity_unit="MWh", delivery_hour=label))
    assert trade.quantity_mw == Decimal(mw)
    assert trade.energy_mwh == Decimal(mwh)


@pytest.mark.parametrize(
    "units",
    [
        {"quantity_unit": "MW", "volume_unit": "MWh"},
        {"quantity_unit": "MW", "volume": "0.3", "volume_unit": "MWh"},
        {"volume_unit": "MWh", "Volume": 0.3},
    ],
)
def test_the_unit_of_another_number_says_nothing_about_the_quantity(units: dict[str, Any]) -> None:
    trade = parsed(deal(quantity="1.2", delivery_hour="15:00-15:15", **units))
    assert (trade.quantity_mw, trade.energy_mwh) == (Decimal("1.2"), Decimal("0.3"))


def test_mwh_that_no_decimal_divides_still_count() -> None:
    trade = parsed(deal(quantity=1, volume_unit="MWh", delivery_hour="08-11"))
    assert trade.quantity_mw == Decimal("0.3333333333")


def test_more_than_ten_decimals_cost_no_trade() -> None:
    trade = parsed(deal_with("price", "27.740000000000002"))
    assert trade.price_eur_per_mwh == Decimal("27.74")
    trade = parsed(deal_with("quantity", "0.30000000000000004"))
    assert trade.quantity_mw == Decimal("0.3")


def test_the_currency_must_be_that_of_the_market() -> None:
    pounds = replace(BERLIN, currency="GBP")
    trade = parse_message(deal(currency="GBP"), pounds)
    assert isinstance(trade, Trade)
    rejected = outcome(parse_message, deal(currency="EUR"), pounds)
    assert isinstance(rejected, RejectedMessageError)
    assert rejected.reason == Reason.FOREIGN_CURRENCY


@pytest.mark.parametrize(
    "text",
    [
        deal_without("execution_time"),
        *(deal(execution_time=value) for value in (None, 0, "", "2023-02-21T06:13:43", "2023-02-21T25:13:43Z")),
    ],
)
def test_a_time_that_cannot_be_read_costs_no_trade(text: str) -> None:
    assert parse_message(text, BERLIN) == replace(GOOD_TRADE, executed_at=None)


def test_fields_that_we_do_not_know_do_no_harm_and_are_named() -> None:
    message = json.loads(deal(venue="EPEX", Text=None, state="ACTIVE", VERSION=0, Price=5)) | {"sent_at": "now"}
    trade = parsed(json.dumps(message))
    assert trade == GOOD_TRADE
    assert trade.content == GOOD_TRADE.content
    assert trade.unknown_fields == ("venue", "Text", "Price")
    assert parsed(deal()).unknown_fields == ()


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({"price": 20.65}, False),
        ({"quantity": 1.3}, False),
        ({"trader_id": "flex_trader_5"}, False),
        ({"delivery_day": "2023-02-22"}, False),
        ({"delivery_hour": "16-17"}, False),
        ({"execution_time": "2023-02-21T06:13:44+00:00"}, False),
        ({"delivery_hour": "15:00-16:00", "price": "20.640", "venue": "EPEX"}, True),
        ({"state": "DISPUTED"}, True),
    ],
)
def test_what_makes_two_copies_equal(changes: dict[str, Any], is_same: bool) -> None:
    assert (parsed(deal(**changes)).content == GOOD_TRADE.content) is is_same


@pytest.mark.parametrize(
    ("text", "day", "hours"),
    [
        (deal(price="?"), "2023-02-21", "15-16"),
        (deal(currency="GBP", delivery_hour="15:00 - 15:15"), "2023-02-21", "15-16"),
        (
            '{"trade_recall": {"delivery_day": "2023-02-21", "delivery_hour": "8-10"}}',
            "2023-02-21",
            "08-09 09-10",
        ),
        (
            deal(price="?", delivery_day="2025-10-26", delivery_hour="02-04"),
            "2025-10-26",
            "02-03A 02-03B 03-04",
        ),
        (deal(price="?", delivery_day="2025-10-26", delivery_hour="02-03"), "2025-10-26", "02-03"),
    ],
)
def test_a_rejected_message_may_tell_its_hours(text: str, day: str, hours: str) -> None:
    assert claimed_hours(text, BERLIN) == (date.fromisoformat(day), tuple(hours.split()))


@pytest.mark.parametrize(
    "text",
    [
        deal(delivery_hour="15"),
        deal(delivery_hour=15),
        deal(delivery_day="2025-03-30", delivery_hour="02-03"),
        deal_without("delivery_day"),
        deal()[:-1],
        '{"order_confirmation": {"delivery_day": "2023-02-21", "delivery_hour": "15-16"}}',
        '{"deal_confirmation": "15-16"}',
        *("[]", "null", ""),
    ],
)
def test_a_rejected_message_may_tell_no_hours(text: str) -> None:
    assert claimed_hours(text, BERLIN) is None


@pytest.mark.parametrize("price", ["0", "-0.01", "-500", "-9999.99", "9999.99", "0.1", "1e2"])
def test_negative_and_zero_prices_are_ordinary(price: str) -> None:
    assert parsed(deal_with("price", price)).price_eur_per_mwh == Decimal(price)


@pytest.mark.parametrize(("field", "literal"), [("price", "10000"), ("quantity", "0"), ("quantity", "-1.5")])
def test_what_no_exchange_sends_is_left_for_the_validation(field: str, literal: str) -> None:
    trade = parsed(deal_with(field, literal))
    assert Decimal(literal) in (trade.price_eur_per_mwh, trade.quantity_mw)


def test_a_trade_executed_after_delivery_began_is_a_trade() -> None:
    trade = parsed(deal(execution_time="2023-02-21T20:00:00Z"))
    assert trade.executed_at is not None
    assert trade.executed_at > trade.period.end_at


@pytest.mark.parametrize(
    ("label", "energy", "by_hour"),
    [
        ("15-16", "1.2", {"15-16": "1.2"}),
        ("15:00-15:15", "0.3", {"15-16": "0.3"}),
        ("15:45-16:00", "0.3", {"15-16": "0.3"}),
        ("15:00-15:30", "0.6", {"15-16": "0.6"}),
        ("16-18", "2.4", {"16-17": "1.2", "17-18": "1.2"}),
        ("00-24", "28.8", {f"{h:02}-{h + 1:02}": "1.2" for h in range(24)}),
    ],
)
def test_energy_is_power_times_hours_in_each_hour_of_delivery(
    label: str, energy: str, by_hour: dict[str, str]
) -> None:
    trade = parsed(deal(delivery_hour=label))
    assert trade.energy_mwh == Decimal(energy)
    assert trade.fill() == Fill("sell", Decimal(energy), Decimal("20.64"))
    assert trade.fills() == {
        name: Fill("sell", Decimal(mwh), Decimal("20.64")) for name, mwh in by_hour.items()
    }


@pytest.mark.parametrize(("label", "energy"), [("02-03", "1.2"), ("02:00-02:15", "0.3")])
def test_the_doubled_hour_delivers_one_hour_of_energy(label: str, energy: str) -> None:
    trade = parsed(deal(delivery_day="2025-10-26", delivery_hour=label))
    assert trade.period.is_dst_ambiguous
    assert trade.energy_mwh == Decimal(energy)
    assert list(trade.fills()) == ["02-03"]


def test_a_block_delivers_in_both_of_the_doubled_hours() -> None:
    trade = parsed(deal(delivery_day="2025-10-26", delivery_hour="01-04"))
    assert trade.energy_mwh == Decimal("4.8")
    assert list(trade.fills()) == ["01-02", "02-03A", "02-03B", "03-04"]


@given(
    st.decimals(-9_999, 9_999, allow_nan=False, places=2),
    st.decimals(0, 999_999, allow_nan=False, places=1),
)
def test_price_and_quantity_are_exactly_what_was_written(price: Decimal, quantity: Decimal) -> None:
    text = deal(price="@", quantity="#").replace('"@"', str(price)).replace('"#"', str(quantity))
    trade = parsed(text)
    assert (trade.price_eur_per_mwh, trade.quantity_mw) == (price, quantity)


@pytest.mark.parametrize(("reason", "text", "explanation"), BAD_DEALS)
def test_a_bad_message_is_rejected_with_its_reason_in_words(
    reason: Reason, text: str, explanation: str
) -> None:
    rejected = message_or_rejection(text)
    assert isinstance(rejected, RejectedMessageError)
    assert rejected.reason == reason
    assert explanation in rejected.detail


@given(st.text())
@example("\ud800")
@example("1" * 10_000)
def test_any_text_is_a_message_or_rejected(text: str) -> None:
    message_or_rejection(text)


@given(json_values, st.sampled_from([*keys, None]))
def test_any_json_is_a_message_or_rejected(value: Any, key: str | None) -> None:
    message_or_rejection(json.dumps(value if key is None else {key: value}))


@given(st.dictionaries(fields, json_values, max_size=3))
def test_a_deal_with_any_values_is_a_message_or_rejected(changes: dict[str, Any]) -> None:
    message_or_rejection(deal(**changes))


@given(st.integers(0, len(deal())), st.integers(0, 12), st.text(max_size=4))
def test_a_mutated_deal_is_a_message_or_rejected(at: int, removed: int, inserted: str) -> None:
    good = deal()
    message_or_rejection(good[:at] + inserted + good[at + removed :])


@given(fields, st.from_regex(r"-?[0-9]{1,12}(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,20})?", fullmatch=True))
def test_a_deal_with_any_number_is_a_message_or_rejected(field: str, literal: str) -> None:
    message_or_rejection(deal_with(field, literal))
