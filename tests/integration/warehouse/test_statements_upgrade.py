"""A warehouse from before statements: the upgrade leaves its numbers as they are."""

from contextlib import closing
from datetime import date, datetime, timedelta

import pytest

from include.warehouse.migrate import migrate
from tests.factories import Database

DAY = date(2026, 3, 2)

LOADED = """
INSERT INTO ops.landing_files (landing_file, source, hour_start_at) VALUES ('trades/a', 'trades', '2026-03-02');
INSERT INTO ops.landing_scans VALUES ('trades', now());
SELECT landing_file_id FROM ops.landing_files
"""
"""Rows of tables that have no column `market` yet."""

SEEN = (
    "SELECT trade_id, direction, revision, trader_id FROM curated.trades ORDER BY 1, 2",
    "SELECT trade_id, revision FROM curated.cancelled_trades ORDER BY 1",
    "SELECT trade_id, problem, received_at FROM ops.review_queue ORDER BY 1",
    "SELECT delivery_hour, trader_id, trade_count, capture_gap_seconds, is_complete FROM curated.pnl_hourly"
    " ORDER BY 1, 2",
    "SELECT gap_start_at, gap_end_at, gap_seconds, is_ongoing FROM ops.capture_gaps ORDER BY 1",
)


@pytest.mark.parametrize("older", ["0017"], indirect=True)
def test_nothing_changes_but_what_is_new(older: str) -> None:
    with closing(Database(older)) as database:
        file = database.value(LOADED)
        batch = database.insert("ops.load_batches", landing_file_id=file)
        for name in ("plain", "amended", "cancelled", "held"):
            database.trade(batch, DAY, "15-16", trade_id=name)
        database.trade(batch, DAY, "16-17", trade_id="amended", revision=1)
        database.quarantine("held")
        database.insert("raw.trade_cancellations", trade_id="cancelled", **database.line(batch))
        database.pnl(DAY, "15-16", "anna", None, capture_gap_seconds=7)
        start = datetime.fromisoformat("2026-03-01T10:00:00+00:00")
        hour = timedelta(hours=1)
        for from_at in (start, start + 2 * hour):
            database.insert(
                "ops.connected_intervals",
                landing_file_id=file,
                connected_from=from_at,
                connected_until=from_at + hour,
            )
        before = [database.rows(query) for query in SEEN]
        assert [len(rows) for rows in before] == [2, 1, 1, 1, 2]

        migrate(older)
        # the last gap lasts until now
        assert [database.rows(query) for query in SEEN] == before
        assert database.rows("SELECT DISTINCT source FROM curated.trades") == [("stream",)]
        assert database.rows(
            "SELECT statement_trade_count, reconciled_gap_seconds FROM curated.pnl_versions"
        ) == [(0, 0)]
        assert database.rows("SELECT DISTINCT is_unexpected FROM ops.quarantined_trades") == [(False,)]
        for source in ("trades", "reference_prices", "statements"):
            database.batch(source, name="new")


@pytest.mark.parametrize("older", ["0031"], indirect=True)
def test_hours_that_a_statement_moved_a_trade_out_of_are_built_again(older: str) -> None:
    with closing(Database(older)) as database:
        batch = database.batch()
        for name, hour in (("moved", "17-18"), ("changed", "16-17")):
            captured = "15-16" if name == "moved" else hour
            database.trade(batch, DAY, captured, trade_id=name)
            database.trade(batch, DAY, hour, trade_id=name, revision=-1)
        migrate(older)
        assert database.rows("SELECT delivery_day, delivery_hour, cause FROM ops.pending_delivery_periods") == [
            (DAY, "15-16", "statement")
        ]
