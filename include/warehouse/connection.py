"""Connections to the warehouse, named SQL files, and what its errors mean."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import connection, cursor

from include.errors import TerminalError, TransientError

SQL_ROOT = Path(__file__).parent / "sql"

# deadlocks, lost connections and full disks among them
RETRY_MAY_HELP = (psycopg2.OperationalError, psycopg2.InterfaceError)


@contextmanager
def connect(warehouse_url: str, application: str, patience_seconds: int = 10) -> Iterator[connection]:
    """A connection in UTC that is closed at the end; each `with conn:` block is one transaction.

    Args:
        warehouse_url: `postgresql://…`.
        application: How the server's activity view names it.
        patience_seconds: For the server to take the connection.

    Raises:
        TransientError: The server cannot be reached, went away, or chose us as a deadlock's victim.
        TerminalError: No warehouse is configured.
    """
    if not warehouse_url:
        raise TerminalError(
            "no warehouse is configured: set WAREHOUSE_URL, or start the platform with `make run`"
        )
    try:
        with closing(
            psycopg2.connect(
                warehouse_url,
                application_name=application,
                connect_timeout=patience_seconds,
                # a server process whose client was killed must not go on holding locks
                options="-c TimeZone=UTC -c search_path=pg_catalog -c client_connection_check_interval=5s",
                keepalives_idle=30,
            )
        ) as conn:
            yield conn
    except RETRY_MAY_HELP as error:
        raise TransientError(f"the warehouse: {str(error).strip()}") from error


def sqlalchemy_url(warehouse_url: str) -> str:
    """The same URL for SQLAlchemy, which has to be told our driver."""
    return "postgresql+psycopg2://" + warehouse_url.split("://", 1)[1]


@cache
def named_sql(name: str) -> str:
    """The statement in `sql/<name>.sql`, for example `curated/pnl_hourly`."""
    return (SQL_ROOT / f"{name}.sql").read_text(encoding="utf-8")


def run_sql(cur: cursor, name: str, parameters: Mapping[str, Any] | None = None) -> int:
    """Runs a named statement with bound parameters.

    Returns:
        Rows affected or returned.
    """
    cur.execute(named_sql(name), parameters or {})
    return cur.rowcount
