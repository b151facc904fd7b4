"""Several markets in one warehouse: each file, scan, rebuild, task, alarm and request names its market."""

from include.warehouse.migrations.statements import run_beside

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_beside(__file__)
