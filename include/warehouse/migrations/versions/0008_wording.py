"""Texts about incomplete periods in the words of people: durations, one gap or many."""

from include.warehouse.migrations.statements import run_beside

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_beside(__file__)
