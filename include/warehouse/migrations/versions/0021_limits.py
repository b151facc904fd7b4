"""Limits of the desk: what they are, what reached one, and since when."""

from include.warehouse.migrations.statements import run_beside

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_beside(__file__)
