"""The roles and databases of a PostgreSQL server: who owns what and who may enter, wherever the server runs."""

from psycopg2 import sql
from psycopg2.extensions import cursor

WRITER = "pipeline"
"""Owns the warehouse: jobs, migrations."""
READER = "analyst"
"""May read `curated` and `ops`; the migrations grant it that."""


def create_role(cur: cursor, role: str, password: str) -> None:
    """A role that can log in with this password; one that exists gets the password anew.

    Args:
        cur: Of a superuser, or a role that may create roles and databases; in autocommit mode.
        role: Its name.
        password: Kept by the server as its configuration says: a SCRAM verifier by default.
    """
    cur.execute("select 1 from pg_roles where rolname = %s", (role,))
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
    cur.execute("select 1 from pg_database where datname = %s", (database,))
    if cur.fetchone() is None:
        cur.execute("select rolsuper from pg_roles where rolname = current_user")
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
    cur.execute(sql.SQL("alter role {} set default_transaction_read_only = on").format(names[1]))
