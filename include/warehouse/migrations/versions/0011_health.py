"""What is wrong is decided in views that page, alarms and exporter read; notifications go by any service."""

from include.warehouse.migrations.statements import run_beside

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_beside(__file__)
