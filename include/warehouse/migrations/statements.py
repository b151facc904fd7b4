"""Runs the SQL file that lies beside a migration."""

from contextlib import closing
from pathlib import Path

from alembic import op


def run_beside(migration: str) -> None:
    """Runs all statements of the file of the same name with the ending .sql.

    Args:
        migration: `__file__` of the migration.
    """
    # the driver's own cursor: the file holds many statements, and percent signs are just text
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    with closing(connection.cursor()) as cursor:
        cursor.execute(Path(migration).with_suffix(".sql").read_text(encoding="utf-8"))
