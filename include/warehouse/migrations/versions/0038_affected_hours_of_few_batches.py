"""The hours of PnL that a few batches affect are looked up without reading all trades."""

from include.warehouse.migrations.statements import run_beside

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    run_beside(__file__)
