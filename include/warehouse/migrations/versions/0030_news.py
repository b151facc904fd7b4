"""A changed limit is another limit; what was received in the future makes nothing fresh."""

from include.warehouse.migrations.statements import run_beside

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    run_beside(__file__)
