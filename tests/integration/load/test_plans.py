"""Plans of queries that a mass load runs again and again, while its tables have no statistics."""

from datetime import timedelta

from include.jobs import load_trades
from include.landing import message_line
from include.load.trades import QUERIES
from include.settings import Settings
from tests.factories import Database
from tests.messages import RECEIVED_AT, deal, write_landing_file


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
