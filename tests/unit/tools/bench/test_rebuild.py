"""What is said of a year, and that wrong results are none."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tools.bench.measures import WrongResultError
from tools.bench.rebuild import Run, check_first, year
from tools.history import History

HISTORY = History(
    start_at=datetime(2025, 10, 1, tzinfo=UTC),
    end_at=datetime(2025, 10, 11, tzinfo=UTC),
    trade_files=240,
    price_files=300,
    trade_lines=1_000,
    price_lines=10,
    trade_count=900,
    lost_count=1,
    broken_count=2,
    conflict_count=3,
    duplicate_or_conflict_count=8,
    first_delivery_day=date(2025, 9, 26),
    last_delivery_day=date(2025, 10, 12),
    prices_until=datetime(2025, 10, 12, tzinfo=UTC),
)
RUN = Run({"rows_built": 50, "rows_changed": 50}, 12.0, {}, 0)
STATE = {
    "trades": 900,
    "built_trades": 900,
    "lines": 1_000,
    "others": 10,
    "pending": 0,
    "rows": 50,
    "priced_rows": 50,
    "versions": 50,
}


def test_a_year_has_as_many_days_as_it_has() -> None:
    text = year(10, HISTORY, RUN, replace(RUN, seconds=6.0))
    assert text == (
        "A year of 52,560,000 trades, extrapolated from 900 in 10 days: 7.3 min from landing files,"
        " 3.6 min with all prices changed."
    )


def test_all_that_was_landed_is_right() -> None:
    check_first(RUN, STATE, HISTORY)


@pytest.mark.parametrize("name", [name for name in STATE if name != "rows"])
def test_whatever_is_not_what_was_landed_is_wrong(name: str) -> None:
    with pytest.raises(WrongResultError):
        check_first(RUN, STATE | {name: STATE[name] + 1}, HISTORY)
