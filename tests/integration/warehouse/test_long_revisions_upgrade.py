"""A warehouse whose revisions are integers: they become bigint, and all that reads them is as it was."""

from contextlib import closing
from datetime import date

import pytest

from include.warehouse.migrate import migrate
from tests.factories import Database
from tests.integration.warehouse.conftest import MIGRATIONS

COLUMNS = """
    SELECT c.table_schema, c.table_name, c.column_name,
           CASE WHEN c.column_name IN ('revision', 'captured_revision') THEN 'number' ELSE c.data_type END,
           CASE WHEN c.table_schema <> 'raw' THEN
               col_description(format('%I.%I', c.table_schema, c.table_name)::regclass, c.ordinal_position)
           END
    FROM information_schema.columns AS c
    WHERE c.table_schema IN ('raw', 'staging', 'curated', 'ops')
    ORDER BY 1, 2, c.ordinal_position
"""
FUNCTIONS = """
    SELECT replace(p.oid::regprocedure::text, ',bigint,', ',integer,'), obj_description(p.oid, 'pg_proc'),
           p.provolatile, p.proparallel, p.procost, p.prosecdef
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('staging', 'curated', 'ops')
    ORDER BY 1
"""
VIEWS = (
    "SELECT oid::regclass::text, obj_description(oid, 'pg_class') FROM pg_class WHERE relkind = 'v' ORDER BY 1"
)
NARROW = (
    "SELECT table_name FROM information_schema.columns WHERE column_name ~ 'revision' AND data_type = 'integer'"
)
TRADES = "SELECT trade_id, revision, price_eur_per_mwh, is_disputed FROM curated.trades ORDER BY 1"


@pytest.mark.parametrize("older", ["0036"], indirect=True)
def test_a_warehouse_stays_what_it_was(older: str) -> None:
    with closing(Database(older)) as database:
        database.rows((MIGRATIONS / "pnl_views.sql").read_text())
        # as a later migration has it
        database.rows("ALTER FUNCTION staging.hours_tradable_at(text, timestamptz) PARALLEL SAFE")
        batch = database.batch()
        for name, revision in (("amended", 0), ("amended", 1), ("plain", 0), ("cancelled", 0), ("held", 0)):
            database.trade(batch, date(2026, 3, 2), "15-16", trade_id=name, price=revision, revision=revision)
        database.rows(
            "INSERT INTO raw.trade_cancellations (market, trade_id, revision, received_at, load_batch_id,"
            " landing_file_id, line_number)"
            " SELECT 'DE', 'cancelled', 0, now(), load_batch_id, landing_file_id, 9 FROM ops.load_batches"
        )
        database.quarantine("held")
        before = {query: database.rows(query) for query in (COLUMNS, FUNCTIONS, VIEWS, TRADES)}
        assert [row[:2] for row in before[TRADES]] == [("amended", 1), ("plain", 0)]

        migrate(older)
        for query, rows in before.items():
            assert database.rows(query) == rows
        assert database.rows(NARROW) == [("final_days",)]

        database.trade(batch, date(2026, 3, 2), "15-16", trade_id="amended", price=7, revision=2**63 - 1)
        assert database.rows(TRADES)[0][:3] == ("amended", 2**63 - 1, 7)
