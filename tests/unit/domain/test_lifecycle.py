"""Lifecycles: which of the messages about a trade count, in whatever order they are read."""

import itertools
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.delivery_period import Market
from include.domain.lifecycle import Outcome, Received, outcome
from include.domain.pnl import Direction
from include.domain.trade import Cancellation, Trade

PERIOD = Market.of("Europe/Berlin").period(date(2023, 2, 21), "15-16")
NOON = datetime(2023, 2, 21, 12, tzinfo=UTC)
OUT_OF_BOUNDS = 10_000


def trade(
    price: int = 20,
    *,
    id: str = "1",
    direction: Direction = "sell",
    revision: int = 0,
    disputed: bool = False,
) -> Trade:
    return Trade(
        trade_id=id,
        trader_id="flex_trader_4",
        direction=direction,
        price_eur_per_mwh=Decimal(price),
        quantity_mw=Decimal("1.2"),
        period=PERIOD,
        executed_at=NOON,
        revision=revision,
        is_disputed=disputed,
    )


def cancel(*, id: str = "1", direction: Direction | None = None, revision: int | None = None) -> Cancellation:
    return Cancellation(id, direction, revision)


def received(messages: Iterable[Trade | Cancellation]) -> list[Received]:
    """The messages as they were received: one a second."""
    return [
        Received(message, NOON + timedelta(seconds=n), ("file", n + 1)) for n, message in enumerate(messages)
    ]


def is_sound(trade: Trade) -> bool:
    return abs(trade.price_eur_per_mwh) < OUT_OF_BOUNDS


def told(result: Outcome) -> tuple[dict[str, int], dict[str, int], list[int], int]:
    """An outcome in short: prices of what counts, is cancelled, is in quarantine; number of orphans."""
    counting, cancelled = (
        {f"{id} {direction}": int(t.price_eur_per_mwh) for (id, direction), t in trades.items()}
        for trades in (result.counting, result.cancelled)
    )
    return (
        counting,
        cancelled,
        sorted(int(t.price_eur_per_mwh) for t in result.quarantined),
        len(result.orphans),
    )


SELL, BUY = "1 sell", "1 buy"
LIFECYCLES: dict[str, tuple[list[Trade | Cancellation], dict[str, int], dict[str, int], list[int], int]] = {
    "nothing": ([], {}, {}, [], 0),
    "a trade": ([trade(20)], {SELL: 20}, {}, [], 0),
    "two trades": ([trade(20), trade(21, id="2")], {SELL: 20, "2 sell": 21}, {}, [], 0),
    "a copy": ([trade(20), trade(20)], {SELL: 20}, {}, [], 0),
    "of two contents the first": ([trade(20), trade(21), trade(21)], {SELL: 20}, {}, [], 0),
    "a self trade": ([trade(20), trade(20, direction="buy")], {SELL: 20, BUY: 20}, {}, [], 0),
    "amended": ([trade(20), trade(21, revision=1)], {SELL: 21}, {}, [], 0),
    "amended, received before": ([trade(21, revision=1), trade(20)], {SELL: 21}, {}, [], 0),
    "amended twice": ([trade(20), trade(22, revision=7), trade(21, revision=3)], {SELL: 22}, {}, [], 0),
    "only the amendment": ([trade(21, revision=1)], {SELL: 21}, {}, [], 0),
    "an amendment of one leg": (
        [trade(20), trade(20, direction="buy"), trade(21, direction="buy", revision=1)],
        *({SELL: 20, BUY: 21}, {}, [], 0),
    ),
    "two contents of an amendment": (
        [trade(20), trade(21, revision=1), trade(22, revision=1)],
        *({SELL: 21}, {}, [], 0),
    ),
    "cancelled": ([trade(20), cancel()], {}, {SELL: 20}, [], 0),
    "cancelled before it came": ([cancel(), trade(20)], {}, {SELL: 20}, [], 0),
    "cancelled twice": ([trade(20), cancel(), cancel()], {}, {SELL: 20}, [], 0),
    "both legs cancelled": (
        [trade(20), cancel(), trade(20, direction="buy")],
        *({}, {SELL: 20, BUY: 20}, [], 0),
    ),
    "one leg cancelled": (
        [trade(20), trade(20, direction="buy"), cancel(direction="buy")],
        *({SELL: 20}, {BUY: 20}, [], 0),
    ),
    "another trade cancelled": (
        [trade(20), trade(21, id="2"), cancel(id="2")],
        {SELL: 20},
        {"2 sell": 21},
        [],
        0,
    ),
    "an amended trade cancelled": ([trade(20), trade(21, revision=1), cancel()], {}, {SELL: 21}, [], 0),
    "restated": ([trade(20), cancel(), trade(21, revision=1)], {SELL: 21}, {}, [], 0),
    "restated, the first lost": ([cancel(), trade(21, revision=1)], {SELL: 21}, {}, [], 0),
    "restated, the first late": ([cancel(), trade(21, revision=1), trade(20)], {SELL: 21}, {}, [], 0),
    "restated and cancelled again": (
        [trade(20), cancel(), trade(21, revision=1), cancel()],
        *({}, {SELL: 21}, [], 0),
    ),
    "restated, both received again": (
        [trade(20), cancel(), trade(21, revision=1), cancel(), trade(21, revision=1)],
        *({SELL: 21}, {}, [], 0),
    ),
    "restated, received by two instances in turns": (
        [cancel(), cancel(), trade(21, revision=1), cancel(), trade(21, revision=1)],
        *({SELL: 21}, {}, [], 0),
    ),
    "restated, another cancellation, a late copy": (
        [trade(20), cancel(), trade(21, revision=1), cancel(direction="sell"), trade(21, revision=1)],
        *({}, {SELL: 21}, [], 0),
    ),
    "restated and cancelled again, all received again": (
        [cancel(), trade(21, revision=1), cancel(), cancel(), trade(21, revision=1), cancel()],
        *({}, {SELL: 21}, [], 0),
    ),
    "a late copy of a cancelled amendment": (
        [trade(20), trade(21, revision=1), cancel(), trade(21, revision=1), trade(22, revision=1)],
        *({}, {SELL: 21}, [], 0),
    ),
    "that revision cancelled": (
        [trade(20), trade(21, revision=1), cancel(revision=1)],
        *({}, {SELL: 21}, [], 0),
    ),
    "that revision cancelled before it came": (
        [cancel(revision=1), trade(21, revision=1)],
        {},
        {SELL: 21},
        [],
        0,
    ),
    "a later revision cancelled": ([trade(20), cancel(revision=1)], {}, {SELL: 20}, [], 0),
    "an earlier revision cancelled": (
        [trade(20), trade(21, revision=1), cancel(revision=0)],
        *({SELL: 21}, {}, [], 0),
    ),
    "cancelled by revision, restated before": (
        [trade(21, revision=2), cancel(revision=1), trade(20)],
        *({SELL: 21}, {}, [], 0),
    ),
    "one leg cancelled by revision": (
        [trade(20), trade(20, direction="buy"), cancel(direction="sell", revision=0)],
        *({BUY: 20}, {SELL: 20}, [], 0),
    ),
    "a cancellation of nothing": ([cancel(), cancel(id="2", revision=1)], {}, {}, [], 2),
    "a cancellation of the other leg": ([trade(20), cancel(direction="buy")], {SELL: 20}, {}, [], 1),
    "in quarantine": ([trade(OUT_OF_BOUNDS)], {}, {}, [OUT_OF_BOUNDS], 0),
    "an amendment in quarantine": (
        [trade(20), trade(OUT_OF_BOUNDS, revision=1)],
        *({SELL: 20}, {}, [OUT_OF_BOUNDS], 0),
    ),
    "amended out of quarantine": (
        [trade(OUT_OF_BOUNDS), trade(20, revision=1)],
        *({SELL: 20}, {}, [OUT_OF_BOUNDS], 0),
    ),
    "cancelled, the amendment in quarantine": (
        [trade(20), cancel(), trade(OUT_OF_BOUNDS, revision=1)],
        *({}, {SELL: 20}, [OUT_OF_BOUNDS], 0),
    ),
    "a cancellation of a trade in quarantine": ([trade(OUT_OF_BOUNDS), cancel()], {}, {}, [OUT_OF_BOUNDS], 0),
}
"""Messages in the order of receipt; then what counts, what is cancelled, what is in quarantine; orphans."""


@pytest.mark.parametrize("name", LIFECYCLES)
def test_what_the_messages_come_to_in_any_order_of_reading(name: str) -> None:
    messages, *expected = LIFECYCLES[name]
    for read in itertools.permutations(received(messages)):
        assert list(told(outcome(read, is_sound))) == expected


def test_of_messages_received_at_the_same_time_file_and_line_decide() -> None:
    places = [(trade(20), ("b", 1)), (trade(21), ("a", 10)), (trade(22), ("a", 9))]
    for read in itertools.permutations(places):
        result = outcome(Received(message, NOON, place) for message, place in read)
        assert told(result)[0] == {SELL: 22}


def test_an_amendment_received_together_with_a_cancellation_is_cancelled() -> None:
    for messages in itertools.permutations([trade(20), trade(21, revision=1), cancel()]):
        result = outcome(Received(message, NOON, ("file", n)) for n, message in enumerate(messages))
        assert told(result)[:2] == ({}, {SELL: 21})


@pytest.mark.parametrize(
    ("messages", "is_disputed"),
    [
        ([trade(20)], False),
        ([trade(20, disputed=True)], True),
        ([trade(20), trade(20, disputed=True)], True),
        ([trade(20, disputed=True), trade(20)], True),
        ([trade(20, disputed=True), trade(21, revision=1)], False),
        ([trade(20), trade(21, revision=1, disputed=True)], True),
    ],
)
def test_a_disputed_trade_counts_and_says_so(messages: list[Trade], is_disputed: bool) -> None:
    for read in itertools.permutations(received(messages)):
        (counting,) = outcome(read).counting.values()
        assert counting.is_disputed is is_disputed


directions: st.SearchStrategy[Direction] = st.sampled_from(("buy", "sell"))
ids = st.sampled_from("12")
revisions = st.integers(0, 3)
prices = st.sampled_from([20, 21, OUT_OF_BOUNDS])
trades = st.builds(trade, prices, id=ids, direction=directions, revision=revisions, disputed=st.booleans())
cancellations = st.builds(cancel, id=ids, direction=st.none() | directions, revision=st.none() | revisions)
lifecycles = st.lists(trades | cancellations, max_size=10).map(received)


@given(st.data())
def test_any_order_of_reading_gives_the_same_outcome(data: st.DataObject) -> None:
    messages = data.draw(lifecycles)
    expected = outcome(messages, is_sound)
    read = outcome(data.draw(st.permutations(messages)), is_sound)
    assert (read.counting, read.cancelled, read.orphans) == (
        expected.counting,
        expected.cancelled,
        expected.orphans,
    )
    assert told(read) == told(expected)


@given(st.data())
def test_further_copies_of_trades_change_nothing(data: st.DataObject) -> None:
    messages = data.draw(lifecycles)
    of_trades = [r.message for r in messages if isinstance(r.message, Trade)]
    copies = data.draw(st.lists(st.sampled_from(of_trades), max_size=5)) if of_trades else []
    late = [Received(m, NOON + timedelta(hours=1), ("late", n)) for n, m in enumerate(copies)]
    assert told(outcome([*messages, *late], is_sound)) == told(outcome(messages, is_sound))


@pytest.mark.parametrize(
    ("copies", "is_cancelled"),
    [
        ([(cancel(), "b-2"), (trade(21, revision=1), "b-2")], False),
        ([(cancel(), "b-2"), (trade(21, revision=1), "b-1")], True),
        ([(trade(21, revision=1), "b-2")], False),
        ([(cancel(), "b-2")], True),
    ],
)
def test_what_comes_after_a_copy_of_a_cancellation_came_at_the_same_instance(
    copies: list[tuple[Trade | Cancellation, str]], is_cancelled: bool
) -> None:
    """In whatever hour and process: the landing files of an instance have its name."""
    later = [
        Received(message, NOON + timedelta(minutes=n), (f"trades/hour={n}/{name}-4{n}-20230221T1{n}Z.jsonl", 2))
        for n, (message, name) in enumerate(copies, start=1)
    ]
    result = outcome([*received([trade(20), cancel(), trade(21, revision=1)]), *later])
    assert bool(result.cancelled) == is_cancelled


@given(lifecycles)
def test_every_trade_counts_or_is_cancelled_or_all_of_it_is_in_quarantine(messages: list[Received]) -> None:
    result = outcome(messages, is_sound)
    sound = {(t.trade_id, t.direction) for r in messages if isinstance(t := r.message, Trade) and is_sound(t)}
    assert not result.counting.keys() & result.cancelled.keys()
    decided = {*result.counting, *result.cancelled}
    assert decided <= sound
    # of two contents the first counts: where that one is in quarantine, the other is no way around it
    first_in_quarantine = {(t.trade_id, t.direction) for t in result.quarantined}
    assert sound - decided <= first_in_quarantine
    without = [r for r in messages if isinstance(r.message, Trade)]
    assert outcome(without, is_sound).cancelled == {}
    assert outcome(without, is_sound).counting.keys() == decided
