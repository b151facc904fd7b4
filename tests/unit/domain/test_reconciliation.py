"""Statements beside captured trades: the doubled hour of October, and two statements that have one trade."""

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.domain.delivery_period import Market
from include.domain.lifecycle import Received
from include.domain.reconciliation import STATEMENT_REVISION, Finding, Reconciled, Statement, reconcile
from include.domain.statement import StatementParser
from include.domain.trade import Cancellation, Trade, parse_message
from tests.messages import cancellation, deal
from tests.statements import DAY, HEADER, line

BERLIN = Market.of("Europe/Berlin")
OCTOBER_CHANGE = date(2025, 10, 26)
EXECUTED = "2025-10-26T00:00:00Z"
RECEIVED_AT = datetime(2025, 10, 26, tzinfo=UTC)
LANDED_AT = RECEIVED_AT + timedelta(days=1)


def received(**changes: Any) -> Received:
    message = parse_message(deal(**{"id": "x"} | changes), BERLIN)
    assert isinstance(message, Trade)
    return Received(message, RECEIVED_AT, ("a", 1))


def statement(day: date, *rows: str, landed_at: datetime = LANDED_AT) -> Statement:
    parser = StatementParser(BERLIN, day)
    parser.trade(HEADER)
    trades = [parser.trade(row) for row in rows]
    return Statement(day, landed_at, tuple(trade for trade in trades if trade))


def october(captured: str, stated: str, price: float = 20.64) -> Reconciled:
    """A trade was captured under one label, and the statement has it under another, maybe at another price."""
    fields = {"delivery_day": str(OCTOBER_CHANGE), "execution_time": EXECUTED}
    return reconcile(
        [received(delivery_hour=captured, **fields)],
        [statement(OCTOBER_CHANGE, line(delivery_hour=stated, price=price, **fields))],
        BERLIN,
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("02-03", "02-03A"),
        ("02-03", "02-03B"),
        ("02:00-02:15", "02:00-02:15B"),
        ("02:45-03:00", "02:45-03:00A"),
        ("02:30-03:00", "02:30-03:00B"),
    ],
)
def test_a_doubled_label_without_a_letter_is_either_of_the_two(one: str, other: str) -> None:
    for captured, stated in ((one, other), (other, one)):
        found = october(captured, stated)
        assert list(found.findings.values()) == [Finding.MATCHED]
        assert [trade.period.delivery_hour for trade in found.counting.values()] == [captured]


@pytest.mark.parametrize(
    ("captured", "stated", "counts_in"),
    [
        ("02-03B", "02-03", "02-03B"),
        ("02-03A", "02-03", "02-03A"),
        ("02:15-02:30B", "02:15-02:30", "02:15-02:30B"),
        ("02-03", "02-03B", "02-03B"),
        ("02:00-02:15B", "02:15-02:30", "02:15-02:30"),
        ("02-03A", "02-03B", "02-03B"),
    ],
)
def test_another_price_moves_no_energy_to_an_hour_that_the_statement_does_not_name(
    captured: str, stated: str, counts_in: str
) -> None:
    found = october(captured, stated, price=30)
    assert list(found.findings.values()) == [Finding.DIFFERS]
    assert [
        (trade.revision, trade.price_eur_per_mwh, trade.period.delivery_hour)
        for trade in found.counting.values()
    ] == [(STATEMENT_REVISION, Decimal(30), counts_in)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("02-03A", "02-03B"),
        ("02-03", "02A-03B"),
        ("01-03", "01-03A"),
        ("02-04", "02B-04"),
        ("02:00-02:15", "02:15-02:30B"),
        ("02:00-02:15A", "02:00-02:15B"),
    ],
)
def test_other_hours_are_a_difference(one: str, other: str) -> None:
    for captured, stated in ((one, other), (other, one)):
        found = october(captured, stated)
        assert list(found.findings.values()) == [Finding.DIFFERS]
        assert [trade.period.delivery_hour for trade in found.counting.values()] == [stated]


def test_of_several_statements_with_a_trade_the_last_one_counts_in_whatever_order() -> None:
    first, second, third = (date(2026, 3, day) for day in (2, 3, 4))
    statements = [
        statement(first, line(price=20.64)),
        statement(second, line(price=2, execution_time="?"), landed_at=LANDED_AT + timedelta(days=1)),
        statement(third, line(price=3, execution_time="?"), landed_at=LANDED_AT + timedelta(days=1)),
    ]
    for order in itertools.permutations(statements):
        found = reconcile([received()], order, BERLIN)
        assert list(found.findings.values()) == [Finding.DIFFERS]
        assert [trade.price_eur_per_mwh for trade in found.counting.values()] == [3]
        found = reconcile([received(price=3)], order, BERLIN)
        assert list(found.findings.values()) == [Finding.MATCHED]


def test_of_lines_with_a_trade_the_first_counts() -> None:
    rows = [line(price=2), line(price=20.64)]
    found = reconcile([received()], [statement(date(2026, 3, 2), *rows)], BERLIN)
    assert [trade.price_eur_per_mwh for trade in found.counting.values()] == [2]


@pytest.mark.parametrize(
    ("after_the_day", "counts"),
    [(timedelta(), 30), (timedelta(hours=9), 30), (timedelta(microseconds=-1), Decimal("20.64"))],
)
def test_an_amendment_after_the_day_counts_however_late_the_statement_is_landed(
    after_the_day: timedelta, counts: Decimal | int
) -> None:
    amended_at = BERLIN.span_of(DAY)[1] + after_the_day
    amendment = replace(received(price=30, revision=1), received_at=amended_at)
    for landed_at in (amended_at, amended_at + timedelta(days=30)):
        found = reconcile([received(), amendment], [statement(DAY, line(), landed_at=landed_at)], BERLIN)
        assert [trade.price_eur_per_mwh for trade in found.counting.values()] == [counts]
        is_before = counts != 30
        assert list(found.findings.values()) == [Finding.DIFFERS if is_before else Finding.MATCHED]
    # it has neither what counted at the end of the day nor what counts: it knows of something else
    found = reconcile([received(), amendment], [statement(DAY, line(price=1), landed_at=landed_at)], BERLIN)
    assert [trade.price_eur_per_mwh for trade in found.counting.values()] == [1]


def alike(
    captured: int, stated: int, others: int = 0, traders: tuple[str, str] = ("flex_trader_4", "")
) -> Reconciled:
    """So many equal trades were captured, and so many are in the statement, under other ids."""
    return reconcile(
        [received(id=f"{n}", trader_id=traders[0]) for n in range(captured)],
        [
            statement(
                DAY,
                *(line(id=f"t_{n}", trader_id=traders[1]) for n in range(stated)),
                *(line(id=f"other_{n}", price=90) for n in range(others)),
            )
        ],
        BERLIN,
    )


@pytest.mark.parametrize(
    ("found", "count"),
    [
        (alike(5, 5), 5),
        (alike(9, 5), 5),
        (alike(5, 9), 5),  # five of nine: each captured trade is the other side of one
        (alike(5, 10), 0),  # half of them
        (alike(6, 6, others=6), 0),
        (alike(6, 6, others=5), 6),
        (alike(4, 4), 0),
        (alike(5, 5, traders=("a", "a")), 5),
        (alike(5, 5, traders=("a", "b")), 0),
    ],
)
def test_a_statement_whose_trades_have_other_ids_is_held(found: Reconciled, count: int) -> None:
    assert found.held == ({DAY: count} if count else {})
    assert any(trade.revision == STATEMENT_REVISION for trade in found.counting.values()) is not bool(count)


@pytest.mark.parametrize(
    ("cancelled_at", "finding"),
    [
        (LANDED_AT, Finding.CANCELLED),
        (LANDED_AT + timedelta(seconds=1), Finding.MATCHED),
    ],
)
def test_a_trade_that_was_cancelled_before_the_statement_was_landed(
    cancelled_at: datetime, finding: Finding
) -> None:
    message = parse_message(cancellation(id="x"), BERLIN)
    assert isinstance(message, Cancellation)
    found = reconcile(
        [received(), Received(message, cancelled_at, ("a", 2))],
        [statement(DAY, line(id="x"))],
        BERLIN,
    )
    assert (list(found.findings.values()), found.counting, len(found.cancelled)) == ([finding], {}, 1)
