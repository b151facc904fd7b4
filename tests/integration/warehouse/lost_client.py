"""A client of the warehouse whose packets will be lost: `python -m …lost_client KIND`."""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from include.errors import TransientError
from include.warehouse.connection import PEER_IS_GONE, connect, connection_parameters, sqlalchemy_url

LOCKS = {"idle": 1, "waiting": 2}
"""Kind of client: the advisory lock that it takes and never releases."""


def idle(url: str) -> None:
    """Has a lock and is idle until packets get lost; then asks for something."""
    with connect(url, "idle") as conn, conn.cursor() as cur:
        cur.execute("SELECT pg_advisory_lock(%s)", (LOCKS["idle"],))
        _say("ready")
        sys.stdin.readline()
        cur.execute("SELECT 1")


def waiting(url: str) -> None:
    """Has a lock and waits for the end of a statement."""
    with connect(url, "waiting") as conn, conn.cursor() as cur:
        cur.execute("SELECT pg_advisory_lock(%s)", (LOCKS["waiting"],))
        _say("ready")
        cur.execute("SELECT pg_sleep(600)")


def newcomer(url: str) -> None:
    """Connects when packets get lost already."""
    _say("ready")
    sys.stdin.readline()
    with connect(url, "newcomer"):
        pass


def sqlalchemy(url: str) -> None:
    """Waits as the migrations do."""
    _wait(url, connection_parameters("sqlalchemy"))


def airflow(url: str) -> None:
    """Waits as Airflow does for its own database."""
    _wait(url, PEER_IS_GONE)


def _wait(url: str, parameters: Mapping[str, Any]) -> None:
    with create_engine(sqlalchemy_url(url), connect_args=dict(parameters)).connect() as conn:
        _say("ready")
        conn.execute(text("SELECT pg_sleep(600)"))


def _say(*words: str) -> None:
    print(*words, flush=True)  # noqa: T201


CLIENTS: Mapping[str, Callable[[str], None]] = {
    client.__name__: client for client in (idle, waiting, newcomer, sqlalchemy, airflow)
}

if __name__ == "__main__":
    try:
        CLIENTS[sys.argv[1]](os.environ["WAREHOUSE_URL"])
    except (TransientError, OperationalError) as error:
        _say(type(error).__name__, str(error).splitlines()[0])
