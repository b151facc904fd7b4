"""Outcomes as data: tries of tasks, runs, what is incomplete, missing or late, alarms and notifications."""

from include.warehouse.migrations.statements import run_beside

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_beside(__file__)
