"""A trade that a statement moves to another hour leaves the hour in which it was captured."""

from include.warehouse.migrations.statements import run_beside

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    run_beside(__file__)
