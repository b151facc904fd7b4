"""The fast way and the domain's rules must never disagree."""

import json
import string
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.delivery_period import Market
from include.domain.rejection import RejectedMessageError
from include.domain.trade import Trade, parse_message
from include.load.trade_rows import COLUMNS, TradeRows, key_of
from tests.messages import DEAL, deal

MARKET = Market.of("Europe/Berlin")

_odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.floats(),
    st.text(max_size=30),
    st.text(string.printable, max_size=30),
    st.sampled_from(
        [
            *("", "02-03", "9-10", "H16", "15:45-16:00", "08-20", "24-25", "2026-13-01", "2026-03-29"),
            *("2026-10-25", "2026-W10-2", "buy", "Buy", "\x00", "\\N"),
        ]
    ),
    st.sampled_from(
        [
            *("2026-03-02T10:13:43Z", "2026-03-02T10:13:43+23:00", "2026-03-02T10:13:43.123456+00:00"),
            *("2026-03-02T10:13:60+00:00", "1999-12-31T23:00:00+00:00", "2026-03-02T10:13:43,00000"),
            "2026-03-02t10:13:43z",
        ]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["id", "price"]), st.integers(), max_size=2),
)


def assert_same(text: str) -> None:
    """The row says what the executable specification says of the message; a message may be left to it."""
    row = TradeRows(MARKET).ordinary_row(text)
    try:
        trade = parse_message(text, MARKET)
    except RejectedMessageError:
        assert row is None
        return
    if isinstance(trade, Trade):
        assert_is_row_of(TradeRows(MARKET).row_of(trade), trade)
        if row is not None:
            assert (trade.revision, trade.is_disputed, trade.unknown_fields) == (0, False, ())
            assert row == TradeRows(MARKET).row_of(trade), "stored alike, whichever way it came"
    else:
        assert row is None


def assert_is_row_of(keyed: tuple[str, str], trade: Trade) -> None:
    """Key and values, in the text format of COPY, are the trade's."""
    key, row = keyed
    assert key == key_of(trade.trade_id, trade.direction, trade.revision)
    values = dict(zip(COLUMNS, row.split("\t"), strict=True))
    assert values["direction"] == trade.direction
    assert trade.price_eur_per_mwh == Decimal(values["price_eur_per_mwh"])
    assert trade.quantity_mw == Decimal(values["quantity_mw"])
    period = trade.period
    assert [values[name] for name in ("market", "delivery_day", "delivery_hour")] == [
        "DE", str(period.delivery_day), period.delivery_hour,
    ]  # fmt: skip
    assert values["delivery_start_at"] == period.start_at.isoformat()
    assert values["delivery_end_at"] == period.end_at.isoformat()
    if trade.executed_at is None:
        assert values["executed_at"] == "\\N"
    else:
        assert trade.executed_at == datetime.fromisoformat(values["executed_at"])
    assert (values["revision"], values["is_disputed"]) == (str(trade.revision), "ft"[trade.is_disputed])


def test_the_ordinary_message_is_not_left_to_the_specification() -> None:
    for key in ("deal_confirmation", "trade_confirmation"):
        assert TradeRows(MARKET).ordinary_row(deal(key)) is not None


@given(
    field=st.sampled_from(sorted(DEAL)),
    value=_odd,
    key=st.sampled_from(["deal_confirmation", "trade_confirmation"]),
)
def test_any_value_of_any_field(field: str, value: Any, key: str) -> None:
    assert_same(deal(key, **{field: value}))


@given(st.data())
def test_any_damage_to_a_message(data: st.DataObject) -> None:
    text = deal()
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 5))
    assert_same(text[:at] + data.draw(st.text(max_size=5)) + text[at + cut :])


@given(st.text())
def test_any_text(text: str) -> None:
    assert_same(text)


@pytest.mark.parametrize(
    "number",
    [
        *("1e400000", "-0.0", "1E2", "0.1234567891", "0.12345678912", "999999999.9", "1000000000", "NaN"),
        *("1_0", "01", ".5"),
    ],
)
def test_any_spelling_of_a_number(number: str) -> None:
    assert_same(deal().replace("20.64", number))


@pytest.mark.parametrize(
    "text",
    [
        deal().replace('"price": 20.64', '"price": 20.64, "price": 30.0'),
        deal().replace('"price"', '"price" '),
        deal(extra="more"),
        deal(revision=3, State="disputed"),
        deal(state="CANCELLED"),
        deal(id=" x "),
        deal(id=17, price="20.64", quantity_unit="MWh", delivery_hour="08-20"),
        deal(delivery_hour=" 15:00 - 15:15 "),
        deal(trader_id=" anna "),
        deal(delivery_day=" 2026-03-02 "),
        '{"type": "heartbeat"}',
        '{"deal_recall": {"id": "x"}}',
        deal()[:-1] + ', "trade_confirmation": null}',
        '{"deal_confirmation": null}',
        '{"deal_confirmation": ' + json.dumps(DEAL) + "}" + "{}",
        deal(trader_id="tab\tand\\backslash"),
        deal(id='quote"d'),
        deal(id="\ud800"),
        deal(id="x" * 200),
        deal(id="x" * 201),
        "[" * 100_000,
        deal()[:-1] + " " * 1_000_000 + "}",
        *(deal().replace("20.64", "[" * depth + "1" + "]" * depth) for depth in (1, 100, 900, 1_000, 5_000)),
        *(
            deal("confirmation").replace("20.64", "[" * depth + "1" + "]" * depth)
            for depth in (100, 1_000, 100_000)
        ),
    ],
)
def test_odd_but_thinkable(text: str) -> None:
    assert_same(text)


@pytest.mark.parametrize(
    "time",
    [
        *("2026-03-02T10:13,43+00:00", "2026-03-02T10:13.43+00:00", "2026-03-02T101343,1Z"),
        *("2026-03-02T10131343Z", "2026-03-02T10.34361Z", "2026-03-02T10:13:4Z", "2026-03-02T10:13:60Z"),
        *("2026-03-02T24:00:00Z", "2026-03-02T10:13:43.1234567Z", "2026-03-02T10:13:43,123Z"),
        *("2026-W10-1T10:13:43Z", "20260302T10:13:43+000000", "2026-03-02t10:13:43+00:00"),
        *("2026-03-02T10:13:43-00:00", "2026-03-02T10:13:43+00:60", "2099-12-31T23:59:59Z"),
    ],
)
def test_any_spelling_of_a_time(time: str) -> None:
    assert_same(deal(execution_time=time))
