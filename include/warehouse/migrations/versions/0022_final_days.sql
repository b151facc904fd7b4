CREATE TABLE ops.final_days (
    market text NOT NULL,
    delivery_day date NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    final_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    has_open_points boolean NOT NULL,
    announced_by text NOT NULL,
    PRIMARY KEY (market, delivery_day, revision)
);
COMMENT ON TABLE ops.final_days IS 'Delivery days whose PnL was announced as final, once for each time its numbers changed: each row is a report to finance';
COMMENT ON COLUMN ops.final_days.market IS 'The market';
COMMENT ON COLUMN ops.final_days.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN ops.final_days.revision IS '1: the first announcement; a higher one: the numbers changed after the one before';
COMMENT ON COLUMN ops.final_days.final_at IS 'The numbers are those of this moment: curated.pnl_hourly_as_of(final_at)';
COMMENT ON COLUMN ops.final_days.has_open_points IS 'Something was still open at the latest hour for the report: a missing price, a message that waits for a review, a gap …';
COMMENT ON COLUMN ops.final_days.announced_by IS 'The run of refresh_pnl whose task announce_final_days sends the asset event';
