"""Limits of the desk and its traders: who reached one, and that people are told of each once."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.health.alarms import check
from include.health.limits import Breach, Measure
from include.jobs import build_pnl
from include.settings import Settings
from tests.factories import MARKET, NOW, Database

TODAY = datetime.now(MARKET.timezone).date()
TOMORROW, YESTERDAY = TODAY + timedelta(days=1), TODAY - timedelta(days=1)


@pytest.fixture
def batch(database: Database) -> int:
    return database.batch("trades")


def limit(
    database: Database, measure: str, value: int, scope: str = "trader", trader: str | None = None
) -> None:
    database.insert(
        "ops.limits", market="DE", measure=measure, scope=scope, trader_id=trader, limit_value=value
    )


def build(settings: Settings, database: Database) -> None:
    database.pending()
    build_pnl.run(settings)


def reached(database: Database) -> list[tuple[Any, ...]]:
    return database.rows(
        "SELECT measure, trader_id, delivery_day, delivery_hour, value, limit_value, trade_id"
        " FROM ops.limits_reached ORDER BY 1, 2 NULLS FIRST, 3, 4"
    )


def alarm(settings: Settings) -> tuple[str, str | None] | None:
    """What people are told, and what the page says."""
    found = [(alarm.detail, alarm.page_text) for alarm in check(settings)[0] if alarm.alarm == "limit_reached"]
    return found[0] if found else None


def test_a_position_is_that_of_an_hour_that_is_not_over_either_way(
    settings: Settings, database: Database, batch: int
) -> None:
    for day, trader, direction, mw in (
        (TOMORROW, "anna", "sell", 10),
        (TOMORROW, "ben", "buy", 10),
        (TOMORROW, "carl", "buy", 9),
        (YESTERDAY, "anna", "sell", 90),
    ):
        database.trade(batch, day, "10-11", trader, direction, mw)
    build(settings, database)
    assert reached(database) == [], "there are no limits"
    limit(database, "position_mwh", 10)
    assert reached(database) == [
        ("position_mwh", "anna", TOMORROW, "10-11", 10, 10, None),
        ("position_mwh", "ben", TOMORROW, "10-11", 10, 10, None),
    ]
    limit(database, "position_mwh", 11, trader="ben")
    limit(database, "position_mwh", 8, trader="carl")
    limit(database, "position_mwh", 9, "portfolio")
    assert reached(database) == [
        ("position_mwh", None, TOMORROW, "10-11", 9, 9, None),
        ("position_mwh", "anna", TOMORROW, "10-11", 10, 10, None),
        ("position_mwh", "carl", TOMORROW, "10-11", 9, 8, None),
    ]


def test_a_loss_is_that_of_a_day_that_is_not_over_as_far_as_it_is_priced(
    settings: Settings, database: Database, batch: int
) -> None:
    prices = database.batch("reference_prices", name="prices")
    for day in (TOMORROW, YESTERDAY):
        for label, price in (("10-11", 70), ("11-12", 60), ("12-13", None)):
            database.trade(batch, day, label, "anna", "sell", 10, 50)
            database.trade(batch, day, label, "ben", "buy", 5, 50)
            database.price(prices, day, label, price, NOW)
    build(settings, database)
    limit(database, "loss_eur", 300)
    limit(database, "loss_eur", 151, "portfolio")
    assert reached(database) == [("loss_eur", "anna", TOMORROW, None, 300, 300, None)]
    database.rows("UPDATE ops.limits SET limit_value = 150 WHERE scope = 'portfolio'")
    assert reached(database)[0] == ("loss_eur", None, TOMORROW, None, 150, 150, None)


def test_a_price_distance_names_the_trade_that_is_farthest(
    settings: Settings, database: Database, batch: int
) -> None:
    prices = database.batch("reference_prices", name="prices")
    database.price(prices, TOMORROW, "10-11", 50, NOW)
    far = [database.trade(batch, TOMORROW, "10-11", "anna", "sell", 1, price) for price in (45, 60, 41)]
    database.trade(batch, TOMORROW, "11-12", "anna", "sell", 1, 900)
    block = database.trade(batch, TOMORROW, "08-12", "ben", "buy", 1, 10)
    build(settings, database)
    limit(database, "price_distance_eur_per_mwh", 10)
    limit(database, "price_distance_eur_per_mwh", 40, "portfolio")
    measure = "price_distance_eur_per_mwh"
    assert reached(database) == [
        (measure, None, TOMORROW, "10-11", 40, 40, block),
        (measure, "anna", TOMORROW, "10-11", 10, 10, far[1]),
        (measure, "ben", TOMORROW, "10-11", 40, 10, block),
    ]


def test_people_are_told_once_of_each(settings: Settings, database: Database, batch: int) -> None:
    limit(database, "position_mwh", 10)
    database.trade(batch, TOMORROW, "10-11", "anna", "sell", 12)
    build(settings, database)
    first = f"anna, {TOMORROW} 10-11: position of -12.0 MWh, the limit is 10"
    raised = "SELECT count(*), count(cleared_at) FROM ops.alarms WHERE alarm = 'limit_reached'"
    for _ in range(2):
        assert alarm(settings) == (f"limits that were reached: {first}", f"1 limit reached: {first}.")
    assert database.rows(raised) == [(1, 0)]

    database.trade(batch, TOMORROW, "11-12", "anna", "sell", Decimal("10.5"))
    build(settings, database)
    second = f"anna, {TOMORROW} 11-12: position of -10.5 MWh, the limit is 10"
    detail = f"limits that were reached: {second}; {first}"
    assert alarm(settings) == (detail, f"2 limits reached: {second}; {first}.")
    assert database.rows(raised) == [(2, 1)], "another hour is news"

    database.trade(batch, TOMORROW, "10-11", "anna", "buy", 5)
    build(settings, database)
    detail = f"limits that were reached: {second}; {first}, within it again"
    assert alarm(settings) == (detail, f"1 limit reached: {second}.")
    database.trade(batch, TOMORROW, "11-12", "anna", "buy", 5)
    build(settings, database)
    assert alarm(settings) == (
        f"limits that were reached: {second}, within it again; {first}, within it again",
        None,
    )
    database.trade(batch, TOMORROW, "10-11", "anna", "sell", 6)
    build(settings, database)
    again = f"anna, {TOMORROW} 10-11: position of -13.0 MWh, the limit is 10"
    detail = f"limits that were reached: {second}, within it again; {again}"
    assert alarm(settings) == (detail, f"1 limit reached: {again}.")
    assert database.rows(raised) == [(2, 1)], "the same hour again is none"
    assert database.rows("SELECT delivery_hour, value, limit_value FROM ops.limit_breaches ORDER BY 1") == [
        ("10-11", 12, 10),
        ("11-12", Decimal("10.5"), 10),
    ]
    database.rows("UPDATE ops.limit_breaches SET delivery_day = %s", (YESTERDAY,))
    database.rows("DELETE FROM ops.limits")
    assert alarm(settings) is None
    assert database.rows(raised) == [(2, 2)]


def test_a_limit_that_was_changed_and_is_reached_again_is_news(
    settings: Settings, database: Database, batch: int
) -> None:
    raised = "SELECT count(*), count(cleared_at) FROM ops.alarms WHERE alarm = 'limit_reached'"

    def change(value: int) -> None:
        database.rows("UPDATE ops.limits SET limit_value = %s", (value,))

    limit(database, "position_mwh", 10)
    database.trade(batch, TOMORROW, "10-11", "anna", "sell", 12)
    build(settings, database)
    assert alarm(settings) is not None
    change(50)
    before = f"anna, {TOMORROW} 10-11: position of -12.0 MWh, the limit is 10, within it again"
    assert alarm(settings) == (f"limits that were reached: {before}", None)
    assert database.rows(raised) == [(1, 0)]

    database.trade(batch, TOMORROW, "10-11", "anna", "sell", 100)
    build(settings, database)
    now = f"anna, {TOMORROW} 10-11: position of -112.0 MWh, the limit is 50"
    for _ in range(2):
        assert alarm(settings) == (f"limits that were reached: {now}", f"1 limit reached: {now}.")
    assert database.rows(raised) == [(2, 1)], "another limit is news"
    change(10)
    again = f"anna, {TOMORROW} 10-11: position of -112.0 MWh, the limit is 10"
    assert alarm(settings) == (f"limits that were reached: {again}", f"1 limit reached: {again}.")
    assert database.rows(raised) == [(2, 1)], "the one that was told of before is none"
    noted = "SELECT value, limit_value FROM ops.limit_breaches ORDER BY 2"
    assert database.rows(noted) == [(12, 10), (112, 50)]


@pytest.mark.parametrize(
    ("measure", "value", "limit_value", "shown"),
    [
        ("position_mwh", "0.0001", "0.0001", "position of +0.0001 MWh, the limit is 0.0001"),
        ("position_mwh", "-0.00040", "0.0001", "position of -0.0004 MWh, the limit is 0.0001"),
        ("position_mwh", "-0.025", "0.02", "position of -0.025 MWh, the limit is 0.02"),
        ("position_mwh", "33.33333333", "33", "position of +33.333 MWh, the limit is 33"),
        ("position_mwh", "1000.0014", "1000.0014", "position of +1,000.0014 MWh, the limit is 1,000.0014"),
        ("loss_eur", "0.004", "0.001", "loss of 0.004 EUR, the limit is 0.001"),
        ("loss_eur", "12.345678", "12", "loss of 12.35 EUR, the limit is 12"),
        ("price_distance_eur_per_mwh", "0.001", "0.001", "trade t1 0.001 EUR/MWh from the reference price"),
    ],
)
def test_a_value_never_seems_to_be_within_the_limit_that_it_reached(
    measure: Measure, value: str, limit_value: str, shown: str
) -> None:
    breach = Breach(
        measure, "anna", TOMORROW, "10-11", Decimal(value), Decimal(limit_value), "t1", NOW, is_over=True
    )
    assert shown in str(breach)


@pytest.mark.parametrize(
    "columns",
    [
        {"measure": "position"},
        {"limit_value": 0},
        {"limit_value": Decimal("Infinity")},
        {"limit_value": Decimal("NaN")},
        {"scope": "portfolio", "trader_id": "anna"},
        {"market": "XX"},
    ],
)
def test_what_is_no_limit_is_refused(database: Database, columns: dict[str, Any]) -> None:
    row = {"market": "DE", "measure": "position_mwh", "scope": "trader", "limit_value": 1}
    with pytest.raises(Exception, match="violates"):
        database.insert("ops.limits", **(row | columns))
