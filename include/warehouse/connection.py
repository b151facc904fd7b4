"""Connections to the warehouse, and what its errors mean."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from psycopg2.extensions import connection

from include.errors import TerminalError, TransientError

CONNECT_TIMEOUT_SECONDS = 10
"""For the server to take a connection."""

STATEMENT_TIMEOUT = "1h"
"""Far above the longest statement of a job, a month of a rebuild: one that is still running then hangs."""

LOCK_TIMEOUT = "30min"
"""Above the longest wait for another job, which is for its one transaction: whoever waits longer may retry."""

_KEEPALIVE = {"idle": 15, "interval": 5, "count": 4}
"""Seconds of silence, seconds between probes, and probes without an answer before a peer counts as gone."""
_TCP_USER_TIMEOUT_SECONDS = 30
"""How long what was sent may stay without an acknowledgement."""

CLIENT_IS_GONE: Mapping[str, str] = {
    **{f"tcp_keepalives_{name}": str(value) for name, value in _KEEPALIVE.items()},
    "tcp_user_timeout": f"{_TCP_USER_TIMEOUT_SECONDS}s",
    "client_connection_check_interval": "5s",
}
"""Settings of PostgreSQL for its end: else it keeps the locks of a client that vanished for two hours."""

PEER_IS_GONE: Mapping[str, Any] = {
    "keepalives": 1,
    **{f"keepalives_{name}": value for name, value in _KEEPALIVE.items()},
    "tcp_user_timeout": _TCP_USER_TIMEOUT_SECONDS * 1000,
    # the server may be one that we did not configure
    "options": " ".join(f"-c {name}={value}" for name, value in CLIENT_IS_GONE.items()),
}
"""Parameters of libpq: either end of a connection notices within 60 s that packets no longer arrive.

Airflow gets them as well, for its own database (`sql_alchemy_connect_args`).
"""

# deadlocks, lost connections, full disks and the timeouts above among them
RETRY_MAY_HELP = (psycopg2.OperationalError, psycopg2.InterfaceError)


def connection_parameters(
    application: str, connect_timeout_seconds: int = CONNECT_TIMEOUT_SECONDS, **settings: str
) -> dict[str, Any]:
    """The parameters of libpq for every connection of ours to the warehouse, whichever library makes it.

    Args:
        application: How the server's activity view names it.
        connect_timeout_seconds: For the server to take the connection.
        settings: Of the session, instead of ours or besides.
    """
    ours = {
        "TimeZone": "UTC",
        "search_path": "pg_catalog",
        "statement_timeout": STATEMENT_TIMEOUT,
        "lock_timeout": LOCK_TIMEOUT,
    }
    options = [f"-c {name}={value}" for name, value in (ours | settings).items()]
    return {
        **PEER_IS_GONE,
        "application_name": application,
        "connect_timeout": connect_timeout_seconds,
        "options": " ".join([PEER_IS_GONE["options"], *options]),
    }


@contextmanager
def connect(
    warehouse_url: str, application: str, timeout_seconds: int = CONNECT_TIMEOUT_SECONDS
) -> Iterator[connection]:
    """A connection in UTC that is closed at the end; each `with conn:` block is one transaction.

    Args:
        warehouse_url: `postgresql://…`.
        application: How the server's activity view names it.
        timeout_seconds: For the server to take the connection.

    Raises:
        TransientError: The server cannot be reached, went away, chose us as a deadlock's victim, or a statement
            or the wait for a lock took longer than STATEMENT_TIMEOUT or LOCK_TIMEOUT.
        TerminalError: No warehouse is configured.
    """
    if not warehouse_url:
        raise TerminalError(
            "no warehouse is configured: set WAREHOUSE_URL, or start the platform with `make run`"
        )
    try:
        with closing(
            psycopg2.connect(warehouse_url, **connection_parameters(application, timeout_seconds))
        ) as conn:
            yield conn
    except RETRY_MAY_HELP as error:
        raise TransientError(f"the warehouse: {str(error).strip()}") from error


def sqlalchemy_url(warehouse_url: str) -> str:
    """The same URL for SQLAlchemy, which has to be told our driver."""
    return "postgresql+psycopg2://" + warehouse_url.split("://", 1)[1]
