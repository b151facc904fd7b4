"""The hours of a mass load are found by hashing its trades, not by sorting them."""

from include.warehouse.migrations.statements import run_beside

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    run_beside(__file__)
