"""The fast way and the domain's rules must never disagree."""

import json
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.delivery_period import Market
from include.domain.rejection import RejectedMessageError
from include.domain.trade import parse_trade
from include.load.trade_rows import TradeRows
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
            "",
            "02-03",
            "24-25",
            "2026-13-01",
            "2026-03-29",
            "2026-10-25",
            "2026-W10-2",
            "buy",
            "Buy",
            "\x00",
            "\\N",
        ]
    ),
    st.sampled_from(
        [
            "2026-03-02T10:13:43Z",
            "2026-03-02T10:13:43+23:00",
            "2026-03-02T10:13:43.123456+00:00",
            "2026-03-02T10:13:60+00:00",
            "1999-12-31T23:00:00+00:00",
            "2026-03-02T10:13:43,00000",
            "2026-03-02t10:13:43z",
        ]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["id", "price"]), st.integers(), max_size=2),
)


def verdict(parse: Callable[[], Any]) -> Any:
    """What the parser returns, or the reason and detail of its refusal."""
    try:
        return parse()
    except RejectedMessageError as error:
        return error.reason, error.detail


def assert_same(text: str) -> None:
    """Same verdict, and the same trade, as the executable specification."""
    expected = verdict(lambda: parse_trade(text, MARKET))
    if isinstance(expected, tuple):
        assert verdict(lambda: TradeRows(MARKET).row(text)) == expected
        return
    trade = expected
    key, row = TradeRows(MARKET).row(text)
    assert key == trade.trade_id
    values = row.split("\t")
    assert values[2] == trade.direction
    assert trade.price_eur_per_mwh == type(trade.price_eur_per_mwh)(values[3])
    assert trade.quantity_mw == type(trade.quantity_mw)(values[4])
    assert values[5:9] == [
        str(trade.period.delivery_day),
        trade.period.delivery_hour,
        trade.period.start_at.isoformat(),
        trade.period.end_at.isoformat(),
    ]
    assert values[9].endswith("+00:00")
    assert trade.executed_at == type(trade.executed_at).fromisoformat(values[9])


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
        "1e400000",
        "-0.0",
        "1E2",
        "0.1234567891",
        "0.12345678912",
        "999999999.9",
        "1000000000",
        "NaN",
        "1_0",
        "01",
        ".5",
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
        "2026-03-02T10:13,43+00:00",
        "2026-03-02T10:13.43+00:00",
        "2026-03-02T101343,1Z",
        "2026-03-02T10131343Z",
        "2026-03-02T10.34361Z",
        "2026-03-02T10:13:4Z",
        "2026-03-02T10:13:60Z",
        "2026-03-02T24:00:00Z",
        "2026-03-02T10:13:43.1234567Z",
        "2026-03-02T10:13:43,123Z",
        "2026-W10-1T10:13:43Z",
        "20260302T10:13:43+000000",
        "2026-03-02t10:13:43+00:00",
        "2026-03-02T10:13:43-00:00",
        "2026-03-02T10:13:43+00:60",
        "2099-12-31T23:59:59Z",
    ],
)
def test_any_spelling_of_a_time(time: str) -> None:
    assert_same(deal(execution_time=time))
