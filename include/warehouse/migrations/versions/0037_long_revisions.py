"""Revisions of trades up to 2**63 - 1: some exchanges count them by the clock, in milliseconds."""

from include.warehouse.migrations.statements import run_beside

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    run_beside(__file__)
