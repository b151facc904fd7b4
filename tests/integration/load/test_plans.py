"""Plans of queries on many rows: a mass load runs some again and again while there are no statistics."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from include.expectations import acceptance, reconciliation
from include.expectations.library import ExpectNoRowsWhere
from include.expectations.trades import suite
from include.expectations.views import SCHEMA, checked_view
from include.jobs import build_pnl, load_statement, load_trades, validate_trades
from include.landing import message_line
from include.load import statements
from include.load.trades import COPIES, QUERIES
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import run_sql
from tests.factories import MARKET, Database
from tests.messages import RECEIVED_AT, deal, write_landing_file
from tests.statements import DAY, line, write_statement


def test_ids_are_looked_up_by_the_key_and_not_among_all_trades(settings: Settings, database: Database) -> None:
    database.cursor.execute("ALTER TABLE raw.trades SET (autovacuum_enabled = off)")
    lines = (
        message_line(RECEIVED_AT + timedelta(milliseconds=n), deal(id=f"t{n}").encode()) for n in range(5000)
    )
    write_landing_file(settings.landing_root, b"".join(lines))
    load_trades.run(settings)
    cur = database.cursor
    cur.execute("BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    ids = "{" + ",".join(f"u{n}" for n in range(2000)) + "}"
    cur.execute(
        "EXPLAIN (ANALYZE, BUFFERS OFF, FORMAT TEXT) " + QUERIES["trades_known"],
        {"market": "DE", "trade_ids": ids},
    )
    plan = "\n".join(line for (line,) in cur.fetchall())
    cur.execute("ROLLBACK")
    assert "Index Only Scan using trades_pkey" in plan
    assert "trade_id = w.trade_id" in plan
    assert "Rows Removed by Filter" not in plan


def test_a_mass_load_has_statistics_before_it_is_checked(
    settings: Settings, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptance, "_ROWS_TO_VACUUM", 3)
    monkeypatch.setattr(statements, "_ROWS_TO_ANALYZE", 3)
    for table in ("raw.trades", "raw.period_hours", "raw.statement_trades"):
        database.cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")

    def counted(table: str) -> float:
        return float(database.value("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", (table,)))

    write_landing_file(
        settings.landing_root, b"".join(message_line(RECEIVED_AT, deal(id=f"t{n}").encode()) for n in range(3))
    )
    load_trades.run(settings)
    assert counted("raw.trades") == -1, "unknown"
    validate_trades.run(settings)
    assert counted("raw.trades") == 3
    assert counted("raw.period_hours") == 1
    load_statement.run(
        settings, DAY, write_statement(tmp_path / "statements", [line(id=f"t{n}") for n in range(3)])
    )
    assert counted("raw.statement_trades") == 3


def test_the_trades_of_a_day_are_found_by_their_time_of_execution(database: Database) -> None:
    """Whenever they deliver, with a few times that are wrong by years."""
    cur = database.cursor
    cur.execute(
        "INSERT INTO raw.trades SELECT 't' || n, 'a', 'sell', 1, 1, executed::date, '15-16', executed,"
        " executed, executed - n % 500 / 499 * interval '2 years', executed, n / 1000, 1, n, 'DE'"
        " FROM (SELECT n, timestamptz '2026-01-01Z' + n * interval '1 minute' AS executed"
        "       FROM generate_series(1, 150000) AS n) AS trades"
    )
    cur.execute("VACUUM (ANALYZE) raw.trades")
    covered_from, covered_until = MARKET.span_of(DAY)
    days = {"days": [DAY], "covered_from": [covered_from], "covered_until": [covered_until]}
    cur.execute(
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF) " + reconciliation.QUERIES["scope_of_days"],
        days | {"market": "DE", "folders": ["statements/date=2026-03-02"]},
    )
    plan = "\n".join(row for (row,) in cur.fetchall())
    assert "Bitmap Index Scan on trades_executed" in plan
    assert "Seq Scan on trades" not in plan
    (rechecked,) = re.findall(r"Rows Removed by Index Recheck: (\d+)", plan)
    assert int(rechecked) < 20_000


def test_the_rows_of_statements_in_a_batch_are_not_looked_for_among_all_amendments(database: Database) -> None:
    cur = database.cursor
    cur.execute(
        "INSERT INTO raw.trades SELECT 't' || n, 'a', 'sell', 1, 1, at::date, '15-16', at, at, at, at,"
        " n / 100, 1, n, 'DE', revision FROM (SELECT n, timestamptz '2026-01-01Z' + n * interval '1 min' AS at"
        "                               FROM generate_series(1, 50000) AS n) AS trades,"
        " LATERAL (SELECT 0 AS revision UNION ALL SELECT 1 UNION ALL SELECT -1 WHERE n % 1000 = 0) AS revisions"
    )
    cur.execute("VACUUM (ANALYZE) raw.trades")
    cur.execute("BEGIN")
    before = _scans(database)
    cur.execute("SELECT * FROM staging.affected_hours(%s::bigint[])", (list(range(100, 200)),))
    seq_scans, rows = (after - was for after, was in zip(_scans(database), before, strict=True))
    cur.execute("ROLLBACK")
    assert seq_scans == 0
    assert rows < 40_000, "there are 50,000 amendments, and 20,000 rows of these batches"


_INSERT_TRADES = (
    "INSERT INTO raw.trades SELECT '{0}t' || n, 'a', 'sell', 1, 1, at::date, '15-16', at, at, at, at,"
    " {0}, 1, n, 'DE' FROM (SELECT n, timestamptz '2026-01-01Z' + n * interval '1 min' AS at"
    "                             FROM generate_series(1, {1}) AS n) AS trades"
)
"""Trades of a batch."""


def test_what_a_batch_holds_is_found_without_reading_all_trades(database: Database) -> None:
    """Builds, validations and decisions ask for it: a run must not take longer because of its history."""
    cur = database.cursor
    cur.execute(_INSERT_TRADES.format(99, 100_000))
    cur.execute("VACUUM (ANALYZE) raw.trades")
    batch = database.batch(is_reload=True)
    database.trade(batch, DAY, "15-16")
    database.pending([(DAY, "15-16")])
    database.batch("statements", "loaded")
    cur.execute("BEGIN")
    before = _scans(database)
    run_sql(cur, build_pnl.QUERIES["pending_periods"], {"market": "DE", "days": [DAY], "is_whole": False})
    run_sql(cur, acceptance.QUERIES["accept_pending_trades"], {"load_batch_ids": [batch]})
    assert cur.rowcount == 1
    run_sql(cur, COPIES["recount_batches"], {"load_batch_ids": [batch]})
    assert cur.rowcount == 1
    waiting = {"market": "DE", "sources": ["trades", "statements"]}
    run_sql(cur, acceptance.QUERIES["validation_batches"], waiting)
    assert cur.rowcount == 1
    assert _scans(database)[0] == before[0]
    cur.execute("ROLLBACK")


def _scans(database: Database) -> tuple[int, int]:
    """How often this transaction has read all of raw.trades, and how many rows it has found by an index."""
    ((seq_scan, idx_tup_fetch),) = database.rows(
        "SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = 'raw.trades'::regclass"
    )
    return seq_scan, idx_tup_fetch


def test_a_validation_reads_the_trades_of_its_batches_only_and_once(
    settings: Settings, database: Database
) -> None:
    """Those of a batch that statistics do not know yet, among all others."""
    cur = database.cursor
    cur.execute(_INSERT_TRADES.format(99, 100_000))
    cur.execute("VACUUM (ANALYZE) raw.trades")
    cur.execute(_INSERT_TRADES.format(9, 10_000))
    batches = {"load_batch_ids": [9], "delivery_days": [DAY]}
    market = {"market": "DE", "market_timezone": "Europe/Berlin"}
    trades = suite(settings)
    conditions = [e.condition for e in trades.expectations if isinstance(e, ExpectNoRowsWhere)]
    counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in conditions)
    with (
        connect(settings.warehouse_url, "test", search_path=SCHEMA, **trades.planner) as conn,
        checked_view(conn, "trades", batches | market) as view,
        conn,
        conn.cursor() as session,
    ):
        for statement in (f"SELECT 1 FROM {view} LIMIT 1", f"SELECT {counts} FROM {view}"):
            session.execute(f"EXPLAIN {statement}")
            plan = "\n".join(row for (row,) in session.fetchall())
            assert plan.count("Bitmap Index Scan on trades_load_batch_id") == 1
            assert "Seq Scan on trades" not in plan
            assert "Nested Loop Left Join" not in plan
