"""Brings the warehouse's schema to the newest version; `python -m include.warehouse.migrate`."""

import sys
from pathlib import Path

import psycopg2
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import OperationalError

from include.errors import TerminalError, TransientError
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.locks import lock_migration
from include.warehouse.queries import load_queries, read_script, run_sql

QUERIES = load_queries("warehouse/queries.sql")


def migrate(warehouse_url: str, market_timezone: str | None = None) -> None:
    """Applies the migrations that are missing, then the read rights of the role `analyst` if it exists.

    Every function that readers have is called once at the end.

    Args:
        warehouse_url: `postgresql://…` of its owner.
        market_timezone: What SQL takes for the market's zone from now on; None: the same as before.

    Raises:
        TransientError: The warehouse cannot be reached, or somebody holds a lock for too long.
        TerminalError: No warehouse is configured, or a function fails: PostgreSQL does not know the zone, for
            example.
    """
    with connect(warehouse_url, "migrate") as conn, conn.cursor() as cur:
        conn.autocommit = True
        lock_migration(cur)
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["warehouse_url"] = warehouse_url
        try:
            command.upgrade(config, "head")
        except OperationalError as error:
            raise TransientError(f"the warehouse: {str(error.orig).strip()}") from error
        cur.execute(read_script("grants"))
        if market_timezone is not None:
            run_sql(cur, QUERIES["market_timezone"], {"timezone": market_timezone})
        try:
            cur.execute(read_script("smoke"))
        except psycopg2.OperationalError:
            raise
        except psycopg2.Error as error:
            raise TerminalError(f"a function of the warehouse fails: {str(error).strip()}") from error


if __name__ == "__main__":
    try:
        settings = Settings.from_environment()
        migrate(settings.warehouse_url, settings.market_timezone)
    except (TerminalError, TransientError) as error:
        sys.exit(str(error))
