"""Reads the warehouse for the trading desk: a few connections, each in a thread of its own."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeVar

import psycopg2
from psycopg2.extensions import connection, cursor, new_type, register_type

from include.dashboard.language import Sentence, say
from include.errors import TransientError
from include.warehouse.connection import connect
from include.warehouse.queries import fetch_dicts, load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("dashboard/queries.sql")

T = TypeVar("T")
Row = dict[str, Any]
Query = Callable[..., list[Row]]
"""`query(QUERIES["traders"], name=value)`: the rows of a named statement."""

TIMEOUT_SECONDS = 3
"""For the server to take a connection."""

SILENCE_SECONDS = 2
"""A server that is alive ends a statement by itself: this long after that it counts as away."""

AWAY = say("The database does not answer. Nothing is lost: the numbers come back by themselves.")

_NUMERIC = new_type((1700,), "EXACT", lambda text, _: text)
"""A number stays the text that the database wrote: no digit is lost on the way to the screen."""


class UnavailableError(Exception):
    """The warehouse does not answer; the sentence is for the person who looks at the page."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Reader:
    """Runs reads on at most so many connections; the others wait.

    A connection is made when it is needed and kept. One that broke while it was idle is replaced without
    anybody noticing.

    Args:
        warehouse_url: Tells where the warehouse is; asked for each new connection.
        application: How the server's activity view names the connections.
        connections: At most so many.
        timeout_seconds: The server ends a statement that takes longer.
    """

    def __init__(
        self, warehouse_url: Callable[[], str], application: str, connections: int, timeout_seconds: int
    ) -> None:
        self._warehouse_url = warehouse_url
        self._application = application
        self._timeout_seconds = timeout_seconds
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix=application)
        self._own = threading.local()
        self._stacks: set[ExitStack] = set()
        """What holds a connection open, of all threads."""

    def submit(self, work: Callable[[Query], T]) -> "Future[T]":
        """Runs the work in a thread, in one read-only transaction; `answer` waits for it."""
        return self._threads.submit(self._read, work)

    async def answer(self, reading: "Future[T]") -> T:
        """What the work returned.

        Raises:
            UnavailableError: The warehouse cannot be reached, took too long, or does not answer at all.
            TerminalError: No warehouse is configured.
        """
        # others may wait for the same one, and a thread cannot be interrupted
        reading_on = asyncio.shield(asyncio.wrap_future(reading))
        try:
            return await asyncio.wait_for(reading_on, self._timeout_seconds + SILENCE_SECONDS)
        except TimeoutError as error:
            log.warning("%s: no answer of the warehouse within %d s", self._application, self._timeout_seconds)
            raise UnavailableError(AWAY) from error

    def close(self) -> None:
        """Waits for what is being read and closes the connections."""
        self._threads.shutdown()
        for stack in self._stacks:
            stack.close()

    def _read(self, work: Callable[[Query], T]) -> T:
        was_connected = getattr(self._own, "connection", None) is not None
        try:
            try:
                return self._transaction(work)
            except psycopg2.errors.QueryCanceled:
                raise
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                if not was_connected:
                    raise
                self._disconnect()
                return self._transaction(work)
        except psycopg2.errors.QueryCanceled as error:
            log.warning("a read of the trading desk took longer than %d s", self._timeout_seconds)
            raise UnavailableError(
                say("The database takes too long to answer. Try again in a minute, or ask for fewer days.")
            ) from error
        except psycopg2.errors.InvalidParameterValue as error:
            # our clock is ahead of the database's, which refuses as_of in its future
            raise UnavailableError(
                say("The database's clock is not there yet. Try again in a moment.")
            ) from error
        except psycopg2.errors.UndefinedTable as error:
            raise UnavailableError(
                say("The database is being set up. The numbers come by themselves.")
            ) from error
        except (psycopg2.OperationalError, psycopg2.InterfaceError, TransientError) as error:
            self._disconnect()
            log.warning("the trading desk cannot read the warehouse: %s", str(error).strip())
            raise UnavailableError(AWAY) from error

    def _transaction(self, work: Callable[[Query], T]) -> T:
        conn = self._connection()
        with conn, conn.cursor() as cur:
            return work(_query_with(cur))

    def _connection(self) -> connection:
        conn: connection | None = getattr(self._own, "connection", None)
        if conn is None:
            stack = ExitStack()
            conn = stack.enter_context(connect(self._warehouse_url(), self._application, TIMEOUT_SECONDS))
            register_type(_NUMERIC, conn)
            with conn.cursor() as cur:
                parameters = {"timeout": f"{self._timeout_seconds}s"}
                run_sql(cur, QUERIES["statement_timeout_of_session"], parameters)
            conn.commit()
            conn.set_session(isolation_level="REPEATABLE READ", readonly=True)
            self._own.stack, self._own.connection = stack, conn
            self._stacks.add(stack)
        return conn

    def _disconnect(self) -> None:
        stack: ExitStack | None = getattr(self._own, "stack", None)
        self._own.stack = self._own.connection = None
        if stack is not None:
            self._stacks.discard(stack)
            stack.close()


def _query_with(cur: cursor) -> Query:
    def query(statement: str, **parameters: Any) -> list[Row]:
        return fetch_dicts(cur, statement, parameters)

    return query
