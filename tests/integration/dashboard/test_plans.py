"""Plans of what the trading desk reads: none of them may touch all trades, all versions or all messages."""

from datetime import date
from typing import Any

import pytest

from include.dashboard.service import QUERIES
from include.expectations.pnl_hourly import suite
from tests.integration.dashboard.conftest import DAY, Desk

NOON = "2023-02-06 11:00:00+00"
DAYS: dict[str, Any] = {
    "market": "DE",
    "from_day": date(2022, 3, 1),
    "to_day": DAY,
    "trader_id": None,
    "all_traders": True,
}

FEW_INDEXES = """
ALTER TABLE curated.pnl_versions DROP CONSTRAINT pnl_versions_pkey;
DROP INDEX curated.pnl_versions_trader, curated.pnl_versions_period, curated.pnl_versions_valid_from,
    curated.pnl_versions_valid_to
"""
"""Among a few rows any other one would do as well."""


def plan(desk: Desk, query: str, change: str = "", **parameters: Any) -> str:
    """The plan, where tables are so large that an index is the better way if there is one that fits."""
    cur = desk.database.cursor
    cur.execute(f"BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; {change}")
    cur.execute("EXPLAIN (COSTS OFF) " + query, parameters or None)
    lines = [line for (line,) in cur.fetchall()]
    cur.execute("ROLLBACK")
    return "\n".join(lines)


@pytest.mark.parametrize("hour", [None, "12-13"])
@pytest.mark.parametrize("name", ["trades", "cancelled_trades"])
def test_lists_read_the_trades_of_their_hours(desk: Desk, name: str, hour: str | None) -> None:
    """A join alone would not do: there are more tables in the view than the planner changes the order of."""
    asked: dict[str, Any] = {"market": "DE", "day": DAY, "hour": hour, "trader_id": None, "limit": 500}
    found = plan(desk, QUERIES[name], **asked)
    condition = "delivery_day = '2023-02-06'::date"
    if hour:
        condition += ") AND (delivery_hour = ANY ("
    scan = found.index("using trades_delivery_period on trades t\n")
    assert condition in found[scan:].split("\n")[1]


def test_the_check_of_pnl_reads_the_trades_of_its_days(desk: Desk) -> None:
    (query,) = (
        each.unexpected_rows_query  # type: ignore[attr-defined]
        for each in suite().expectations
        if "curated.trades" in getattr(each, "unexpected_rows_query", "")
    )
    found = plan(desk, query.format(batch="staging.pnl_hourly"))
    scan = found.index("using trades_delivery_period on trades t\n")
    assert "(delivery_day = ANY (" in found[scan:].split("\n")[1]


@pytest.mark.parametrize("name", ["pnl_daily", "pnl_weekly", "pnl_monthly"])
@pytest.mark.parametrize("of", ["", "portfolio_"])
def test_ranges_are_summed_up_from_an_index(dashboard: Desk, name: str, of: str) -> None:
    dashboard.database.cursor.execute("VACUUM (ANALYZE) curated.pnl_versions")
    standing = "Index Only Scan using pnl_versions_standing"
    found = plan(dashboard, QUERIES[of + name], FEW_INDEXES, as_of=None, **DAYS)
    assert found.count(standing) == found.count(" on pnl_versions") == 1
    found = plan(dashboard, QUERIES[of + name], FEW_INDEXES, as_of=NOON, **DAYS)
    assert found.count(standing) == 1
    assert found.count("Index Scan using pnl_versions_span") == 1
    assert found.count(" on pnl_versions") == 2


@pytest.mark.parametrize("as_of", [None, NOON])
def test_a_range_is_read_from_the_same_indexes(dashboard: Desk, as_of: str | None) -> None:
    dashboard.database.cursor.execute("VACUUM (ANALYZE) curated.pnl_versions")
    names = ("first_day", "previous_from_day", "previous_to_day", "month_from_day", "month_to_day", "last_day")
    asked = DAYS | dict.fromkeys(names, DAY) | {"step": "month", "as_of": as_of}
    found = plan(dashboard, QUERIES["range"], FEW_INDEXES, **asked)
    # once for the portfolio, once for its traders
    assert found.count("Index Only Scan using pnl_versions_standing") == 2
    # the trades of the best hours, which that index does not have, hour by hour
    assert found.count("Index Scan using pnl_versions_standing") == 1
    closed = 3 if as_of else 0
    assert found.count("Index Scan using pnl_versions_span") == closed
    assert found.count(" on pnl_versions") == 3 + closed


def test_as_of_is_what_stood_at_each_moment(dashboard: Desk) -> None:
    """New trades, a new price, a row that goes: at each publication, and a microsecond around it."""
    gone = dashboard.sell("14-15", "7")
    dashboard.build()
    dashboard.buy("12-13", "6")
    dashboard.price("13-14", "3")
    dashboard.build()
    dashboard.quarantine(gone)
    dashboard.build()
    columns = "v.delivery_hour, v.trader_id, v.trade_count, v.pnl_eur, v.built_at"
    moments = """
        SELECT bound + shift AS moment
        FROM curated.pnl_versions
        CROSS JOIN unnest(ARRAY[valid_from, valid_to]) AS bound
        CROSS JOIN unnest(ARRAY['-1 us', '0', '1 us']::interval[]) AS shift
        WHERE bound IS NOT NULL
    """
    said = dashboard.database.rows(
        f"SELECT DISTINCT moment, {columns} FROM ({moments}) AS m"
        " CROSS JOIN LATERAL curated.pnl_hourly_as_of(moment) AS v ORDER BY 1, 2, 3"
    )
    stood = dashboard.database.rows(
        f"SELECT DISTINCT moment, {columns} FROM ({moments}) AS m JOIN curated.pnl_versions AS v"
        " ON v.valid_from <= moment AND (v.valid_to IS NULL OR v.valid_to > moment) ORDER BY 1, 2, 3"
    )
    assert len({row[0] for row in said}) >= 8
    assert said == stood


def test_messages_that_tell_no_hour_are_looked_up_from_the_day(desk: Desk) -> None:
    found = plan(desk, QUERIES["incomplete"], market="DE", day=DAY)
    assert "hours_tradable_at" not in found


def test_limits_read_the_trades_of_their_days(desk: Desk) -> None:
    found = plan(desk, "SELECT * FROM ops.limits_reached")
    scan = found.index("using trades_delivery_period on trades t\n")
    assert "Index Cond: (delivery_day = ANY (" in found[scan:].split("\n")[1]
