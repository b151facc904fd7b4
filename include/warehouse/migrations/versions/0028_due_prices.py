"""A missing price is due once its hour can be traded; an hour that fails is no provider that is down."""

from include.warehouse.migrations.statements import run_beside

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    run_beside(__file__)
