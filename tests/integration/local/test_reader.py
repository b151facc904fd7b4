"""What the role `analyst` tries in order to stop the platform, on a server as `make run` sets it up."""

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

SESSIONS_OF_THE_ATTACK = 84


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
    ],
)
def test_what_would_stop_the_platform_is_refused(server: EmbeddedPostgres, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        attempt(server, statement)


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
