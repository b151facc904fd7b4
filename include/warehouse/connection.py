"""Connections to the warehouse: parameters, timeouts and the classification of errors."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import connection

from include import setting_values
from include.errors import TerminalError, TransientError

CONNECT_TIMEOUT_SECONDS = 10
"""Timeout of connecting to the server."""

STATEMENT_TIMEOUT = "1h"
"""Far above the longest statement of a job, a month of a rebuild."""

LOCK_TIMEOUT = "30min"
"""Above the longest wait for another job, which is for one transaction of it."""

_KEEPALIVE = {"idle": 15, "interval": 5, "count": 4}
"""TCP keepalives: seconds until the first probe, seconds between probes, and unanswered probes until the
connection is dropped."""
_TCP_USER_TIMEOUT_SECONDS = 30
"""How long sent data may remain unacknowledged."""

CLIENT_IS_GONE: Mapping[str, str] = {
    **{f"tcp_keepalives_{name}": str(value) for name, value in _KEEPALIVE.items()},
    "tcp_user_timeout": f"{_TCP_USER_TIMEOUT_SECONDS}s",
    "client_connection_check_interval": "5s",
}
"""Settings of the server: without them it keeps the locks of a client that vanished for two hours."""

PEER_IS_GONE: Mapping[str, Any] = {
    "keepalives": 1,
    **{f"keepalives_{name}": value for name, value in _KEEPALIVE.items()},
    "tcp_user_timeout": _TCP_USER_TIMEOUT_SECONDS * 1000,
    # for servers that we did not configure
    "options": " ".join(f"-c {name}={value}" for name, value in CLIENT_IS_GONE.items()),
}
"""Parameters of libpq: both ends of a connection detect within 60 s that packets no longer arrive.

Airflow uses them, too, for its own database (`sql_alchemy_connect_args`).
"""

# includes deadlocks, lost connections, full disks and the timeouts above
RETRY_MAY_HELP = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    # a standby after a failover; a provider that lets nobody write until the disk is larger
    errors.ReadOnlySqlTransaction,
)

_IS_ANOTHER_SCHEMA = (
    errors.InvalidSchemaName,
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.UndefinedFunction,
    errors.InsufficientPrivilege,
)
"""What a statement meets in a database that is no warehouse or one of another version, or as another role."""


def connection_parameters(
    application: str, connect_timeout_seconds: int = CONNECT_TIMEOUT_SECONDS, **settings: str
) -> dict[str, Any]:
    """The parameters of libpq for all connections to the warehouse, whichever library opens them.

    Args:
        application: Its application_name in pg_stat_activity.
        connect_timeout_seconds: Timeout of connecting.
        settings: Further or other settings of the session.
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
    warehouse_url: str, application: str, timeout_seconds: int = CONNECT_TIMEOUT_SECONDS, **settings: str
) -> Iterator[connection]:
    """A connection in UTC that is closed at the end; each `with conn:` block is one transaction.

    Args:
        warehouse_url: `postgresql://…`.
        application: Its application_name in pg_stat_activity.
        timeout_seconds: Timeout of connecting.
        settings: Further or other settings of the session, such as `statement_timeout`.

    Raises:
        TransientError: The server cannot be reached, went away or is read-only, the transaction was the victim
            of a deadlock, or STATEMENT_TIMEOUT or LOCK_TIMEOUT was exceeded. Or the warehouse is of another
            version than this code, as while somebody upgrades.
        TerminalError: No warehouse is configured, or its URL is none.
    """
    if not warehouse_url:
        raise TerminalError(
            "no warehouse is configured: set WAREHOUSE_URL, or start the platform with `make run`"
        )
    setting_values.url("WAREHOUSE_URL, or the connection warehouse,", "warehouse_url", warehouse_url)
    try:
        parameters = connection_parameters(application, timeout_seconds, **settings)
        with closing(psycopg2.connect(warehouse_url, **parameters)) as conn:
            yield conn
    except RETRY_MAY_HELP as error:
        raise TransientError(f"the warehouse: {str(error).strip()}") from error
    except _IS_ANOTHER_SCHEMA as error:
        raise TransientError(
            "the database of WAREHOUSE_URL is not migrated to this version, or its role is not pipeline:"
            f" {str(error).splitlines()[0]}"
        ) from error


def sqlalchemy_url(warehouse_url: str) -> str:
    """The URL for SQLAlchemy, which names the driver."""
    return "postgresql+psycopg2://" + warehouse_url.split("://", 1)[1]
