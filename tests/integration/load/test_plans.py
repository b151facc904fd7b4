"""Plans of queries on many rows: a mass load runs some again and again while there are no statistics."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from include.expectations import acceptance, reconciliation
from include.jobs import load_statement, load_trades, validate_trades
from include.landing import message_line
from include.load import statements
from include.load.trades import QUERIES
from include.settings import Settings
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
    cur.execute("EXPLAIN SELECT * FROM staging.affected_hours(%s::bigint[])", (list(range(100, 200)),))
    plan = "\n".join(row for (row,) in cur.fetchall())
    assert "trades_of_statements" in plan
    assert "trades_amendments" not in plan
