"""A copy of a cancellation does not take back what followed the first one."""

from include.warehouse.migrations.statements import run_beside

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    run_beside(__file__)
