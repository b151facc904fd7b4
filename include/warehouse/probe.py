"""One row of a database within a bounded time, also from a server that is reachable and does not answer."""

import select
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, connection

from include.errors import TransientError


def fetch_row(
    url: str, statement: str, parameters: Mapping[str, Any] | None = None, *, timeout_seconds: float
) -> tuple[Any, ...] | None:
    """The first row of a statement, asked on a connection of its own.

    A timeout of the server (`statement_timeout`) or of the connection attempt (`connect_timeout`) does not hold
    for a server process that is stopped: the wait for the socket is what is bounded here.

    Args:
        url: `postgresql://…`.
        statement: A statement that returns rows.
        parameters: Bound values.
        timeout_seconds: For all of it: connection, statement, result.

    Raises:
        TransientError: No answer in time, or an error.
    """
    end = time.monotonic() + timeout_seconds
    try:
        with closing(psycopg2.connect(url, async_=True)) as conn:
            _wait(conn, end)
            with conn.cursor() as cursor:
                cursor.execute(statement, parameters)
                _wait(conn, end)
                return cursor.fetchone()
    except TimeoutError as error:
        raise TransientError(f"the database does not answer within {timeout_seconds:g} s") from error
    except psycopg2.Error as error:
        raise TransientError(f"the database: {str(error).strip()}") from error


def answers(url: str, timeout_seconds: float = 5.0) -> bool:
    """Whether the database takes a connection and answers a trivial statement."""
    try:
        return fetch_row(url, "SELECT 1", timeout_seconds=timeout_seconds) == (1,)
    except TransientError:
        return False


def _wait(conn: connection, end: float) -> None:
    """Until the last step on an asynchronous connection is done.

    Raises:
        TimeoutError: Not before the end.
    """
    while (state := conn.poll()) != POLL_OK:
        readers, writers = ([conn], []) if state == POLL_READ else ([], [conn])
        if not any(select.select(readers, writers, [], max(0.0, end - time.monotonic()))):
            raise TimeoutError
