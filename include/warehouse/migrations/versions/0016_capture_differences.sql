CREATE TABLE ops.capture_comparisons (
    market text NOT NULL DEFAULT 'DE',
    hour_start_at timestamptz NOT NULL,
    capture_instance text COLLATE "C" NOT NULL,
    trade_count bigint NOT NULL,
    shared_count bigint NOT NULL,
    missed_count bigint NOT NULL,
    missed_trade_ids text[] NOT NULL,
    first_missed_at timestamptz,
    last_missed_at timestamptz,
    compared_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (market, hour_start_at, capture_instance),
    CHECK (shared_count BETWEEN 0 AND trade_count)
);
COMMENT ON TABLE ops.capture_comparisons IS 'What each capture instance received of the trades of an hour, beside the other instances; the hour is that in which the 60 s end that the others have to receive a trade, too';
COMMENT ON COLUMN ops.capture_comparisons.market IS 'The market';
COMMENT ON COLUMN ops.capture_comparisons.hour_start_at IS 'UTC hour';
COMMENT ON COLUMN ops.capture_comparisons.capture_instance IS 'Name and host of the instance: the names of its landing files begin with it';
COMMENT ON COLUMN ops.capture_comparisons.trade_count IS 'Trades that it received';
COMMENT ON COLUMN ops.capture_comparisons.shared_count IS 'Of these, trades that another instance received as well';
COMMENT ON COLUMN ops.capture_comparisons.missed_count IS 'Trades that another instance received and this one, provably connected, did not within 60 s';
COMMENT ON COLUMN ops.capture_comparisons.missed_trade_ids IS 'The first ten of these';
COMMENT ON COLUMN ops.capture_comparisons.first_missed_at IS 'When another instance received the first of these; NULL: nothing was missed';
COMMENT ON COLUMN ops.capture_comparisons.last_missed_at IS 'When another instance received the last of these';
COMMENT ON COLUMN ops.capture_comparisons.compared_at IS 'When the landing files were compared';

CREATE VIEW ops.capture_differences AS
SELECT
    c.market, c.hour_start_at, c.capture_instance, c.missed_count, c.missed_trade_ids, c.first_missed_at, c.last_missed_at,
    c.trade_count, c.shared_count, s.is_separate_stream
FROM ops.capture_comparisons AS c
CROSS JOIN LATERAL (
    -- the last 200 trades, of the last day, that could have been shared
    SELECT sum(trade_count) > 0 AND sum(shared_count) = 0 AS is_separate_stream
    FROM (
        SELECT
            trade_count, shared_count,
            sum(trade_count + missed_count) OVER (ORDER BY hour_start_at DESC) - trade_count - missed_count AS later_count
        FROM ops.capture_comparisons AS e
        WHERE e.market = c.market AND e.capture_instance = c.capture_instance
            AND e.hour_start_at BETWEEN c.hour_start_at - interval '1 day' AND c.hour_start_at
    ) AS evidence
    WHERE later_count < 200
) AS s
WHERE c.missed_count > 0;
COMMENT ON VIEW ops.capture_differences IS 'Which capture instance missed trades that another one received, a row an hour and instance; nothing is lost as long as one instance received a trade';
COMMENT ON COLUMN ops.capture_differences.market IS 'The market';
COMMENT ON COLUMN ops.capture_differences.hour_start_at IS 'UTC hour in which the 60 s ended that the instance had to receive the trades, too';
COMMENT ON COLUMN ops.capture_differences.capture_instance IS 'Name and host of the instance that missed them';
COMMENT ON COLUMN ops.capture_differences.missed_count IS 'Trades that another instance received and this one, provably connected, did not within 60 s';
COMMENT ON COLUMN ops.capture_differences.missed_trade_ids IS 'The first ten of these';
COMMENT ON COLUMN ops.capture_differences.first_missed_at IS 'When another instance received the first of these';
COMMENT ON COLUMN ops.capture_differences.last_missed_at IS 'When another instance received the last of these';
COMMENT ON COLUMN ops.capture_differences.trade_count IS 'Trades that it received in the hour';
COMMENT ON COLUMN ops.capture_differences.shared_count IS 'Of these, trades that another instance received as well';
COMMENT ON COLUMN ops.capture_differences.is_separate_stream IS 'It received trades and shared none of the last 200 with another instance: the exchange sends each connection a stream of its own, which is no alarm';
