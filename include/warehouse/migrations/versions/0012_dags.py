"""Task runs of the DAGs follow_market and watch_freshness, which refresh_pnl has absorbed."""

from include.warehouse.migrations.statements import run_beside

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_beside(__file__)
