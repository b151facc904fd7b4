"""Runs files of SQL within a migration."""

from contextlib import closing
from pathlib import Path

from alembic import op
from sqlalchemy import Connection


def run_beside(migration: str) -> None:
    """Runs all statements of the file of the same name with the ending .sql.

    Args:
        migration: `__file__` of the migration.
    """
    run_file(op.get_bind(), Path(migration).with_suffix(".sql"))


def run_file(connection: Connection, file: Path) -> None:
    """Runs all statements of a file in the transaction of the connection."""
    # the driver's own cursor: the file holds many statements, and percent signs are just text
    driver_connection = connection.connection.dbapi_connection
    assert driver_connection is not None
    with closing(driver_connection.cursor()) as cursor:
        cursor.execute(file.read_text(encoding="utf-8"))
