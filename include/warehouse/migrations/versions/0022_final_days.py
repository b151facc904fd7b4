"""Which delivery days were announced as final, and the numbers of which moment that was."""

from include.warehouse.migrations.statements import run_beside

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_beside(__file__)
