"""Migrates the warehouse to the latest schema version; `python -m include.warehouse.migrate`."""

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
    """Applies missing migrations, grants the role `analyst` its rights, and checks the functions for readers.

    Args:
        warehouse_url: `postgresql://…` of its owner.
        market_timezone: Sets the market's time zone in SQL; None leaves it unchanged.

    Raises:
        TransientError: The warehouse cannot be reached, or a lock was not available in time.
        TerminalError: No warehouse is configured, or a function fails, for example because PostgreSQL does not
            know the time zone.
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
        migrate(settings.warehouse_url, settings.market.timezone.key)
    except (TerminalError, TransientError) as error:
        sys.exit(str(error))
