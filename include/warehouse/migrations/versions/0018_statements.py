"""The exchange's end-of-day file: what it says, what of it was not captured, and the gaps that it closes."""

from include.warehouse.migrations.statements import run_beside

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_beside(__file__)
