"""Schemas raw, curated, ops and staging with all their tables and views."""

from include.warehouse.migrations.statements import run_beside

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_beside(__file__)
