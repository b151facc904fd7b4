"""A cancelled trade that a statement has is an outcome of its own, which waits for a decision."""

from include.warehouse.migrations.statements import run_beside

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    run_beside(__file__)
