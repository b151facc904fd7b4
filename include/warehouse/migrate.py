"""Brings the warehouse's schema to the newest version; `python -m include.warehouse.migrate`."""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.exc import OperationalError

from include.errors import TerminalError, TransientError
from include.settings import Settings
from include.warehouse.connection import connect, named_sql
from include.warehouse.locks import MIGRATION


def migrate(warehouse_url: str) -> None:
    """Applies the migrations that are missing, then the read rights of the role `analyst` if it exists.

    Raises:
        TransientError: The warehouse cannot be reached.
        TerminalError: No warehouse is configured.
    """
    with connect(warehouse_url, "migrate") as conn, conn.cursor() as cur:
        conn.autocommit = True
        cur.execute("SELECT pg_advisory_lock(%s)", (MIGRATION,))
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["warehouse_url"] = warehouse_url
        try:
            command.upgrade(config, "head")
        except OperationalError as error:
            raise TransientError(f"the warehouse: {str(error.orig).strip()}") from error
        cur.execute(named_sql("grants"))


if __name__ == "__main__":
    try:
        migrate(Settings.from_environment().warehouse_url)
    except (TerminalError, TransientError) as error:
        sys.exit(str(error))
