"""Roles and databases as `make run` makes them, on a server that was empty, and again with other passwords."""

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from include.containers.prepare import create_roles_and_databases
from include.errors import TerminalError, TransientError
from include.local.postgres import EmbeddedPostgres
from include.warehouse import roles
from include.warehouse.migrate import migrate
from include.warehouse.roles import MAX_READER_CONNECTIONS

PASSWORDS = {
    "AIRFLOW_DB_PASSWORD": "for-airflow",
    "PIPELINE_PASSWORD": "to-write",
    "ANALYST_PASSWORD": "to-read",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A cluster with nothing in it."""
    postgres = EmbeddedPostgres(tmp_path / "postgres", durable=False)
    postgres.start()
    yield postgres
    postgres.stop()


def query(
    server: EmbeddedPostgres, role: str, password: str, database: str, statement: str
) -> list[tuple[object]]:
    url = f"postgresql://{role}:{password}@127.0.0.1:{server.port}/{database}"
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_an_administrator_that_is_no_superuser_will_do(
    server: EmbeddedPostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    with server.connect("postgres") as connection:
        connection.autocommit = True
        connection.cursor().execute(
            "CREATE ROLE administrator LOGIN CREATEROLE CREATEDB PASSWORD 'of-a-provider'"
        )
    url = f"postgresql://administrator:of-a-provider@127.0.0.1:{server.port}/postgres"
    for _ in range(2):
        create_roles_and_databases(url, PASSWORDS)
        assert "the administrator is no superuser" in capsys.readouterr().out
    limits = "SELECT rolconnlimit, current_setting('statement_timeout') FROM pg_roles WHERE rolname = 'analyst'"
    assert query(server, "analyst", "to-read", "warehouse", limits) == [(MAX_READER_CONNECTIONS, "5min")]
    migrate(f"postgresql://pipeline:to-write@127.0.0.1:{server.port}/warehouse")
    assert query(server, "analyst", "to-read", "warehouse", "SELECT count(*) FROM curated.pnl_hourly") == [(0,)]


def test_each_role_enters_its_own_database_only_and_the_analyst_reads(server: EmbeddedPostgres) -> None:
    for _ in range(2):  # every start does it again
        create_roles_and_databases(server.url("postgres"), PASSWORDS)
    migrate(f"postgresql://pipeline:to-write@127.0.0.1:{server.port}/warehouse")
    query(server, "airflow", "for-airflow", "airflow", "CREATE TABLE anything ()")
    rows = query(server, "analyst", "to-read", "warehouse", "SELECT count(*) FROM curated.pnl_hourly")
    assert rows == [(0,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        query(server, "analyst", "to-read", "warehouse", "SELECT * FROM raw.trades")
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        query(server, "analyst", "to-read", "warehouse", "CREATE TABLE curated.mine ()")
    for role, password, database in (
        ("airflow", "for-airflow", "warehouse"),
        ("pipeline", "to-write", "airflow"),
        ("analyst", "to-read", "airflow"),
    ):
        with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
            query(server, role, password, database, "SELECT 1")


def test_a_warehouse_of_an_earlier_version_gets_the_limits_of_analyst_as_well(server: EmbeddedPostgres) -> None:
    with server.connect("postgres") as connection, connection.cursor() as cursor:
        roles.create_role(cursor, "pipeline", "to-write")
        roles.create_role(cursor, "analyst", "to-read")
        roles.create_database(cursor, "warehouse", "pipeline")
        cursor.execute("GRANT CONNECT ON DATABASE warehouse TO analyst")
    query(server, "analyst", "to-read", "warehouse", "SELECT pg_advisory_lock(7301002)")
    create_roles_and_databases(server.url("postgres"), PASSWORDS)
    for refused in ("SELECT pg_advisory_lock(7301002)", "SELECT lo_create(0)"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            query(server, "analyst", "to-read", "warehouse", refused)
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        query(server, "analyst", "to-read", "postgres", "SELECT 1")
    query(server, "pipeline", "to-write", "warehouse", "SELECT pg_advisory_lock(7301002)")


def test_a_new_password_in_the_settings_is_the_password_from_then_on(server: EmbeddedPostgres) -> None:
    create_roles_and_databases(server.url("postgres"), PASSWORDS)
    create_roles_and_databases(server.url("postgres"), PASSWORDS | {"ANALYST_PASSWORD": "to-read-2"})
    assert query(server, "analyst", "to-read-2", "warehouse", "SELECT 1") == [(1,)]
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        query(server, "analyst", "to-read", "warehouse", "SELECT 1")


def test_a_missing_password_and_a_server_that_is_away_are_said_in_words() -> None:
    with pytest.raises(TerminalError, match="ANALYST_PASSWORD is not set"):
        create_roles_and_databases("", {k: v for k, v in PASSWORDS.items() if k != "ANALYST_PASSWORD"})
    with pytest.raises(TransientError, match="PostgreSQL: "):
        create_roles_and_databases("postgresql://postgres:p@127.0.0.1:9/postgres", PASSWORDS)
