"""The trading desk: indexes that tell in no time what changed, and as_of for the days and the portfolio."""

from include.warehouse.migrations.statements import run_beside

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_beside(__file__)
