"""PnL of weeks and months: the sum of the hours of their days, and nothing missing in silence."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from include.jobs import build_pnl
from include.settings import Settings
from tests.factories import MARKET, Database

OBSERVED_AT = datetime(2027, 2, 1, tzinfo=UTC)
# a Friday, a Sunday, a Monday, the Sunday when summer time begins, and a week of two years
FRIDAY, SUNDAY, MONDAY = date(2026, 2, 27), date(2026, 3, 1), date(2026, 3, 2)
SUMMER, OLD_YEAR, NEW_YEAR = date(2026, 3, 29), date(2026, 12, 31), date(2027, 1, 1)


@pytest.fixture(autouse=True)
def built(settings: Settings, database: Database) -> None:
    trades, prices = database.batch("trades"), database.batch("reference_prices", name="prices")
    for day, label, trader, direction, mw, price in (
        (FRIDAY, "10-11", "anna", "sell", 2, 50),
        (SUNDAY, "10-11", "anna", "sell", 1, 60),
        (SUNDAY, "10-11", "ben", "buy", 1, 40),
        (MONDAY, "10-11", "anna", "buy", 3, 30),
        (MONDAY, "11-12", "anna", "buy", 3, 30),
        (SUMMER, "03-04", "anna", "sell", 4, 20),
        (OLD_YEAR, "10-11", "anna", "sell", 1, 70),
        (NEW_YEAR, "10-11", "anna", "sell", 1, 80),
    ):
        database.trade(trades, day, label, trader, direction, Decimal(mw), Decimal(price))
        if (day, label) != (MONDAY, "11-12"):
            database.price(prices, day, label, Decimal(45), OBSERVED_AT)
    # the last capture instance was lost while Friday's hour could be traded
    (hour,) = [period for period in MARKET.hours_of(FRIDAY) if period.delivery_hour == "10-11"]
    file = database.value("SELECT landing_file_id FROM ops.landing_files WHERE source = 'trades'")
    before, after = hour.tradable_from - timedelta(days=1), datetime(2027, 1, 2, tzinfo=UTC)
    lost, back = hour.start_at - timedelta(hours=2), hour.start_at - timedelta(hours=1)
    database.connected(file, (before, lost), (back, after))
    database.pending()
    build_pnl.run(settings)


def ranges(database: Database, view: str, start: str, trader: str | None = None) -> list[tuple[Any, ...]]:
    whose = "" if trader is None else f" WHERE trader_id = '{trader}'"
    return database.rows(
        f"SELECT {start}, delivery_day_count, delivery_period_count, trade_count, missing_price_count,"
        f" net_position_mwh, cash_flow_eur, pnl_eur, priced_pnl_eur, is_complete, incomplete_day_count"
        f" FROM curated.{view}{whose} ORDER BY 1"
    )


def test_weeks_run_from_monday_to_sunday_and_over_the_year(database: Database) -> None:
    assert ranges(database, "pnl_weekly", "delivery_week", "anna") == [
        (date(2026, 2, 23), 2, 2, 2, 0, -3, 160, 25, 25, False, 1),
        (MONDAY, 1, 2, 2, 1, 6, -180, None, 45, True, 0),
        (date(2026, 3, 23), 1, 1, 1, 0, -4, 80, -100, -100, True, 0),
        (date(2026, 12, 28), 2, 2, 2, 0, -2, 150, 60, 60, True, 0),
    ]


def test_a_month_with_a_missing_price_has_no_pnl_but_says_what_is_priced(database: Database) -> None:
    assert ranges(database, "pnl_monthly", "delivery_month", "anna") == [
        (date(2026, 2, 1), 1, 1, 1, 0, -2, 100, 10, 10, False, 1),
        (date(2026, 3, 1), 3, 4, 4, 1, 1, -40, None, -40, True, 0),
        (date(2026, 12, 1), 1, 1, 1, 0, -1, 70, 25, 25, True, 0),
        (date(2027, 1, 1), 1, 1, 1, 0, -1, 80, 35, 35, True, 0),
    ]


def test_the_portfolio_nets_its_traders_hour_by_hour(database: Database) -> None:
    assert ranges(database, "portfolio_pnl_weekly", "delivery_week")[0] == (
        date(2026, 2, 23), 2, 2, 3, 0, -2, 120, 30, 30, False, 1
    )  # fmt: skip
    assert ranges(database, "portfolio_pnl_monthly", "delivery_month")[1] == (
        date(2026, 3, 1), 3, 4, 5, 1, 2, -80, None, -35, True, 0
    )  # fmt: skip
    realised = "SELECT realised_pnl_eur FROM curated.{} WHERE delivery_week = '2026-02-23'"
    assert database.rows(realised.format("portfolio_pnl_weekly")) == [(20,)]
    assert database.rows(realised.format("pnl_weekly")) == [(0,), (0,)]


@pytest.mark.parametrize("view", ["pnl_weekly", "pnl_monthly", "portfolio_pnl_weekly", "portfolio_pnl_monthly"])
def test_what_was_said_at_a_moment(database: Database, view: str) -> None:
    said = f"SELECT * FROM curated.{view} ORDER BY 2, 3"
    assert database.rows(said) == database.rows(said.replace(view, f"{view}_as_of(now())"))
    assert database.rows(said.replace(view, f"{view}_as_of('2026-11-01Z')")) == []
