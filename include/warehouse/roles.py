"""The roles and databases of a PostgreSQL server: who owns what and who may enter, wherever the server runs."""

from psycopg2 import sql
from psycopg2.extensions import cursor

from include.warehouse.queries import load_queries, read_script, run_sql

QUERIES = load_queries("warehouse/queries.sql")

WRITER = "pipeline"
"""Owns the warehouse: jobs, migrations."""
READER = "analyst"
"""May read `curated` and `ops`; the migrations grant it that."""
MAX_READER_CONNECTIONS = 20
"""Of the server's 100 (200 in containers), of which Airflow and the jobs need a third."""
_READER_DEFAULTS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "5min",
    "idle_in_transaction_session_timeout": "5min",
    "lock_timeout": "30s",
    "work_mem": "16MB",
}
"""What the reader's sessions start with; each may set something else, see docs/deploy.md."""


def create_role(cur: cursor, role: str, password: str) -> None:
    """A role that can log in with this password; one that exists gets the password anew.

    Args:
        cur: Of a superuser, or a role that may create roles and databases; in autocommit mode.
        role: Its name.
        password: Kept by the server as its configuration says: a SCRAM verifier by default.
    """
    run_sql(cur, QUERIES["role_exists"], {"role": role})
    statement = "create role {} login password %s" if cur.fetchone() is None else "alter role {} password %s"
    cur.execute(sql.SQL(statement).format(sql.Identifier(role)), (password,))


def create_database(cur: cursor, database: str, owner: str, template: str = "template1") -> None:
    """An empty (or copied) database that only its owner may enter; one that exists is left as it is.

    Args:
        cur: Of a superuser, or a role that may create roles and databases; in autocommit mode.
        database: Its name.
        owner: A role that exists.
        template: What to copy.
    """
    run_sql(cur, QUERIES["database_exists"], {"database": database})
    if cur.fetchone() is None:
        run_sql(cur, QUERIES["is_superuser"])
        if cur.fetchone() == (
            False,
        ):  # who is no superuser gives databases only to roles that he is a member of
            cur.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(owner)))
        names = [sql.Identifier(name) for name in (database, owner, template)]
        cur.execute(sql.SQL("create database {} owner {} template {}").format(*names))
    cur.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))


def create_warehouse(cur: cursor, database: str, writer_password: str, reader_password: str) -> None:
    """Both roles of the warehouse and its empty database: the writer owns it, the reader may look in.

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
    # it may have changed its own
    cur.execute(sql.SQL("alter role {} reset all").format(names[1]))
    for name, value in _READER_DEFAULTS.items():
        setting = sql.SQL("alter role {} set {} = {}")
        cur.execute(setting.format(names[1], sql.Identifier(name), sql.Literal(value)))


def administer_warehouse(cur: cursor) -> bool:
    """Sets up what keeps the reader from stopping the platform and takes a superuser; after `create_warehouse`.

    Args:
        cur: In the warehouse, in autocommit mode.

    Returns:
        False, and nothing is done, if the role is no superuser.
    """
    run_sql(cur, QUERIES["is_superuser"])
    if cur.fetchone() != (True,):
        return False
    cur.execute(read_script("administrator"))  # one string is one transaction
    return True


def hold_reader(cur: cursor) -> tuple[bool, int]:
    """Holds the reader to what `administer_warehouse` set up; nothing happens where no superuser could do that.

    Args:
        cur: Of the writer, in the warehouse.

    Returns:
        Whether the reader had changed its own password or settings, which were set back; and how many of its
        sessions were ended because of a transaction that was too long.
    """
    run_sql(cur, QUERIES["hold_analyst_is_trusted"])
    if cur.fetchone() != (True,):
        return False, 0
    run_sql(cur, QUERIES["hold_analyst"])
    is_restored, ended_sessions = cur.fetchone() or (False, 0)
    return bool(is_restored), int(ended_sessions)
