"""The first copy received wins in any order of loading; reloads, rebuilds, and what changed in PnL."""

from include.warehouse.migrations.statements import run_beside

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_beside(__file__)
