"""The made day has the shape of a real one: counts, signs, steps, bursts, identical trades."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.domain.delivery_period import Market
from include.domain.trade import Trade, parse_message
from tools.history.real_day import real_day

DAYS = [date(2026, 3, 3), date(2026, 3, 29), date(2026, 10, 25)]
Day = tuple[date, list[tuple[datetime, str]], list[dict[str, Any]]]


@pytest.fixture(scope="module", params=DAYS, ids=str)
def made(request: pytest.FixtureRequest) -> Day:
    """The day, its messages, and their bodies with numbers as they are written."""
    messages = real_day(request.param)
    return (
        request.param,
        messages,
        [next(iter(json.loads(m, parse_float=Decimal).values())) for _, m in messages],
    )


def test_all_are_sells_of_the_day_in_steps_of_a_tenth(made: Day) -> None:
    day, _, bodies = made
    assert len(bodies) == len({body["id"] for body in bodies}) == 3_349
    assert {(body["direction"], body["delivery_day"]) for body in bodies} == {("sell", day.isoformat())}
    assert all(body["quantity"] > 0 and body["quantity"] % Decimal("0.1") == 0 for body in bodies)


def test_two_in_five_are_quarter_hours_of_every_hour(made: Day) -> None:
    day, _, bodies = made
    quarters = [body["delivery_hour"] for body in bodies if ":" in body["delivery_hour"]]
    assert len(quarters) == 1_340
    assert {label[3:5] for label in quarters} == {"00", "15", "30", "45"}
    hours = Counter(body["delivery_hour"][:2] for body in bodies)
    assert len(hours) == (23 if day.month == 3 and day.day == 29 else 24)
    assert min(hours.values()) > 20


def test_one_price_in_six_is_negative(made: Day) -> None:
    _, _, bodies = made
    assert 525 <= sum(body["price"] < 0 for body in bodies) <= 530
    assert all(body["price"] == round(body["price"], 2) and abs(body["price"]) < 1000 for body in bodies)


def test_76_pairs_are_identical_in_all_but_the_id(made: Day) -> None:
    _, messages, bodies = made
    copies = Counter(
        (at, key, *(value for name, value in body.items() if name != "id"))
        for (at, message), body in zip(messages, bodies, strict=True)
        for key in json.loads(message)
    )
    assert Counter(copies.values()) == {1: 3_349 - 2 * 76, 2: 76}


def test_trades_come_in_bursts(made: Day) -> None:
    _, messages, _ = made
    times = [at for at, _ in messages]
    assert times == sorted(times)
    assert sum(number >= 19 for number in Counter(at.replace(microsecond=0) for at in times).values()) == 24
    within = [times[n + 8] - times[n] < timedelta(milliseconds=1) for n in range(len(times) - 8)]
    assert sum(within) >= 24


def test_each_is_traded_while_its_period_is_open(made: Day) -> None:
    _, messages, _ = made
    for at, message in messages:
        trade = parse_message(message, Market.of("Europe/Berlin"))
        assert isinstance(trade, Trade)
        assert trade.period.tradable_from <= at < trade.period.tradable_until
        assert trade.executed_at == at.replace(microsecond=0)
        assert at.tzinfo is UTC


def test_the_same_arguments_give_the_same_messages() -> None:
    assert real_day(DAYS[0]) == real_day(DAYS[0])
    assert real_day(DAYS[0]) != real_day(DAYS[0], seed=8)
