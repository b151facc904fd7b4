"""What PostgreSQL needs to plan queries on millions of trades well."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    # by default a function is unsafe in parallel plans and costs 100 operators: all trades were sorted instead
    op.execute("ALTER FUNCTION staging.takes_back PARALLEL SAFE COST 1")
    # with market in it, lookups by market and id read this whole index while the table had no statistics
    op.execute("DROP INDEX raw.trades_delivery_period")
    op.execute("CREATE INDEX trades_delivery_period ON raw.trades (delivery_day, delivery_hour)")
    # the market is the same in all rows: compared first, it made inserts and lookups of ids a quarter slower
    op.execute("ALTER TABLE raw.trades DROP CONSTRAINT trades_pkey")
    op.execute("ALTER TABLE raw.trades ADD PRIMARY KEY (trade_id, market, direction, revision)")
