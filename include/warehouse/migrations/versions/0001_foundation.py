"""Schemas raw, curated, ops and staging with all their tables and views."""

from contextlib import closing
from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    # the driver's own cursor: the file holds many statements, and percent signs are just text
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    with closing(connection.cursor()) as cursor:
        cursor.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
