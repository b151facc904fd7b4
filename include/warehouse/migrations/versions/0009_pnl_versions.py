"""PnL in one table: each version of each row with its facts; what follows from the facts is generated."""

from include.warehouse.migrations.statements import run_beside

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_beside(__file__)
