"""Faults and kinds of messages: each does what its name says, and the command line's spelling is understood."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.domain.delivery_period import Market
from include.domain.lifecycle import Received, outcome
from include.domain.rejection import Reason, RejectedMessageError
from include.domain.trade import Cancellation, Operational, Trade, parse_message
from include.simulator.deals import DealGenerator
from include.simulator.faults import DEMO, Disturbance, ExchangeFaults, parse_faults
from include.simulator.market import SimulatedMarket

AT = datetime(2025, 6, 2, 10, tzinfo=UTC)
BERLIN = Market.of("Europe/Berlin")
GENERATOR = SimulatedMarket(7).deals()
DEALS = [GENERATOR.deal(AT) for _ in range(200)]
TEXTS = [deal.message() for deal in DEALS]


def sent(**faults: Any) -> list[str | bytes]:
    disturbance = Disturbance(ExchangeFaults(**faults), seed=1)
    return [message for deal in DEALS for message in disturbance.messages(deal)]


def bodies(messages: list[str | bytes]) -> list[dict[str, Any]]:
    """The fields of each message with numbers as they are written."""
    return [body for text in messages for body in json.loads(text, parse_float=Decimal).values()]


def trades(messages: list[str | bytes]) -> list[Trade]:
    """The messages, all of which must be trades."""
    parsed = [parse_message(str(text), BERLIN) for text in messages]
    assert all(isinstance(trade, Trade) for trade in parsed)
    return [trade for trade in parsed if isinstance(trade, Trade)]


PLAIN = trades([*TEXTS])


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


@pytest.mark.parametrize(
    ("kind", "lengths"), [("quarter_hours", {"0.25"}), ("half_hours", {"0.5"}), ("blocks", set("2345678"))]
)
def test_other_periods_are_within_or_from_the_hour_of_the_deal(kind: str, lengths: set[str]) -> None:
    messages = trades(sent(**{kind: 1.0}))
    late = {"23-24"} if kind == "blocks" else set[str]()  # no block can begin with the last hour
    others = [
        (t, deal) for t, deal in zip(messages, DEALS, strict=True) if deal.period.delivery_hour not in late
    ]
    assert {str(trade.period.hours) for trade, _ in others} == lengths
    for trade, deal in others:
        assert trade.period.delivery_day == deal.period.delivery_day
        assert trade.period.shares[0].pnl_hour == deal.period.delivery_hour
        assert trade.period.tradable_until > AT
    assert len({trade.period.shares[0].from_minute for trade, _ in others}) == {1: 1, 0.5: 2, 0.25: 4}.get(
        float(others[0][0].period.hours), 1
    )


def test_an_hour_has_one_kind_of_other_period() -> None:
    messages = trades(sent(quarter_hours=0.5, half_hours=0.5, blocks=0.5))
    found = Counter(min(trade.period.hours, Decimal(2)) for trade in messages)
    assert found.keys() == {Decimal("0.25"), Decimal("0.5"), Decimal(1), Decimal(2)}
    assert 70 < found[Decimal("0.25")] < 130


@pytest.mark.parametrize(
    ("kinds", "spellings"),
    [
        ({}, {"9 - 9", "9\N{EN DASH}9", "9:9-9:9", "H9", "Hour 9"}),
        ({"quarter_hours": 1.0}, {"9:9 - 9:9", "9:9\N{EN DASH}9:9"}),
    ],
)
def test_odd_labels_mean_the_same_period(kinds: dict[str, float], spellings: set[str]) -> None:
    messages = sent(odd_labels=1.0, **kinds)
    written = [body["delivery_hour"] for body in bodies(messages)]
    # every number as 9
    found = {"".join("9" if c.isdigit() else c for c in label).replace("99", "9") for label in written}
    assert found >= spellings
    for trade, label, deal in zip(trades(messages), written, DEALS, strict=True):
        assert trade.period.delivery_hour != label
        assert trade.period.shares[0].pnl_hour == deal.period.delivery_hour


@pytest.mark.parametrize(("label", "odd"), [("23-24", "23-00"), ("09-10", "9-10")])
def test_hours_of_the_morning_and_the_evening_have_odd_labels_of_their_own(label: str, odd: str) -> None:
    deal = replace(DEALS[0], period=BERLIN.period(AT.date(), label))
    disturbance = Disturbance(ExchangeFaults(odd_labels=1.0), 1)
    messages = [message for _ in range(100) for message in disturbance.messages(deal)]
    assert odd in {body["delivery_hour"] for body in bodies(messages)}
    assert {trade.period.delivery_hour for trade in trades(messages)} == {label}


def test_odd_times_mean_the_same_minute() -> None:
    messages = sent(odd_times=1.0)
    written = {body["execution_time"] for body in bodies(messages)}
    assert written == {"2025-06-02T11:00:00.0000007+01:00", "2025-06-02T11:00+0100", "2025-06-02 11:00:00+01"}
    assert trades(messages) == PLAIN


def test_numbers_as_text_are_the_same_numbers() -> None:
    messages = sent(numbers_as_text=1.0)
    assert {type(body[name]) for body in bodies(messages) for name in ("price", "quantity")} == {str}
    assert trades(messages) == PLAIN


def test_whole_number_ids_are_numbers_and_each_its_own() -> None:
    ids = [body["id"] for body in bodies(sent(whole_number_ids=1.0))]
    assert {type(id) for id in ids} == {int}
    assert len(set(ids)) == 200
    assert [trade.trade_id for trade in trades(sent(whole_number_ids=1.0))] == [str(id) for id in ids]


def test_unknown_fields_are_named_and_change_nothing() -> None:
    messages = trades(sent(unknown_fields=1.0))
    assert messages == PLAIN
    assert {trade.unknown_fields for trade in messages} == {("venue", "is_aggressor")}


def test_disputes_are_trades_that_say_so() -> None:
    messages = sent(disputes=1.0)
    assert {body["state"] for body in bodies(messages)} == {"DISPUTED", "RECALL_REQUESTED"}
    assert trades(messages) == [replace(trade, is_disputed=True) for trade in PLAIN]


def test_a_self_trade_has_two_legs_of_two_traders() -> None:
    messages = trades(sent(self_trades=1.0))
    assert messages[::2] == PLAIN
    for first, second in zip(messages[::2], messages[1::2], strict=True):
        assert {first.direction, second.direction} == {"buy", "sell"}
        assert first.trader_id != second.trader_id
        assert replace(second, direction=first.direction, trader_id=first.trader_id) == first
    assert {trade.trader_id for trade in messages[1::2]} == {trade.trader_id for trade in PLAIN}


def test_amendments_come_later_with_another_price() -> None:
    messages = trades(sent(amendments=1.0))
    firsts, amendments = ([t for t in messages if t.revision == n] for n in (0, 1))
    assert firsts == PLAIN
    assert 50 < len(amendments) < 150  # within 200 further deals
    known = {trade.trade_id: trade for trade in firsts}
    for amended in amendments:
        first = known[amended.trade_id]
        assert messages.index(first) < messages.index(amended)
        assert abs(amended.price_eur_per_mwh - first.price_eur_per_mwh) == 1
        assert replace(amended, price_eur_per_mwh=first.price_eur_per_mwh, revision=0) == first


@pytest.mark.parametrize("kinds", [{}, {"whole_number_ids": 0.5}, {"self_trades": 1.0}])
def test_recalls_take_deals_back_in_three_forms(kinds: dict[str, float]) -> None:
    messages = sent(recalls=1.0, **kinds)
    parsed = [parse_message(str(text), BERLIN) for text in messages]
    cancellations = [message for message in parsed if isinstance(message, Cancellation)]
    assert 50 < len(cancellations) < 150
    assert {next(iter(json.loads(text))) for text in messages} == {
        *("deal_confirmation", "trade_confirmation", "deal_cancellation", "trade_recall"),
    }
    assert {cancellation.direction for cancellation in cancellations} == {None, "buy", "sell"}
    result = outcome(
        Received(message, AT, ("file", n))
        for n, message in enumerate(parsed)
        if not isinstance(message, Operational)
    )
    assert {trade_id for trade_id, _ in result.cancelled} == {c.trade_id for c in cancellations}
    assert result.orphans == []


def test_operational_messages_come_beside_the_deals() -> None:
    messages = sent(operational_messages=1.0)
    assert messages[::2] == TEXTS
    parsed = [parse_message(str(text), BERLIN) for text in messages[1::2]]
    kinds = {message.kind for message in parsed if isinstance(message, Operational)}
    assert len(parsed) == len(TEXTS)
    assert all(isinstance(message, Operational) for message in parsed)
    assert kinds == {"heartbeat", "subscribed", "status"}


def test_a_foreign_currency_is_rejected_and_an_extreme_price_left_to_the_validation() -> None:
    for text in sent(foreign_currency=1.0):
        with pytest.raises(RejectedMessageError) as rejected:
            parse_message(str(text), BERLIN)
        assert rejected.value.reason is Reason.FOREIGN_CURRENCY
    for kinds in ({}, {"numbers_as_text": 1.0}):
        prices = {trade.price_eur_per_mwh for trade in trades(sent(extreme_prices=1.0, **kinds))}
        assert prices == {Decimal("12345.67"), Decimal("-12345.67")}


def test_messages_are_the_same_again_from_the_same_seed() -> None:
    every = parse_faults(DEMO)[0]

    def messages(seed: int) -> list[str | bytes]:
        disturbance = Disturbance(every, seed)
        return [message for deal in DEALS for message in disturbance.messages(deal)]

    assert messages(1) == messages(1)
    assert messages(1) != messages(2)


def test_the_demo_shows_each_kind_within_minutes_and_what_needs_a_review_about_once_an_hour() -> None:
    deals_an_hour = 1.6 * 3600
    faults = parse_faults(DEMO)[0]
    rare = faults.foreign_currency, faults.extreme_prices, faults.broken_json
    assert min(rare) > 0
    assert 0.8 < sum(rare) * deals_an_hour < 1.2
    disturbance = Disturbance(faults, seed=7)
    found: Counter[str] = Counter()
    for deal in DealGenerator(7, BERLIN).between(AT, AT + timedelta(hours=1), 1.6):
        for text in disturbance.messages(deal):
            found.update(kinds_of(str(text)))
    for kind in ("quarter", "half", "block", "amendment", "cancellation", "disputed", "operational"):
        assert found[kind] >= 30, kind
    assert found["reject"] + found["out of bounds"] <= 3  # so nothing else needs a review
    assert found["ordinary"] > 0.7 * found.total()


def kinds_of(text: str) -> list[str]:
    """What a message of the demo shows."""
    try:
        message = parse_message(text, BERLIN)
    except RejectedMessageError:
        return ["reject"]
    if not isinstance(message, Trade):
        return [type(message).__name__.lower()]
    is_kind: dict[str, Callable[[Trade], bool]] = {
        "quarter": lambda trade: trade.period.hours == Decimal("0.25"),
        "half": lambda trade: trade.period.hours == Decimal("0.5"),
        "block": lambda trade: trade.period.hours > 1,
        "amendment": lambda trade: trade.revision > 0,
        "disputed": lambda trade: trade.is_disputed,
        "out of bounds": lambda trade: abs(trade.price_eur_per_mwh) > 10_000,
    }
    return [kind for kind, holds in is_kind.items() if holds(message)] or ["ordinary"]


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
