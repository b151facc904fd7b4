"""What the role `analyst` tries in order to stop the platform, or to read what it should not.

On a server as `make run` sets it up.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege

from include.local.postgres import EmbeddedPostgres, embedded_postgres
from include.warehouse.connection import connect
from include.warehouse.migrate import migrate
from include.warehouse.roles import MAX_READER_CONNECTIONS, hold_reader
from tests.torture.conftest import Torture

SESSIONS_OF_THE_ATTACK = 84
MAY_READ = ("curated", "ops")

FUNCTIONS = [
    "pg_read_file('/etc/passwd')", "pg_read_binary_file('postgresql.conf')",
    "pg_stat_file('postgresql.conf')", "pg_ls_dir('.')", "pg_ls_logdir()", "pg_ls_waldir()",
    "pg_current_logfile()", "lo_export(1, '/tmp/x')", "pg_reload_conf()", "pg_rotate_logfile()",
    "pg_switch_wal()", "pg_create_restore_point('x')", "pg_create_physical_replication_slot('x')",
    "pg_create_logical_replication_slot('x', 'test_decoding')", "pg_promote()", "pg_backup_start('x')",
    "pg_stat_reset()", "pg_stat_reset_shared('io')", "pg_config()", "pg_hba_file_rules()",
    "pg_show_all_file_settings()", "set_config('log_statement', 'all', false)",
    "pg_replication_origin_create('x')", "pg_log_backend_memory_contexts(1)",
]  # fmt: skip
"""Files, the log, the WAL, replication, statistics, the configuration."""

STATEMENTS = [
    "COPY (SELECT 1) TO PROGRAM 'id'", "COPY (SELECT 1) TO '/tmp/x'", "COPY curated.pnl_versions FROM STDIN",
    "COPY ops.alarms FROM PROGRAM 'id'", "COPY ops.alarms FROM '/etc/passwd'", "COPY raw.trades TO STDOUT",
    "SET ROLE pipeline", "SET SESSION AUTHORIZATION pipeline", "SET session_replication_role = replica",
    "ALTER SYSTEM SET log_statement = 'all'", "CREATE DATABASE mine", "CREATE ROLE mine",
    "DROP EXTENSION plpgsql", "CREATE PUBLICATION mine", "CREATE FOREIGN DATA WRAPPER mine",
    "GRANT pipeline TO analyst", "GRANT SELECT ON raw.trades TO analyst", "ALTER ROLE analyst SUPERUSER",
    "ALTER TABLE curated.pnl_versions OWNER TO analyst", "DROP SCHEMA curated CASCADE", "SHOW data_directory",
    "SELECT * FROM pg_shadow", "SELECT * FROM pg_hba_file_rules", "SELECT * FROM pg_largeobject",
    "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE VIEW curated.mine AS SELECT 1",
    "CREATE RULE r AS ON SELECT TO curated.pnl_hourly DO INSTEAD NOTHING",
    "REASSIGN OWNED BY pipeline TO analyst",
    "DO $$ BEGIN EXECUTE 'UPDATE curated.pnl_versions SET trade_count = 0'; END $$",
    "WITH t AS (DELETE FROM curated.pnl_versions RETURNING 1) SELECT * FROM t",
    "EXPLAIN ANALYZE DELETE FROM curated.pnl_versions", "SELECT * FROM raw.trades",
    "SELECT * FROM staging.trade_copies",
]  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server with a migrated warehouse."""
    with embedded_postgres(tmp_path_factory.mktemp("reader"), durable=False) as running:
        running.create_role("airflow")
        running.create_database("airflow", "airflow")
        migrate(running.url("warehouse", "pipeline"))
        yield running


def attempt(server: EmbeddedPostgres, *statements: str) -> list[tuple[object, ...]]:
    """Runs the statements as analyst, in a session that may write; the rows of the last one."""
    with server.connect("warehouse", "analyst") as connection, connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = off")
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def shown(server: EmbeddedPostgres, setting: str) -> object:
    """What a new session of the analyst starts with."""
    with server.connect("warehouse", "analyst") as connection, connection.cursor() as cursor:
        cursor.execute(f"SHOW {setting}")
        return cursor.fetchall()[0][0]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_advisory_lock(7301002)",
        "SELECT pg_advisory_lock(7301, 1)",
        "SELECT pg_advisory_lock_shared(7301003)",
        "SELECT pg_advisory_xact_lock(7301002)",
        "SELECT pg_try_advisory_lock(7301002)",
        "SELECT pg_try_advisory_xact_lock_shared(7301002)",
        "SELECT pg_advisory_unlock(7301002)",
        "SELECT lo_create(0)",
        "SELECT lo_creat(-1)",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT pg_logical_emit_message(false, 'x', 'x')",
        "SELECT pg_export_snapshot()",
        "CREATE TEMP TABLE mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "CREATE TABLE curated.mine (a int)",
        "CREATE SCHEMA mine",
        "COPY curated.trades TO PROGRAM 'cat'",
        "SELECT * FROM curated.pnl_hourly FOR SHARE",
        "BEGIN; LOCK TABLE curated.pnl_hourly IN SHARE MODE",
        "SET temp_file_limit = -1",
        "SET log_min_messages = 'debug5'",
        "ALTER ROLE analyst RESET temp_file_limit",
        "ALTER ROLE analyst CONNECTION LIMIT -1",
        "ALTER ROLE pipeline PASSWORD 'mine'",
        "SELECT administration.hold_analyst()",
        "SELECT * FROM administration.analyst",
        "SELECT rolpassword FROM pg_authid",
        *(f"SELECT {call}" for call in FUNCTIONS),
        *STATEMENTS,
    ],
)
def test_what_would_stop_the_platform_is_refused(server: EmbeddedPostgres, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        attempt(server, statement)


def relations(server: EmbeddedPostgres) -> list[tuple[str, str]]:
    """Schema and name of each table, view and sequence that is ours."""
    with server.connect("warehouse") as admin, admin.cursor() as cursor:
        cursor.execute(
            "SELECT nspname, relname FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace"
            " WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND nspname !~ '^pg_|information_schema'"
        )
        return cursor.fetchall()


def test_it_reads_two_schemas_and_writes_none(server: EmbeddedPostgres, torture: Torture) -> None:
    """Each relation, whatever a migration adds."""
    refused = reads = 0
    found = relations(server)
    assert {schema for schema, _ in found} >= {*MAY_READ, "raw", "staging", "administration"}
    with server.connect("warehouse", "analyst") as connection, connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = off")
        for schema, name in found:
            relation = f"{schema}.{name}"
            read = f"SELECT * FROM {relation} LIMIT 1"
            if schema in MAY_READ and not name.endswith("_seq"):
                cursor.execute(read)
                reads += 1
            else:
                with pytest.raises(InsufficientPrivilege):
                    cursor.execute(read)
            for statement in (
                "INSERT INTO {} DEFAULT VALUES",
                "DELETE FROM {}",
                "TRUNCATE {}",
                "DROP TABLE {}",
            ):
                with pytest.raises(psycopg2.Error):
                    cursor.execute(statement.format(relation))
                refused += 1
    torture.report(
        "the role analyst reads the schemas curated and ops and changes nothing",
        f"{refused + len(FUNCTIONS) + len(STATEMENTS)} statements: writes to all {len(found)} relations, files,"
        " programs, large objects, other roles, the configuration",
        f"all refused; {reads} tables and views of {' and '.join(MAY_READ)} can be read",
    )


PRIVILEGES = {
    "tables": "SELECT oid::regclass::text, p FROM pg_class, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE',"
    " 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']) AS p WHERE relkind IN ('r', 'p', 'v', 'm', 'f')"
    " AND has_table_privilege('analyst', oid, p) AND oid <> 'pg_settings'::regclass",
    "columns": "SELECT oid::regclass::text, p FROM pg_class, unnest(ARRAY['INSERT', 'UPDATE']) AS p"
    " WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND has_any_column_privilege('analyst', oid, p)"
    " AND oid <> 'pg_settings'::regclass",
    "sequences": "SELECT oid::regclass::text FROM pg_class"
    " WHERE CASE WHEN relkind = 'S' THEN has_sequence_privilege('analyst', oid, 'USAGE, UPDATE') END",
    "schemas": "SELECT nspname FROM pg_namespace WHERE has_schema_privilege('analyst', oid, 'CREATE')",
    "databases": "SELECT datname FROM pg_database"
    " WHERE has_database_privilege('analyst', oid, 'CREATE, TEMPORARY')",
    "functions that run as their owner": "SELECT oid::regprocedure::text FROM pg_proc WHERE prosecdef"
    " AND has_function_privilege('analyst', oid, 'EXECUTE')"
    " AND has_schema_privilege('analyst', pronamespace, 'USAGE')",
    "roles": "SELECT r.rolname FROM pg_auth_members JOIN pg_roles AS r ON r.oid = roleid"
    " WHERE member = 'analyst'::regrole",
    "attributes": "SELECT 1 FROM pg_roles WHERE rolname = 'analyst' AND (rolsuper OR rolcreaterole"
    " OR rolcreatedb OR rolreplication OR rolbypassrls)",
    "what it owns": "SELECT classid::regclass::text, objid FROM pg_shdepend"
    " WHERE refobjid = 'analyst'::regrole AND deptype = 'o'",
    "servers": "SELECT srvname FROM pg_foreign_server WHERE has_server_privilege('analyst', oid, 'USAGE')",
}


@pytest.mark.parametrize("kind", PRIVILEGES)
def test_the_catalog_knows_no_further_privilege(server: EmbeddedPostgres, kind: str) -> None:
    with server.connect("warehouse") as admin, admin.cursor() as cursor:
        cursor.execute(PRIVILEGES[kind])
        assert cursor.fetchall() == []


def test_it_sees_no_statement_of_others_and_ends_none(server: EmbeddedPostgres) -> None:
    with server.connect("warehouse", "pipeline") as other, other.cursor() as cursor:
        cursor.execute("SELECT 'a secret of the pipeline'")
        pid = other.info.backend_pid
        seen = attempt(server, f"SELECT query, client_addr FROM pg_stat_activity WHERE pid = {pid}")
        assert seen == [("<insufficient privilege>", None)]
        for function in ("pg_terminate_backend", "pg_cancel_backend"):
            with pytest.raises(InsufficientPrivilege):
                attempt(server, f"SELECT {function}({pid})")
        cursor.execute("SELECT 1")


@pytest.mark.parametrize("database", ["postgres", "template1", "airflow"])
def test_it_enters_no_other_database(server: EmbeddedPostgres, database: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(server.url(database, "analyst"))


def test_no_function_of_the_kind_was_forgotten(server: EmbeddedPostgres) -> None:
    kinds = "proname ~ 'advisory|^lo_|^lo(read|write)$|emit_message|export_snapshot'"
    rows = attempt(
        server,
        f"SELECT proname FROM pg_proc WHERE {kinds} AND has_function_privilege('analyst', oid, 'EXECUTE')",
    )
    assert rows == [("pg_advisory_unlock_all",)]  # which drivers call when they give a connection back


def test_what_a_driver_calls_when_a_connection_is_given_back_works(server: EmbeddedPostgres) -> None:
    attempt(server, "SELECT pg_advisory_unlock_all()", "CLOSE ALL", "UNLISTEN *", "RESET ALL")


def test_as_many_sessions_as_it_can_get_leave_enough_for_the_others(server: EmbeddedPostgres) -> None:
    with ExitStack() as sessions:
        for _ in range(MAX_READER_CONNECTIONS):
            sessions.enter_context(server.connect("warehouse", "analyst"))
        for _ in range(SESSIONS_OF_THE_ATTACK - MAX_READER_CONNECTIONS):
            with pytest.raises(psycopg2.OperationalError, match="too many connections for role"):
                psycopg2.connect(server.url("warehouse", "analyst"))
        for _ in range(50):
            sessions.enter_context(server.connect("airflow", "airflow"))
        with connect(server.url("warehouse", "pipeline"), "load") as conn, conn, conn.cursor() as cur:
            cur.execute("SELECT pg_advisory_xact_lock(7301002)")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("default_transaction_read_only", "on"),
        ("statement_timeout", "5min"),
        ("idle_in_transaction_session_timeout", "5min"),
        ("lock_timeout", "30s"),
        ("work_mem", "16MB"),
        ("temp_file_limit", "1GB"),
    ],
)
def test_its_sessions_start_with_limits(server: EmbeddedPostgres, setting: str, value: str) -> None:
    assert shown(server, setting) == value


def hold(server: EmbeddedPostgres) -> tuple[bool, int]:
    with connect(server.url("warehouse", "pipeline"), "test") as conn, conn, conn.cursor() as cur:
        return hold_reader(cur)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE analyst PASSWORD 'mine'",
        "ALTER ROLE analyst PASSWORD NULL",
        "ALTER ROLE analyst SET statement_timeout = 0",
        "ALTER ROLE analyst RESET ALL",
        "ALTER ROLE analyst IN DATABASE warehouse SET statement_timeout = 0",
    ],
)
def test_what_it_changes_of_itself_is_set_back(server: EmbeddedPostgres, statement: str) -> None:
    assert hold(server) == (False, 0)
    attempt(server, statement)
    assert hold(server) == (True, 0)
    assert shown(server, "statement_timeout") == "5min"
    assert shown(server, "temp_file_limit") == "1GB"
    assert hold(server) == (False, 0)


def test_what_it_changes_of_itself_is_set_back_at_each_start(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path / "postgres", durable=False) as server:
        attempt(server, "ALTER ROLE analyst PASSWORD NULL", "ALTER ROLE analyst SET statement_timeout = 0")
    with embedded_postgres(tmp_path / "postgres", durable=False) as server:
        assert shown(server, "statement_timeout") == "5min"


def test_a_transaction_that_is_too_old_is_ended(server: EmbeddedPostgres) -> None:
    with server.connect("warehouse") as admin, admin.cursor() as cursor:
        # of the function as it is, but for the time
        cursor.execute("SELECT pg_get_functiondef('administration.hold_analyst'::regproc)")
        ((definition,),) = cursor.fetchall()
        assert "'15 minutes'" in definition
        cursor.execute(definition.replace("'15 minutes'", "'0 s'"))
        with server.connect("warehouse", "analyst") as session, session.cursor() as old:
            old.execute("SET idle_in_transaction_session_timeout = 0")
            old.execute("BEGIN")
            assert hold(server) == (False, 1)
            with pytest.raises(psycopg2.OperationalError):
                old.execute("SELECT 1")
        cursor.execute(definition)
