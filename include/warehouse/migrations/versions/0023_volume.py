"""What a year of trades and thousands of messages that wait for a review need to be read quickly."""

from include.warehouse.migrations.statements import run_beside

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_beside(__file__)
