"""Statements of a delivery day, and hours whose trades from a statement are not validated yet."""

from include.warehouse.migrations.statements import run_beside

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_beside(__file__)
