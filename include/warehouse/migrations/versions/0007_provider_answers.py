"""Provider requests: whether the reply said something about the price, decided once, when it came."""

from include.warehouse.migrations.statements import run_beside

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_beside(__file__)
