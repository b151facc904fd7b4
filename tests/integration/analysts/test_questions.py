"""Each question of docs/questions.md, asked as analyst, has the answer that include/domain gives."""

import re
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from psycopg2.extensions import cursor

from include.domain.pnl import ratio
from include.settings import PROJECT_ROOT
from tests.integration.analysts import desk
from tests.integration.analysts.desk import (
    AS_CAPTURED,
    CANCELLED,
    CANCELLED_AT,
    FUTURE,
    GAP,
    GAP_DAY,
    MARKETS,
    TODAY,
    TRADES,
    YESTERDAY,
    Hour,
    Trade,
    hours,
    price_of,
    status_of,
    total,
)

TEXT = (PROJECT_ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
QUESTIONS = {
    int(number): sql
    for number, sql in re.findall(
        r"^## (\d+)\. [^\n]+\?\n\n[^\n]+\n\n```sql\n(.*?);\n```\n\n[^\n]+$", TEXT, re.M | re.S
    )
}

Rows = list[tuple[Any, ...]]
ANSWERS: dict[int, Callable[[], Rows]] = {}


def answer(number: int) -> Callable[[Callable[[], Rows]], Callable[[], Rows]]:
    """The function gives the rows of this question."""

    def register(function: Callable[[], Rows]) -> Callable[[], Rows]:
        ANSWERS[number] = function
        return function

    return register


def of_day(day: date) -> Callable[[Trade], bool]:
    return lambda trade: trade.day == day


def of_month(trade: Trade) -> bool:
    return (trade.day.year, trade.day.month) == (TODAY.year, TODAY.month)


def grouped(rows: list[Hour], key: Callable[[Hour], Any]) -> dict[Any, list[Hour]]:
    groups = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(sorted(groups.items()))


def by_trader(rows: list[Hour]) -> dict[tuple[str, str], list[Hour]]:
    return grouped(rows, lambda row: (row.market, row.trader))


def start(row: Hour) -> Any:
    return MARKETS[row.market].period(row.day, row.hour).start_at


@pytest.mark.parametrize("number", sorted(QUESTIONS))
def test_the_answer_is_that_of_the_specification(analyst: cursor, number: int) -> None:
    analyst.execute(QUESTIONS[number])
    expected = ANSWERS[number]()
    assert analyst.fetchall() == expected
    assert expected, "a question without an answer proves nothing"


def test_there_are_twenty_questions_in_one_form() -> None:
    assert sorted(QUESTIONS) == sorted(ANSWERS) == list(range(1, 21))
    assert len(re.findall("```sql", TEXT)) == 20


@answer(1)
def _() -> Rows:
    found = []
    for who, rows in by_trader(hours(of_day(TODAY))).items():
        t = total(rows)
        position = t.buy_mwh - t.sell_mwh
        pnl = (t.pnl_eur, t.priced_pnl_eur, t.missing_price_count)
        found.append((*who, t.trade_count, position, *pnl, True))
    return found


@answer(2)
def _() -> Rows:
    monday = date(2025, 3, 17)
    found = []
    for market in MARKETS:
        for first in (monday - timedelta(days=7), monday):
            of = hours(
                lambda t, m=market, f=first: t.market == m and f <= t.day < f + timedelta(days=7),
                is_portfolio=True,
            )
            if of:
                t = total(of)
                counts = (t.trade_count, t.pnl_eur, t.priced_pnl_eur, t.performance, t.missing_price_count)
                found.append((market, first, *counts))
    return found


@answer(3)
def _() -> Rows:
    found = []
    for trade in filter(of_day(TODAY), TRADES):
        mwh, price = trade.mwh.get("10-11"), price_of(trade.market, TODAY, "10-11")
        if mwh is not None and price is not None:
            pnl = trade.sign * mwh * (trade.price - price)
            found.append((trade.market, trade.trade_id, trade.direction, trade.trader, trade.price, mwh, pnl))
    assert sum(row[-1] for row in found if row[3] == "anna") == next(
        row.pnl.pnl_eur for row in hours(of_day(TODAY)) if (row.trader, row.hour) == ("anna", "10-11")
    )
    return sorted(found, key=lambda row: (row[-1], row[0], row[1]))


@answer(4)
def _() -> Rows:
    noon = by_trader(hours(lambda t: t.day == TODAY and t.build <= 1))
    found = []
    for who, rows in by_trader(hours(of_day(TODAY))).items():
        then, now = total(noon[who]) if who in noon else None, total(rows)
        at_noon = (None, None) if then is None else (then.trade_count, then.priced_pnl_eur)
        found.append((*who, *at_noon, now.trade_count, now.priced_pnl_eur))
    assert ("DE", "carl", None, None, 1, Decimal(2)) in found
    return found


@answer(5)
def _() -> Rows:
    found = []
    for market in MARKETS:
        of = hours(lambda t, m=market: t.market == m and of_month(t), is_portfolio=True)
        priced = [row for row in of if row.pnl.pnl_eur is not None]
        best = sorted(priced, key=lambda row: (-row.pnl.pnl_eur, start(row)))
        worst = sorted(priced, key=lambda row: (row.pnl.pnl_eur, start(row)))
        for rank, row in enumerate(best, 1):
            last = worst.index(row) + 1
            if rank <= 3 or last <= 3:
                found.append((market, row.day, row.hour, row.pnl.pnl_eur, rank, last))
    assert len(found) == 7
    return found


@answer(6)
def _() -> Rows:
    of = grouped(hours(of_month, is_portfolio=True), lambda row: (row.market, row.hour))
    return [
        (
            *hour,
            len(rows),
            sum(row.pnl.pnl_eur is None for row in rows),
            total(rows).priced_pnl_eur,
            total(rows).buy_mwh + total(rows).sell_mwh,
        )
        for hour, rows in of.items()
    ]


@answer(7)
def _() -> Rows:
    found = []
    for who, rows in by_trader(hours(of_month)).items():
        t, days = total(rows), {row.day for row in rows}
        sums = (t.trade_count, t.cash_flow_eur, t.pnl_eur, t.priced_pnl_eur, t.missing_price_count)
        found.append((*who, len(days), *sums, int(GAP_DAY in days)))
    return sorted(found, key=lambda row: (row[0], -row[6], row[1]))


@answer(8)
def _() -> Rows:
    rows = [row for row in hours(of_day(FUTURE)) if row.pnl.net_position_mwh]
    assert [row.trader for row in rows] == ["anna", "ben"], "what is closed is not open"
    return [
        (row.market, row.day, row.hour, row.trader, row.pnl.net_position_mwh, row.pnl.unrealised_pnl_eur)
        for row in rows
    ]


@answer(9)
def _() -> Rows:
    cost = Decimal("1.5") * 20 + Decimal("0.5") * 26
    return [("DE", TODAY, "11-12", "ben", 2, -cost, cost / 2)]


@answer(10)
def _() -> Rows:
    rows = hours(of_day(YESTERDAY), is_portfolio=True)
    assert {status_of(row.market, row.day, row.hour) for row in rows} == {"final"}
    return [("DE", total(rows).pnl_eur, "final", 0, 0, "reconciled", True)]


@answer(11)
def _() -> Rows:
    """The statement added y4, and y5 came a day late; all else is as it was, or of today."""
    before, after = (
        next(
            row.pnl
            for row in hours(lambda t, b=build: t.build <= b and t.day == YESTERDAY)
            if (row.hour, row.trader) == ("10-11", "ben")
        )
        for build in (1, 2)
    )
    change = after.pnl_eur - before.pnl_eur
    assert change == 3 * (Decimal(63) - Decimal("65.5"))
    added = 2 * (Decimal(55) - Decimal("51.01"))
    return [
        ("DE", YESTERDAY, "15-16", "unassigned", ["new row", "statement"], None, 1, None, added, None),
        ("DE", YESTERDAY, "10-11", "ben", ["late trades"], 1, 2, before.pnl_eur, after.pnl_eur, change),
    ]


@answer(12)
def _() -> Rows:
    return [("DE", CANCELLED.trade_id, "sell", "ben", YESTERDAY, "10-11", 9, 900, CANCELLED_AT)]


@answer(13)
def _() -> Rows:
    return [
        ("DE", "y3", "buy", "carl", YESTERDAY, "14-15", -5, 1, "differs", AS_CAPTURED.price, AS_CAPTURED.mw),
        ("DE", "y4", "sell", "unassigned", YESTERDAY, "15-16", 55, 2, "missing", None, None),
    ]


@answer(14)
def _() -> Rows:
    period = MARKETS["DE"].period(GAP_DAY, "10-11")
    assert period.tradable_from < GAP[0]
    assert GAP[1] < period.tradable_until
    seconds = Decimal(int((GAP[1] - GAP[0]).total_seconds()))
    return [("DE", GAP_DAY, "10-11", *GAP, seconds, 1, 44 - 40)]


@answer(15)
def _() -> Rows:
    found = []
    for market in MARKETS:
        of = hours(lambda t, m=market: t.market == m and t.day == TODAY, is_portfolio=True)
        t = total(of)
        energy = (t.buy_mwh, t.sell_mwh, t.buy_mwh - t.sell_mwh)
        found.append((market, "EUR", t.trade_count, *energy, t.priced_pnl_eur, t.missing_price_count))
    return found


@answer(16)
def _() -> Rows:
    """Five trades; one was not captured, one was bought for -4 instead of -5 EUR."""
    return [("DE", 1, 1, 4, 5, 3, 1, 1, 0, 0, 2 * 55 + (5 - 4))]


@answer(17)
def _() -> Rows:
    distance, energy, ids = defaultdict(Decimal), defaultdict(Decimal), defaultdict(set)
    for trade in filter(of_month, TRADES):
        for hour, mwh in trade.mwh.items():
            if (price := price_of(trade.market, trade.day, hour)) is not None:
                who = (trade.market, trade.trader)
                distance[who] += mwh * abs(trade.price - price)
                energy[who] += mwh
                ids[who].add(trade.trade_id)
    rows = [(*who, len(ids[who]), energy[who], ratio(distance[who], energy[who])) for who in energy]
    return sorted(rows, key=lambda row: (-row[-1], row[0], row[1]))


@answer(18)
def _() -> Rows:
    found = []
    for who, rows in by_trader(hours(of_day(YESTERDAY))).items():
        t = total(rows)
        found.append(
            (*who, t.pnl_eur, t.realised_pnl_eur, t.pnl_eur - t.realised_pnl_eur, t.buy_vwap, t.sell_vwap)
        )
    assert ("DE", "ben", Decimal("15"), Decimal(6), Decimal(9), Decimal(61), Decimal(63)) in found
    return found


@answer(19)
def _() -> Rows:
    found, running, missing = [], defaultdict(Decimal), defaultdict(int)
    of = grouped(hours(of_month, is_portfolio=True), lambda row: (row.market, row.day))
    for (market, day), rows in of.items():
        t = total(rows)
        running[market] += t.priced_pnl_eur
        missing[market] += t.missing_price_count
        found.append((market, day, t.pnl_eur, t.priced_pnl_eur, running[market], missing[market]))
    return found


@answer(20)
def _() -> Rows:
    found = []
    for who, rows in by_trader(hours(of_month)).items():
        pnl = [row.pnl.pnl_eur for row in rows if row.pnl.pnl_eur is not None]
        if not pnl:
            continue
        won, lost = [value for value in pnl if value > 0], [value for value in pnl if value < 0]
        sums = sum(won, Decimal(0)), sum(lost, Decimal(0))
        found.append(
            (
                *who, len(pnl), len(won), ratio(Decimal(len(won)), Decimal(len(pnl))),
                ratio(sums[0], Decimal(len(won))), ratio(sums[1], Decimal(len(lost))),
            )
        )  # fmt: skip
    return found


def test_the_desk_is_what_the_questions_are_about() -> None:
    assert {status_of("DE", TODAY, hour) for hour in ("09-10", "10-11", "11-12")} == {"provisional", "missing"}
    assert desk.BUILDS[0].hour + 1 < 18
    assert desk.BUILDS[1].hour + 1 < 12 < desk.BUILDS[2].hour + 1
