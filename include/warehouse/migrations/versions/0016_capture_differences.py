"""What each capture instance received of the trades of an hour, and what it missed."""

from include.warehouse.migrations.statements import run_beside

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_beside(__file__)
