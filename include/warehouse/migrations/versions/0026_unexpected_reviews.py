"""A decision on a trade that is in no statement leaves what it breaks to a decision of its own."""

from include.warehouse.migrations.statements import run_beside

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run_beside(__file__)
