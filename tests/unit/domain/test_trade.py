"""Trades: what a message means, and that whatever else arrives is rejected with a reason."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.domain.delivery_period import Market
from include.domain.pnl import Fill
from include.domain.rejection import Reason, RejectedMessageError
from include.domain.trade import MESSAGE_KEYS, Trade, parse_trade
from tests.unit.domain.messages import BAD_DEALS, GOOD_BODY, deal, deal_with, outcome

BERLIN = Market.of("Europe/Berlin")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(sorted(GOOD_BODY))


def trade_or_rejection(text: str) -> Trade | RejectedMessageError:
    """What parse_trade makes of any text; all that may be said of either is checked here."""
    trade = outcome(parse_trade, text, BERLIN)
    if isinstance(trade, RejectedMessageError):
        assert trade.reason in Reason
        assert trade.detail.isascii()
        assert trade.detail.isprintable()
        assert 5 < len(trade.detail) < 250
        return trade
    for name in (trade.trade_id, trade.trader_id):
        assert 1 <= len(name.encode()) <= 800
        assert "\x00" not in name
    for number in (trade.price_eur_per_mwh, trade.quantity_mw):
        assert number.is_finite()
        assert abs(number) < 10**9
        assert number == round(number, 10)
    assert trade.direction in ("buy", "sell")
    assert trade.executed_at.tzinfo is UTC
    return trade


@pytest.mark.parametrize("key", MESSAGE_KEYS)
def test_both_keys_mean_the_same_trade(key: str) -> None:
    trade = parse_trade(deal(key), BERLIN)
    assert trade == Trade(
        trade_id="3624e95119f04b7bb054b2f91a980a83",
        trader_id="flex_trader_4",
        direction="sell",
        price_eur_per_mwh=Decimal("20.64"),
        quantity_mw=Decimal("1.2"),
        period=BERLIN.period(date(2023, 2, 21), "15-16"),
        executed_at=datetime(2023, 2, 21, 6, 13, 43, tzinfo=UTC),
    )


def test_the_sibling_form_with_short_ids_and_zulu_time_is_read() -> None:
    trade = parse_trade(
        deal("trade_confirmation", id="123", trader_id="trader_1", execution_time="2023-02-21T06:13:43Z"),
        BERLIN,
    )
    assert (trade.trade_id, trade.trader_id) == ("123", "trader_1")
    assert trade.executed_at == datetime(2023, 2, 21, 6, 13, 43, tzinfo=UTC)


def test_fields_and_keys_we_do_not_know_do_no_harm() -> None:
    message = json.loads(deal(venue="EPEX")) | {"sent_at": "now"}
    assert parse_trade(json.dumps(message), BERLIN) == parse_trade(deal(), BERLIN)


@pytest.mark.parametrize("price", ["0", "-0.01", "-500", "-9999.99", "9999.99", "0.1", "1e2"])
def test_negative_and_zero_prices_are_ordinary(price: str) -> None:
    assert parse_trade(deal_with("price", price), BERLIN).price_eur_per_mwh == Decimal(price)


@pytest.mark.parametrize(("field", "literal"), [("price", "10000"), ("quantity", "0"), ("quantity", "-1.5")])
def test_what_no_exchange_sends_is_left_for_the_validation_of_the_batch(field: str, literal: str) -> None:
    trade = parse_trade(deal_with(field, literal), BERLIN)
    assert Decimal(literal) in (trade.price_eur_per_mwh, trade.quantity_mw)


def test_a_trade_executed_after_delivery_began_is_a_trade() -> None:
    trade = parse_trade(deal(execution_time="2023-02-21T20:00:00Z"), BERLIN)
    assert trade.executed_at > trade.period.end_at


@pytest.mark.parametrize(
    ("label", "energy"), [("15-16", "1.2"), ("15:00-15:15", "0.3"), ("15:00-15:30", "0.6")]
)
def test_energy_is_power_times_hours(label: str, energy: str) -> None:
    trade = parse_trade(deal(delivery_hour=label), BERLIN)
    assert trade.energy_mwh == Decimal(energy)
    assert trade.fill() == Fill("sell", Decimal(energy), Decimal("20.64"))


def test_the_doubled_hour_delivers_one_hour_of_energy() -> None:
    trade = parse_trade(deal(delivery_day="2025-10-26", delivery_hour="02-03"), BERLIN)
    assert trade.period.is_dst_ambiguous
    assert trade.energy_mwh == Decimal("1.2")


@given(
    st.decimals(-9_999, 9_999, allow_nan=False, places=2),
    st.decimals(0, 999_999, allow_nan=False, places=1),
)
def test_price_and_quantity_are_exactly_what_was_written(price: Decimal, quantity: Decimal) -> None:
    text = deal(price="@", quantity="#").replace('"@"', str(price)).replace('"#"', str(quantity))
    trade = parse_trade(text, BERLIN)
    assert (trade.price_eur_per_mwh, trade.quantity_mw) == (price, quantity)


@pytest.mark.parametrize(("reason", "text", "explanation"), BAD_DEALS)
def test_a_bad_message_is_rejected_with_its_reason_in_words(
    reason: Reason, text: str, explanation: str
) -> None:
    rejected = trade_or_rejection(text)
    assert isinstance(rejected, RejectedMessageError)
    assert rejected.reason == reason
    assert explanation in rejected.detail


@given(st.text())
@example("\ud800")
@example("1" * 10_000)
def test_any_text_is_a_trade_or_rejected(text: str) -> None:
    trade_or_rejection(text)


@given(json_values, st.sampled_from([*MESSAGE_KEYS, None]))
def test_any_json_is_a_trade_or_rejected(value: Any, key: str | None) -> None:
    trade_or_rejection(json.dumps(value if key is None else {key: value}))


@given(st.dictionaries(fields, json_values, max_size=3))
def test_a_deal_with_any_values_is_a_trade_or_rejected(changes: dict[str, Any]) -> None:
    trade_or_rejection(deal(**changes))


@given(st.integers(0, len(deal())), st.integers(0, 12), st.text(max_size=4))
def test_a_mutated_deal_is_a_trade_or_rejected(at: int, removed: int, inserted: str) -> None:
    good = deal()
    trade_or_rejection(good[:at] + inserted + good[at + removed :])


@given(fields, st.from_regex(r"-?[0-9]{1,12}(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,20})?", fullmatch=True))
def test_a_deal_with_any_number_is_a_trade_or_rejected(field: str, literal: str) -> None:
    trade_or_rejection(deal_with(field, literal))
