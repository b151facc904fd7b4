"""A warehouse of one market, upgraded: all of it is of that market, whose names stay plain."""

from contextlib import closing

import pytest

from include.domain.delivery_period import Market
from include.errors import TerminalError
from include.warehouse.migrate import migrate
from tests.factories import Database

ROWS = """
UPDATE ops.market SET timezone = 'Europe/Paris';
INSERT INTO ops.landing_files (landing_file, source, hour_start_at) VALUES ('trades/a', 'trades', '2026-03-02');
INSERT INTO ops.connected_intervals
SELECT landing_file_id, '2026-03-02 10:00Z', '2026-03-02 10:05Z' FROM ops.landing_files;
INSERT INTO ops.landing_scans VALUES ('trades', '2026-03-02 10:09Z');
INSERT INTO ops.rebuilds (rebuild_id, from_day, to_day) VALUES ('r', '2026-03-01', '2026-03-02');
INSERT INTO ops.alarms (alarm, since_at, detail) VALUES ('no_trades', now(), 'd');
INSERT INTO ops.provider_requests (delivery_day, delivery_hour) VALUES ('2026-03-02', '15-16');
INSERT INTO ops.task_runs (dag_id, run_id, task_id, try_number, run_type, dag_task_count)
VALUES ('hourly_pnl', 'r', 'build_pnl', 1, 'manual', 1);
INSERT INTO ops.validation_results (validation_id, suite, expectation, severity, is_success, detail)
VALUES ('v', 'trades', 'e', 'critical', true, 'd');
SELECT 1
"""
TABLES = (
    *("landing_files", "landing_scans", "rebuilds", "alarms", "provider_requests", "task_runs"),
    "validation_results",
)


@pytest.mark.parametrize("older", ["0017"], indirect=True)
def test_what_was_there_is_of_the_one_market(older: str) -> None:
    with closing(Database(older)) as database:
        database.rows(ROWS)
        gaps = "SELECT gap_start_at, gap_end_at, gap_seconds, is_ongoing FROM ops.capture_gaps"
        troubles = "SELECT code, text FROM ops.troubles"
        before = database.rows(gaps), database.rows(troubles)
        migrate(older)
        assert database.rows("SELECT * FROM ops.markets") == [("DE", 1, "Europe/Paris", "EUR")]
        for table in TABLES:
            assert database.rows(f"SELECT market FROM ops.{table}") == [("DE",)], table
        assert database.rows("SELECT provider FROM ops.provider_requests") == [("provider",)]
        assert (database.rows(gaps), database.rows(troubles)) == before
        assert len(before[0]) == 1
        migrate(older, [Market.of("Europe/Berlin")])
        assert database.value("SELECT curated.market_timezone()") == "Europe/Berlin"
        with pytest.raises(TerminalError, match="the first market of the warehouse is DE"):
            migrate(older, [Market(Market.of("Europe/Vienna").timezone, "AT")])


def test_whoever_writes_a_row_says_of_which_market_it_is(database: Database) -> None:
    assert not database.rows(
        "SELECT table_name FROM information_schema.columns"
        " WHERE column_name IN ('market', 'provider') AND column_default IS NOT NULL"
    )


def test_a_market_that_leaves_keeps_its_limits(warehouse_url: str, database: Database) -> None:
    german, austrian = (Market(Market.of("Europe/Berlin").timezone, market) for market in ("DE", "AT"))
    finnish = Market(Market.of("Europe/Helsinki").timezone, "FI")
    migrate(warehouse_url, [german, austrian, finnish])
    database.rows(
        "INSERT INTO ops.limits (market, measure, scope, limit_value)"
        " SELECT unnest(ARRAY['DE', 'AT']), 'position_mwh', 'portfolio', 5"
    )
    markets = "SELECT market, position FROM ops.markets ORDER BY market"
    limits = "SELECT market, limit_value FROM ops.limits ORDER BY market"
    both = [("AT", 5), ("DE", 5)]
    migrate(warehouse_url, [german])
    assert database.rows(markets) == [("AT", None), ("DE", 1)], "nothing is known of FI"
    assert database.rows(limits) == both
    migrate(warehouse_url, [austrian])  # DE was the first one, and nothing was landed
    assert database.rows(markets) == [("AT", 1), ("DE", None)]
    assert database.rows(limits) == both
    database.rows("DELETE FROM ops.limits WHERE market = 'DE'")
    migrate(warehouse_url, [austrian])
    assert database.rows(markets) == [("AT", 1)]


def test_an_alarm_of_a_market_that_leaves_is_over(warehouse_url: str, database: Database) -> None:
    german, finnish = (Market(Market.of("Europe/Berlin").timezone, market) for market in ("DE", "FI"))
    migrate(warehouse_url, [german, finnish])
    database.rows(
        "INSERT INTO ops.alarms (market, alarm, severity, since_at, raised_at, detail)"
        " SELECT unnest(ARRAY['DE', 'FI']), 'rejects', 'critical', now(), now(), 'why'"
    )
    migrate(warehouse_url, [german])
    assert database.rows("SELECT market FROM ops.alarms WHERE cleared_at IS NULL") == [("DE",)]


def test_whatever_refers_to_a_market_keeps_it(database: Database) -> None:
    referring = "SELECT conrelid::regclass::text FROM pg_constraint WHERE confrelid = 'ops.markets'::regclass"
    assert database.rows(referring) == [("ops.limits",)], "markets_forget in include/warehouse/queries.sql"


def test_a_new_warehouse_has_the_markets_that_it_is_told(warehouse_url: str, database: Database) -> None:
    austria = Market(Market.of("Europe/Vienna").timezone, "AT")
    migrate(warehouse_url, [austria])
    assert database.rows("SELECT market, position FROM ops.markets") == [("AT", 1)]
    assert database.value("SELECT curated.market_timezone()") == "Europe/Vienna"
