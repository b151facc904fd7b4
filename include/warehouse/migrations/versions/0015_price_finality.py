"""When a price is final, what a provider revised, and alarms that are only warnings."""

from include.warehouse.migrations.statements import run_beside

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_beside(__file__)
