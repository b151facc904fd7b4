"""A statement that writes ids in another way than the messages is held."""

from include.warehouse.migrations.statements import run_beside

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    run_beside(__file__)
