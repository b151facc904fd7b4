"""A notification channel is known by its URL."""

from include.warehouse.migrations.statements import run_beside

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    run_beside(__file__)
