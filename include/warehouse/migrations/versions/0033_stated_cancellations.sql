-- ---------------------------------------------------------------- what people decide
CREATE TABLE ops.cancellation_reviews (
    market text COLLATE "C" NOT NULL,
    trade_id text COLLATE "C" NOT NULL,
    direction text COLLATE "C" NOT NULL,
    review text NOT NULL CHECK (review IN ('accept', 'discard')),
    review_reason text NOT NULL,
    reviewed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (market, trade_id, direction)
);
COMMENT ON TABLE ops.cancellation_reviews IS 'Decisions of people on cancelled trades that a statement of the exchange has; each holds for as long as a statement has the trade';
COMMENT ON COLUMN ops.cancellation_reviews.market IS 'The market';
COMMENT ON COLUMN ops.cancellation_reviews.trade_id IS 'The exchange''s id';
COMMENT ON COLUMN ops.cancellation_reviews.direction IS 'buy or sell';
COMMENT ON COLUMN ops.cancellation_reviews.review IS 'accept: the trade counts, whatever cancellations were received before the decision; discard: it stays cancelled';
COMMENT ON COLUMN ops.cancellation_reviews.review_reason IS 'Why, as the person says';
COMMENT ON COLUMN ops.cancellation_reviews.reviewed_at IS 'When it was decided';

ALTER TABLE ops.reconciliation_differences
    DROP CONSTRAINT reconciliation_differences_outcome_check,
    ADD CHECK (outcome IN ('missing', 'differs', 'cancelled', 'unexpected'));
COMMENT ON COLUMN ops.reconciliation_differences.outcome IS 'missing: not captured, added; differs: captured with other content, changed; cancelled: a cancellation that was received before the statement was landed takes it out of PnL, and the statement has it; unexpected: captured, counts, and no statement has it';

-- ---------------------------------------------------------------- which cancellations take effect
-- SECURITY DEFINER: analyst reads views that call these functions, and none of the tables that they read
CREATE FUNCTION staging.is_overruled(
    cancellation staging.cancellations, of_market text, of_trade_id text, of_direction text
) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE COST 1
RETURN EXISTS (
    SELECT FROM ops.cancellation_reviews AS r
    WHERE (r.market, r.trade_id, r.direction) = (of_market, of_trade_id, of_direction)
      AND r.review = 'accept' AND r.reviewed_at >= cancellation.received_at);
COMMENT ON FUNCTION staging.is_overruled IS 'Whether a person decided later that the trade counts, since the exchange''s statement has it';

CREATE FUNCTION staging.cancels_stated(
    cancellation staging.cancellations, of_market text, of_trade_id text, of_direction text
) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE COST 1
RETURN coalesce((
    SELECT staging.cancels(cancellation, s.market, s.trade_id, s.direction, s.revision, s.received_at)
    FROM staging.standing_trades AS s
    WHERE (s.market, s.trade_id, s.direction) = (of_market, of_trade_id, of_direction) AND s.revision >= 0
    ORDER BY s.revision DESC
    LIMIT 1
), cancellation.direction IS NULL OR cancellation.direction = of_direction);
COMMENT ON FUNCTION staging.cancels_stated IS 'Whether a cancellation with the id of a trade takes back what a statement says of it: with the captured revision that would count, or any cancellation if there is none';

CREATE OR REPLACE FUNCTION staging.takes_back(cancellation staging.cancellations, trade staging.latest_trades) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE COST 1
RETURN CASE
    WHEN trade.revision >= 0 THEN staging.cancels(
        cancellation, trade.market, trade.trade_id, trade.direction, trade.revision, trade.received_at)
    ELSE staging.cancels_stated(cancellation, trade.market, trade.trade_id, trade.direction)
END AND NOT staging.is_overruled(cancellation, trade.market, trade.trade_id, trade.direction);
COMMENT ON FUNCTION staging.takes_back IS 'Whether a cancellation with the id of a trade takes it back, unless a person decided that it counts; what a statement says is taken back with the captured revision that would count, or by any cancellation if there is none';
