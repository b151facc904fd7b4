"""Temporary database views of exactly the rows that a validation checks."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection, cursor

from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("expectations/queries.sql")

SCHEMA = "staging"

_CHECKED = {
    "trades": QUERIES["validation_view_trades"],
    "reference_prices": QUERIES["validation_view_reference_prices"],
    "pnl_hourly": QUERIES["validation_view_pnl_hourly"],
}


@contextmanager
def checked_view(conn: connection, what: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    """A view of the rows to check, committed, so that other connections see it.

    Its name holds the process id of this connection, so that a later validation can tell what a killed
    one left behind.

    Args:
        conn: A connection without an open transaction.
        what: `trades`, `reference_prices` or `pnl_hourly`.
        parameters: Of the query that selects the rows.

    Yields:
        Its name in schema `staging`.
    """
    name = f"checked_{what}_{conn.info.backend_pid}_{secrets.token_hex(4)}"
    with conn, conn.cursor() as cur:
        _drop_leftovers(cur)
        select = cur.mogrify(_CHECKED[what], parameters).decode()
        cur.execute(sql.SQL("CREATE VIEW {} AS ").format(sql.Identifier(SCHEMA, name)) + sql.SQL(select))
    try:
        yield name
    finally:
        with conn, conn.cursor() as cur:
            _drop(cur, name)


def _drop_leftovers(cur: cursor) -> None:
    run_sql(cur, QUERIES["validation_views_left"])
    for (name,) in cur.fetchall():
        _drop(cur, name)


def _drop(cur: cursor, name: str) -> None:
    cur.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(sql.Identifier(SCHEMA, name)))
