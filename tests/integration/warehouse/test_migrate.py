"""Migrations: any number of times, several at once, and what they let an analyst do."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege
from psycopg2.extensions import cursor

from include.domain.delivery_period import Market
from include.errors import TerminalError, TransientError
from include.settings import PROJECT_ROOT
from include.warehouse.dictionary import read_dictionary
from include.warehouse.migrate import migrate
from include.warehouse.queries import read_script
from tests.factories import NOW, Database

VERSIONS = PROJECT_ROOT / "include" / "warehouse" / "migrations" / "versions"

RELATIONS = """
    SELECT n.nspname, n.nspname || '.' || c.relname
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v')
"""


@pytest.fixture
def empty_database(postgres: str) -> Iterator[str]:
    """URL of a database in which nothing was ever migrated."""
    with closing(psycopg2.connect(postgres)) as conn, conn.cursor() as cursor:
        conn.autocommit = True
        cursor.execute("CREATE DATABASE never_migrated")
        yield postgres.rsplit("/", 1)[0] + "/never_migrated"
        cursor.execute("DROP DATABASE never_migrated WITH (FORCE)")


def versions(url: str) -> list[str]:
    with closing(psycopg2.connect(url)) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT version_num FROM migrations.applied")
        return [version for (version,) in cursor]


def test_migrating_twice_is_migrating_once(warehouse_url: str, database: Database) -> None:
    database.insert("ops.landing_scans", scanned_at=NOW)
    before, schemas = versions(warehouse_url), read_dictionary(warehouse_url)
    migrate(warehouse_url)
    assert versions(warehouse_url) == before
    assert len(before) == 1
    assert read_dictionary(warehouse_url) == schemas
    assert database.value("SELECT count(*) FROM ops.landing_scans") == 1


@pytest.mark.parametrize("older", ["0008", "0017"], indirect=True)
def test_what_a_killed_validation_left_holds_up_no_migration(older: str) -> None:
    with closing(Database(older)) as database:
        for table in ("staging.pnl_hourly", "raw.trades", "raw.reference_prices"):
            name = table.partition(".")[2]
            database.rows(f"CREATE VIEW staging.checked_{name}_1140_dccab211 AS SELECT * FROM {table}")
        migrate(older)
        assert database.rows("SELECT viewname FROM pg_views WHERE viewname ~ '^checked_'") == []


def test_a_validation_goes_on_while_there_is_nothing_to_migrate(warehouse_url: str, database: Database) -> None:
    database.rows("CREATE VIEW staging.checked_trades_1140_dccab211 AS SELECT * FROM raw.trades")
    migrate(warehouse_url)
    assert database.value("SELECT count(*) FROM staging.checked_trades_1140_dccab211") == 0


def test_a_warehouse_of_a_newer_version_is_left_alone(warehouse_url: str, database: Database) -> None:
    database.rows("UPDATE migrations.applied SET version_num = '9999'")
    with pytest.raises(TerminalError, match=r"newer version.*Upgrade and rollback"):
        migrate(warehouse_url)
    assert versions(warehouse_url) == ["9999"]


def test_the_last_run_of_a_dag_that_is_gone_is_not_lost_for_ever(database: Database) -> None:
    for dag_id in ("follow_market", "watch_freshness", "hourly_pnl"):
        database.insert("ops.task_runs", dag_id=dag_id)
    database.rows((VERSIONS / "0012_dags.sql").read_text("utf-8"))
    assert database.rows("SELECT dag_id FROM ops.task_runs ORDER BY dag_id") == [
        ("hourly_pnl",),
        ("refresh_pnl",),
    ]


def test_several_migrations_at_once_wait_for_each_other(empty_database: str, shared_warehouse_url: str) -> None:
    environment = os.environ | {"WAREHOUSE_URL": empty_database}
    command = [sys.executable, "-m", "include.warehouse.migrate"]
    processes = [
        subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    ends = [(process.communicate()[1], process.returncode) for process in processes]
    assert [code for _, code in ends] == [0, 0, 0], ends
    assert versions(empty_database) == versions(shared_warehouse_url)
    assert read_dictionary(empty_database) == read_dictionary(shared_warehouse_url)


def test_no_warehouse_and_no_server_are_told_apart() -> None:
    with pytest.raises(TerminalError, match="WAREHOUSE_URL"):
        migrate("")
    with pytest.raises(TransientError, match="warehouse"):
        migrate("postgresql://nobody:wrong@127.0.0.1:1/nothing")


def test_a_function_that_fails_fails_the_migration(warehouse_url: str, database: Database) -> None:
    database.rows("UPDATE ops.markets SET timezone = 'Europe/Bonn'")
    with pytest.raises(TerminalError, match='a function of the warehouse fails: time zone "Europe/Bonn"'):
        migrate(warehouse_url)
    migrate(warehouse_url, [Market.of("Europe/Berlin")])


@pytest.fixture
def analyst(cur: cursor) -> cursor:
    cur.execute("SET ROLE analyst")
    return cur


def test_an_analyst_reads_all_of_curated_and_ops(cur: cursor) -> None:
    cur.execute(RELATIONS, (["curated", "ops"],))
    relations = [relation for _, relation in cur]
    assert len(relations) > 10
    cur.execute("SET ROLE analyst")
    for relation in relations:
        cur.execute(f"SELECT * FROM {relation}")
    cur.execute(read_script("smoke"))


def test_an_analyst_reads_what_a_later_migration_adds(cur: cursor) -> None:
    cur.execute("CREATE VIEW curated.added AS SELECT trade_id FROM raw.trades")
    cur.execute("SET ROLE analyst")
    cur.execute("SELECT * FROM curated.added")


@pytest.mark.parametrize(
    "relation", ["raw.trades", "raw.reference_prices", "raw.delivery_periods", "staging.pnl_hourly"]
)
def test_an_analyst_does_not_see_what_nobody_has_checked(analyst: cursor, relation: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        analyst.execute(f"SELECT * FROM {relation}")


def test_an_analyst_may_write_nowhere(cur: cursor) -> None:
    writing = "INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER"
    cur.execute(
        f"SELECT relation FROM ({RELATIONS}) AS r (schema, relation)"
        f" WHERE has_table_privilege('analyst', relation, '{writing}')",
        (["raw", "curated", "ops", "staging", "migrations"],),
    )
    assert cur.fetchall() == []
    cur.execute("SELECT nspname FROM pg_namespace WHERE has_schema_privilege('analyst', oid, 'CREATE')")
    assert cur.fetchall() == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM curated.pnl_hourly",
        "UPDATE ops.landing_files SET loaded_bytes = 0",
        "INSERT INTO ops.landing_scans VALUES ('trades', now(), 'DE')",
        "TRUNCATE curated.pnl_versions",
        "CREATE TABLE curated.mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "INSERT INTO staging.standing_facts DEFAULT VALUES",
    ],
)
def test_an_analysts_attempt_to_write_is_refused(analyst: cursor, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        analyst.execute(statement)


def test_a_backup_leaves_no_table_out(database: Database) -> None:
    """The documented pg_dump leaves out staging.checked_*, the views of validations that are under way."""
    assert database.rows("SELECT relname FROM pg_class WHERE relname LIKE 'checked\\_%'") == []
