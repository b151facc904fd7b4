"""Faults: each one of content does what its name says, and the command line's spelling is understood."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from include.simulator.faults import Disturbance, ExchangeFaults, parse_faults
from include.simulator.market import SimulatedMarket

GENERATOR = SimulatedMarket(7).deals()
DEALS = [GENERATOR.deal(datetime(2025, 6, 2, 10, tzinfo=UTC)) for _ in range(200)]
TEXTS = [deal.message() for deal in DEALS]


def sent(**faults: Any) -> list[str | bytes]:
    disturbance = Disturbance(ExchangeFaults(**faults), seed=1)
    return [message for deal in DEALS for message in disturbance.messages(deal)]


def identity(text: str | bytes) -> str:
    (body,) = json.loads(text).values()
    return str(body["id"])


def test_without_faults_every_deal_is_one_message() -> None:
    assert sent() == TEXTS


def test_duplicates_are_the_same_text_twice() -> None:
    assert sent(duplicates=1.0) == [text for text in TEXTS for _ in range(2)]
    some = sent(duplicates=0.2)
    assert 210 < len(some) < 270
    assert list(dict.fromkeys(some)) == TEXTS


def test_conflicting_duplicates_differ_in_nothing_but_the_price() -> None:
    messages = sent(conflicting_duplicates=1.0)
    assert messages[::2] == TEXTS
    for first, second in zip(messages[::2], messages[1::2], strict=True):
        ((key, body),) = json.loads(first).items()
        ((other_key, other),) = json.loads(second).items()
        assert key == other_key
        assert {name for name in body if body[name] != other[name]} == {"price"}


def test_reordering_changes_the_order_and_loses_nothing_but_the_last_few() -> None:
    messages = sent(reordering=0.3)
    assert messages != [text for text in TEXTS if text in messages]
    assert len(messages) == len(set(messages)) >= len(TEXTS) - 5
    assert set(messages) <= set(TEXTS)
    for place, message in enumerate(messages):
        assert abs(TEXTS.index(str(message)) - place) <= 10


def test_broken_json_comes_beside_the_whole_message() -> None:
    messages = sent(broken_json=1.0)
    assert messages[::2] == TEXTS
    for broken in messages[1::2]:
        with pytest.raises(json.JSONDecodeError):
            json.loads(broken)


def test_binary_frames_are_no_text() -> None:
    for message in sent(binary_frames=1.0)[1::2]:
        assert isinstance(message, bytes)
        with pytest.raises(UnicodeDecodeError):
            message.decode()


def test_oversized_messages_have_five_megabytes() -> None:
    (_, oversized) = Disturbance(ExchangeFaults(oversized_messages=1.0), 1).messages(DEALS[0])
    assert len(oversized) > 5_000_000


def test_the_other_price_stays_within_the_limits() -> None:
    for price in (Decimal("-9999.99"), Decimal("9999.99"), Decimal("0.00")):
        other = replace(DEALS[0], price=price).with_other_price().price
        assert -10_000 < other < 10_000
        assert other != price


def test_faults_are_named_on_the_command_line() -> None:
    exchange, provider = parse_faults(
        ["dying-hour", "duplicates=0.1", "disconnect_every_messages=50", "error_status=503", "wrong_unit=gbp"]
    )
    assert exchange == ExchangeFaults(dying_hour=True, duplicates=0.1, disconnect_every_messages=50)
    assert (provider.error_status, provider.wrong_unit) == (503, "gbp")


@pytest.mark.parametrize(
    ("argument", "why"),
    [
        ("nonsense", "no fault is called 'nonsense'"),
        ("duplicates", "needs a value"),
        ("duplicates=", "needs a value"),
        ("duplicates=many", "needs a number"),
        ("silence=yes", "takes no value"),
    ],
)
def test_a_wrong_fault_is_explained(argument: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_faults([argument])
