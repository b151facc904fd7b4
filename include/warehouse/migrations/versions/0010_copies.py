"""Copies of a trade: equal ones stay as they were loaded; only copies with other content are compared."""

from include.warehouse.migrations.statements import run_beside

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_beside(__file__)
