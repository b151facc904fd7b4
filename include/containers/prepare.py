"""Before anything starts, and at each upgrade: roles, databases, migrations of both."""

import ipaddress
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import psycopg2

from include.errors import TerminalError, TransientError
from include.settings import Settings
from include.warehouse import roles
from include.warehouse.connection import PEER_IS_GONE
from include.warehouse.migrate import migrate_for

AIRFLOW = "airflow"
"""Airflow's own role and database."""
WAREHOUSE = "warehouse"

_SAFE = re.compile(r"[A-Za-z0-9._~-]{8,}")


def check(environ: Mapping[str, str]) -> None:
    """Checks what Compose does not.

    Raises:
        TerminalError: A source cannot be reached from a container, or a password would break the URLs that it
            becomes part of; the message shows no password.
    """
    for name in ("EXCHANGE_URL", "MARKET_DATA_URL"):
        if _is_loopback(urlsplit(environ.get(name, "")).hostname or ""):
            raise TerminalError(
                f"{name} names this host's loopback address, which in a container is the container itself: "
                "write host.docker.internal for this host, or leave it empty for the simulator"
            )
    for name in ("AIRFLOW_DB_PASSWORD", "PIPELINE_PASSWORD", "ANALYST_PASSWORD"):
        if name in environ and not _SAFE.fullmatch(environ[name]):
            raise TerminalError(
                f"{name} must be 8 or more letters, digits and . _ ~ - only: it becomes part of URLs"
            )


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    return address.is_loopback or address.is_unspecified


def create_roles_and_databases(admin_url: str, environ: Mapping[str, str]) -> None:
    """Makes what is missing; roles get the passwords of the environment, so that new ones can be set there.

    Args:
        admin_url: `postgresql://…` of a superuser, or of a role that may create roles and databases.
        environ: With AIRFLOW_DB_PASSWORD, PIPELINE_PASSWORD and ANALYST_PASSWORD.

    Raises:
        TransientError: The server cannot be reached, or refuses the password.
        TerminalError: A password is missing.
    """
    try:
        passwords = [environ[f"{name}_PASSWORD"] for name in ("AIRFLOW_DB", "PIPELINE", "ANALYST")]
    except KeyError as error:
        raise TerminalError(f"{error.args[0]} is not set") from error
    with _connect(admin_url) as cursor:
        roles.create_role(cursor, AIRFLOW, passwords[0])
        roles.create_database(cursor, AIRFLOW, AIRFLOW)
        roles.create_warehouse(cursor, WAREHOUSE, *passwords[1:])
    try:
        with _connect(admin_url, WAREHOUSE) as cursor:
            is_superuser = roles.administer_warehouse(cursor)
    except TransientError:
        # who is no superuser may make the database and need not be let into it
        is_superuser = False
    if not is_superuser:
        print(
            "prepare: the administrator is no superuser: analyst may take locks that hold up loading"
            " (docs/deploy.md, A PostgreSQL elsewhere)",
            flush=True,
        )


@contextmanager
def _connect(url: str, database: str | None = None) -> Iterator[psycopg2.extensions.cursor]:
    try:
        connection = psycopg2.connect(url, connect_timeout=10, **PEER_IS_GONE, dbname=database)
    except psycopg2.OperationalError as error:
        raise TransientError(f"PostgreSQL: {str(error).strip()}") from error
    with closing(connection), connection.cursor() as cursor:
        connection.autocommit = True
        yield cursor


def main() -> int:
    """Does all of it; 0 if both databases are ready."""
    try:
        check(os.environ)
        if admin_url := os.environ.get("ADMIN_DATABASE_URL", ""):
            create_roles_and_databases(admin_url, os.environ)
            print("prepare: roles and databases are there", flush=True)
        migrate_for(Settings.of_markets())
        print("prepare: the warehouse is migrated", flush=True)
    except (TerminalError, TransientError) as error:
        print(f"prepare: {error}", file=sys.stderr)
        return 1
    done = subprocess.run(["airflow", "db", "migrate"], check=False)
    print(f"prepare: airflow db migrate ended with code {done.returncode}", flush=True)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
