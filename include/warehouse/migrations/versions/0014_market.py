"""The market as it is: revisions, cancellations, quarantine, canonical delivery periods."""

from include.warehouse.migrations.statements import run_beside

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_beside(__file__)
