"""Lets PostgreSQL use all cores, and hash joins, for queries on curated.trades.

The defaults for a function (unsafe in parallel plans, 100 times the cost of an operator) made it sort all trades.
"""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute("ALTER FUNCTION staging.takes_back PARALLEL SAFE COST 1")
