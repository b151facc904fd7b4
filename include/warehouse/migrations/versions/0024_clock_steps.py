"""A step of the clock counts for its files whichever of them is loaded first, or loaded again."""

from include.warehouse.migrations.statements import run_beside

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_beside(__file__)
