"""PnL of a range of days against sums of a few lines of plain Python over the same trades."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.dashboard import parameters as given_parameters
from tests.integration.dashboard.conftest import Client, Desk

FIRST, LAST = date(2023, 10, 23), date(2023, 10, 29)  # Monday to Sunday, on which the clocks go back
BEFORE = date(2023, 10, 16)
Trade = tuple[date, str, str, Decimal, Decimal]
"""Day, hour, trader, MWh (bought is positive), EUR/MWh."""


def labels(day: date) -> list[str]:
    hours = [f"{hour:02}-{hour + 1:02}" for hour in (0, 2, 3, 9, 18)]
    return [*hours[:1], "02-03A", "02-03B", *hours[2:]] if day == LAST else hours


class Week:
    """Trades of three traders on eleven days, and prices of all their hours but one."""

    def __init__(self, desk: Desk) -> None:
        dice = random.Random(4711)
        days = [BEFORE + timedelta(days=number) for number in (0, 1, 6, *range(7, 14))]
        days.remove(date(2023, 10, 26))  # a day without trades
        self.trades: list[Trade] = []
        self.prices: dict[tuple[date, str], Decimal] = {}
        for day in days:
            for label in labels(day):
                for trader in ("anna", "bert", "carl"):
                    if dice.random() < 0.3:
                        continue
                    mwh = Decimal(dice.randrange(1, 90)) / 10 * dice.choice([1, -1])
                    price = Decimal(dice.randrange(-2000, 20000)) / 100
                    self.trades.append((day, label, trader, mwh, price))
                    side = desk.buy if mwh > 0 else desk.sell
                    side(label, str(price), trader, str(abs(mwh)), day=day)
        for day, label in {trade[:2] for trade in self.trades}:
            if (day, label) == (date(2023, 10, 24), "09-10"):
                continue
            self.prices[day, label] = Decimal(dice.randrange(-1000, 15000)) / 100
            desk.price(label, str(self.prices[day, label]), day)
        desk.build(*days)

    def pnl(self, trade: Trade) -> Decimal | None:
        day, label, _, mwh, price = trade
        return mwh * (self.prices[day, label] - price) if (day, label) in self.prices else None

    def expected(self, keep: Callable[[Trade], bool]) -> dict[str, Any]:
        """The figures of the trades that are kept."""
        kept = [trade for trade in self.trades if keep(trade)]
        priced = [pnl for trade in kept if (pnl := self.pnl(trade)) is not None]
        hours = {trade[:2] for trade in kept}
        missing = len(hours - self.prices.keys())
        bought = sum((mwh for *_, mwh, _ in kept if mwh > 0), Decimal(0))
        sold = -sum((mwh for *_, mwh, _ in kept if mwh < 0), Decimal(0))
        priced_days = {trade[0] for trade in kept if self.pnl(trade) is not None}
        return {
            "delivery_day_count": len({trade[0] for trade in kept}),
            "delivery_period_count": len(hours),
            "missing_price_count": missing,
            "trade_count": len(kept),
            "buy_mwh": bought,
            "sell_mwh": sold,
            "net_position_mwh": bought - sold,
            "pnl_eur": None if missing else sum(priced),
            "priced_pnl_eur": sum(priced),
            "mean_pnl_eur": sum(priced) / len(priced_days),
            "performance_eur_per_mwh": None if missing else sum(priced) / (bought + sold),
        }


def same(shown: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether all that is expected is shown; ratios to their 12 decimals."""

    def value(text: Any) -> Any:
        return round(Decimal(text), 12) if isinstance(text, str | Decimal) else text

    return {name: value(shown[name]) for name in expected} == {n: value(v) for n, v in expected.items()}


@pytest.fixture
def week(desk: Desk) -> Week:
    return Week(desk)


ASKED = {"from": str(FIRST), "to": str(LAST)}


@pytest.mark.parametrize("trader", ["", "bert"])
def test_figures_beside_those_of_the_range_before_and_the_month(
    week: Week, client: Client, trader: str
) -> None:
    answer = client.json("range", trader=trader, **ASKED)
    spans = {"total": (FIRST, LAST), "previous": (BEFORE, FIRST - timedelta(days=1))}
    spans["month"] = (date(2023, 10, 1), LAST)
    for name, (first, last) in spans.items():
        expected = week.expected(lambda t, a=first, b=last: a <= t[0] <= b and trader in ("", t[2]))  # type: ignore[misc]
        assert same(answer[name], expected), name
    assert (answer["previous_from"], answer["previous_to"]) == ("2023-10-16", "2023-10-22")
    assert answer["total"]["pnl_eur"] is None
    assert answer["trader"] == (trader or None)
    assert [row["trader_id"] for row in answer["traders"]] == ([] if trader else ["anna", "bert", "carl"])


def test_the_month_to_date_ends_today_whichever_of_its_days_are_asked_for(
    week: Week, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = date(2023, 10, 27)
    monkeypatch.setattr(given_parameters, "today", lambda market, now: today)
    for first, last in ((FIRST, LAST), (date(2023, 10, 16), date(2023, 10, 22))):
        answer = client.json("range", **{"from": str(first), "to": str(last)})
        assert (answer["month_from"], answer["month_to"]) == ("2023-10-01", "2023-10-27")
        assert same(answer["month"], week.expected(lambda trade: trade[0] <= today))
        expected = week.expected(lambda trade, a=first, b=last: a <= trade[0] <= b)  # type: ignore[misc]
        assert same(answer["total"], expected)
        assert all(str(first) <= step["from"] <= str(last) for step in answer["steps"])
        assert sum(row["trade_count"] for row in answer["hours_of_day"]) == expected["trade_count"]
        assert all(str(first) <= row["delivery_day"] <= str(last) for row in answer["best"] + answer["worst"])


def test_days_add_up_and_say_from_where_on_a_price_is_missing(week: Week, client: Client) -> None:
    steps = client.json("range", **ASKED)["steps"]
    assert [step["from"] for step in steps] == [f"2023-10-{day}" for day in (23, 24, 25, 27, 28, 29)]
    assert [step["cumulative_missing_price_count"] for step in steps] == [0, 1, 1, 1, 1, 1]
    for step in steps:
        day = date.fromisoformat(step["from"])
        assert step["from"] == step["to"]
        assert same(step, week.expected(lambda trade, day=day: trade[0] == day))  # type: ignore[misc]
        until = week.expected(lambda trade, day=day: FIRST <= trade[0] <= day)  # type: ignore[misc]
        assert Decimal(step["cumulative_pnl_eur"]) == until["priced_pnl_eur"]


def test_an_hour_of_the_day_holds_both_when_it_happens_twice(week: Week, client: Client) -> None:
    hours = client.json("range", **ASKED)["hours_of_day"]
    assert [hour["delivery_hour"] for hour in hours] == ["00-01", "02-03", "03-04", "09-10", "18-19"]
    for hour in hours:
        label = hour["delivery_hour"]
        expected = week.expected(lambda t, label=label: t[0] >= FIRST and t[1][:5] == label)  # type: ignore[misc]
        assert same(hour, expected), label


def test_best_and_worst_hours(week: Week, client: Client) -> None:
    answer = client.json("range", **ASKED)
    sums: dict[tuple[date, str], Decimal] = {}
    for trade in week.trades:
        if trade[0] >= FIRST and (pnl := week.pnl(trade)) is not None:
            sums[trade[:2]] = sums.get(trade[:2], Decimal(0)) + pnl
    ordered = sorted(sums.items(), key=lambda item: item[1])
    for name, expected in (("best", ordered[:-6:-1]), ("worst", ordered[:5])):
        shown = [
            ((date.fromisoformat(r["delivery_day"]), r["delivery_hour"]), Decimal(r["pnl_eur"]))
            for r in answer[name]
        ]
        assert shown == expected


@pytest.mark.parametrize("trader", ["", "anna"])
def test_each_of_the_best_hours_counts_the_trades_that_deliver_in_it(
    desk: Desk, client: Client, trader: str
) -> None:
    for label, price in (("12-13", "10"), ("13-14", "20"), ("14-15", "30")):
        desk.price(label, price, FIRST)
    desk.sell("12-15", "50", "anna", day=FIRST)
    desk.sell("13-14", "50", "anna", day=FIRST)
    desk.sell("14-15", "50", "bert", day=FIRST)
    desk.build(FIRST)
    who = {"trader": trader} if trader else {}
    moment = desk.database.value(
        "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    )
    for as_of in ({}, {"as_of": moment}):
        answer = client.json("range", **ASKED, **who, **as_of)
        counts = {row["delivery_hour"]: row["trade_count"] for row in answer["best"]}
        assert counts == {"12-13": 1, "13-14": 2, "14-15": 1 if trader else 2}
        assert answer["total"]["trade_count"] == (2 if trader else 3), "the block once"


def test_traders_side_by_side(week: Week, client: Client) -> None:
    answer = client.json("range", **ASKED)
    for row in answer["traders"]:
        who = row["trader_id"]
        assert same(row["total"], week.expected(lambda t, who=who: t[0] >= FIRST and t[2] == who))  # type: ignore[misc]
        assert same(row["previous"], week.expected(lambda t, who=who: t[0] < FIRST and t[2] == who))  # type: ignore[misc]
        assert row["steps"][-1]["cumulative_pnl_eur"] == row["total"]["priced_pnl_eur"]
    # PnL of the traders is that of the portfolio
    total = sum(Decimal(row["total"]["priced_pnl_eur"]) for row in answer["traders"])
    assert total == Decimal(answer["total"]["priced_pnl_eur"])


def test_months_of_a_year_and_what_was_said_of_it(desk: Desk, client: Client) -> None:
    desk.sell("12-13", "10", day=date(2022, 12, 31))
    desk.sell("12-13", "10", day=date(2023, 2, 6))
    desk.price("12-13", "4", date(2022, 12, 31))
    desk.price("12-13", "3", date(2023, 2, 6))
    moment = desk.build(date(2022, 12, 31), date(2023, 2, 6)).isoformat()
    desk.sell("12-13", "11", day=date(2023, 3, 1))
    desk.reject("12-13", day=date(2023, 3, 1))
    desk.build(date(2023, 3, 1))
    year = {"from": "2022-12-15", "to": "2023-12-15"}
    answer = client.json("range", **year)
    names = ("from", "to", "pnl_eur", "cumulative_pnl_eur", "incomplete_day_count")
    assert answer["step"] == "month"
    assert [tuple(step[name] for name in names) for step in answer["steps"]] == [
        ("2022-12-15", "2022-12-31", "6", "6", 0),
        ("2023-02-01", "2023-02-28", "7", "13", 0),
        ("2023-03-01", "2023-03-31", None, "13", 1),
    ]
    then = client.json("range", as_of=moment, **year)
    assert [step["pnl_eur"] for step in then["steps"]] == ["6", "7"]
    assert then["total"]["pnl_eur"] == "13"
    assert then["previous"] is None


def test_nothing_in_the_range(week: Week, client: Client) -> None:
    answer = client.json("range", **{"from": "2023-11-06", "to": "2023-11-12"})
    assert answer["total"] is answer["previous"] is answer["month"] is None
    assert answer["steps"] == answer["hours_of_day"] == answer["best"] == answer["worst"] == []
    assert answer["traders"] == []


SOME_DAYS = st.dates(date(1999, 1, 1), date(2101, 12, 31)).map(str)
SOME_TEXT = st.text(max_size=30) | st.sampled_from(["*", "anna", "0", "2023-10-23T00:00:00Z", "9" * 40])


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    first=SOME_DAYS | SOME_TEXT,
    last=SOME_DAYS | SOME_TEXT,
    trader=SOME_TEXT,
    as_of=st.datetimes().map(str) | SOME_TEXT | st.just(""),
)
def test_whatever_is_asked_is_answered_or_refused_in_a_sentence(
    week: Week, client: Client, first: str, last: str, trader: str, as_of: str
) -> None:
    reply = client.get("api/v1/range", **{"from": first, "to": last}, trader=trader, as_of=as_of)
    assert reply.status_code in (200, 400), reply.text
    assert reply.json().keys() >= ({"total", "steps"} if reply.status_code == 200 else {"error"})
    assert len(reply.json().get("steps", [])) <= 62
