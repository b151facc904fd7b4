"""What the calendar says of hours that only rejects are about is stored, too, and counts for no gap."""

from include.warehouse.migrations.statements import run_beside

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    run_beside(__file__)
