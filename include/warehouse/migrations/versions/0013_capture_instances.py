"""Messages of views say capture instance."""

from include.warehouse.migrations.statements import run_beside

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_beside(__file__)
