"""Traders read of trades, and PnL is that of an hour."""

from include.warehouse.migrations.statements import run_beside

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    run_beside(__file__)
