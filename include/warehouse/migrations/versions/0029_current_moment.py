"""Numbers of now are those that stand, also after the clock of the warehouse was set back."""

from include.warehouse.migrations.statements import run_beside

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    run_beside(__file__)
