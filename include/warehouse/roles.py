"""The roles and databases of the PostgreSQL server: ownership and access rights."""

from psycopg2 import sql
from psycopg2.extensions import cursor

from include.warehouse.queries import load_queries, read_script, run_sql

QUERIES = load_queries("warehouse/queries.sql")

WRITER = "pipeline"
"""Owns the warehouse; used by jobs and migrations."""
READER = "analyst"
"""May read `curated` and `ops`, as granted by the migrations."""
MAX_READER_CONNECTIONS = 20
"""The server allows 100 (200 in containers); Airflow and the jobs need a third."""
_READER_DEFAULTS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "5min",
    "idle_in_transaction_session_timeout": "5min",
    "lock_timeout": "30s",
    "work_mem": "16MB",
}
"""Defaults of the reader's sessions; a session may change them, see docs/deploy.md."""


def create_role(cur: cursor, role: str, password: str) -> None:
    """Creates a role that can log in, or sets the password of an existing one.

    Args:
        cur: Of a superuser, or a role that may create roles and databases; in autocommit mode.
        role: Its name.
        password: The server stores a SCRAM verifier of it by default.
    """
    run_sql(cur, QUERIES["role_exists"], {"role": role})
    statement = "create role {} login password %s" if cur.fetchone() is None else "alter role {} password %s"
    cur.execute(sql.SQL(statement).format(sql.Identifier(role)), (password,))


def create_database(cur: cursor, database: str, owner: str, template: str = "template1") -> None:
    """Creates a database that only its owner may connect to; does not change an existing one's content.

    Args:
        cur: Of a superuser, or a role that may create roles and databases; in autocommit mode.
        database: Its name.
        owner: An existing role.
        template: The database to copy.
    """
    run_sql(cur, QUERIES["database_exists"], {"database": database})
    if cur.fetchone() is None:
        run_sql(cur, QUERIES["is_superuser"])
        if cur.fetchone() == (False,):
            # without superuser rights, the owner of a new database must be a role that we are a member of
            cur.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(owner)))
        names = [sql.Identifier(name) for name in (database, owner, template)]
        cur.execute(sql.SQL("create database {} owner {} template {}").format(*names))
    cur.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))


def create_warehouse(cur: cursor, database: str, writer_password: str, reader_password: str) -> None:
    """Creates both roles of the warehouse and its empty database, owned by the writer.

    Args:
        cur: Of a superuser, or a role that may create roles and databases; in autocommit mode.
        database: The warehouse's name.
        writer_password: Of WRITER.
        reader_password: Of READER.
    """
    create_role(cur, WRITER, writer_password)
    create_role(cur, READER, reader_password)
    create_database(cur, database, WRITER)
    names = [sql.Identifier(name) for name in (database, READER)]
    cur.execute(sql.SQL("grant connect on database {} to {}").format(*names))
    limit = sql.SQL("alter role {} connection limit {}")
    cur.execute(limit.format(names[1], sql.Literal(MAX_READER_CONNECTIONS)))
    # the role may have changed its own settings
    cur.execute(sql.SQL("alter role {} reset all").format(names[1]))
    for name, value in _READER_DEFAULTS.items():
        setting = sql.SQL("alter role {} set {} = {}")
        cur.execute(setting.format(names[1], sql.Identifier(name), sql.Literal(value)))


def administer_warehouse(cur: cursor) -> bool:
    """Sets up the restrictions of the reader that need a superuser; call it after `create_warehouse`.

    Args:
        cur: In the warehouse, in autocommit mode.

    Returns:
        False if the role is not a superuser; then nothing is changed.
    """
    run_sql(cur, QUERIES["is_superuser"])
    if cur.fetchone() != (True,):
        return False
    cur.execute(read_script("administrator"))  # one string is one transaction
    return True


def hold_reader(cur: cursor) -> tuple[bool, int]:
    """Enforces the restrictions of `administer_warehouse`; does nothing where that was not run by a superuser.

    Args:
        cur: Of the writer, in the warehouse.

    Returns:
        Whether the reader had changed its own password or settings, which were then reset; and how many of its
        sessions were ended because of overlong transactions.
    """
    run_sql(cur, QUERIES["hold_analyst_is_trusted"])
    if cur.fetchone() != (True,):
        return False, 0
    run_sql(cur, QUERIES["hold_analyst"])
    is_restored, ended_sessions = cur.fetchone() or (False, 0)
    return bool(is_restored), int(ended_sessions)
