"""The market's day and zone for SQL, and as_of that refuses the future."""

from include.warehouse.migrations.statements import run_beside

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_beside(__file__)
