-- The rows of a statement by their batch: few among those of captured trades, which are loaded in between
CREATE INDEX trades_of_statements ON raw.trades (load_batch_id) WHERE revision = -1;

-- What a statement says instead of captured revisions changes their hours, too: one that it moves a trade out of has no
-- row of its batch, and was built too early, with the trade still in it
CREATE OR REPLACE FUNCTION staging.affected_hours(load_batch_ids bigint[])
RETURNS TABLE (market text, delivery_day date, delivery_hour text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT h.market, h.delivery_day, h.pnl_hour
    FROM raw.period_hours AS h
    JOIN (
        SELECT DISTINCT t.market, t.delivery_day, t.delivery_hour
        FROM raw.trades AS t
        WHERE t.load_batch_id = ANY (load_batch_ids)
        UNION
        SELECT t.market, t.delivery_day, t.delivery_hour
        FROM raw.trades AS t
        JOIN (
            SELECT c.market, c.trade_id FROM raw.trade_cancellations AS c WHERE c.load_batch_id = ANY (load_batch_ids)
            UNION
            SELECT r.market, r.trade_id FROM raw.trade_receipts AS r WHERE r.load_batch_id = ANY (load_batch_ids)
        ) AS changed USING (market, trade_id)
        UNION
        SELECT DISTINCT t.market, t.delivery_day, t.delivery_hour
        FROM raw.trades AS s
        JOIN raw.trades AS t USING (market, trade_id, direction)
        WHERE s.load_batch_id = ANY (load_batch_ids) AND s.revision = -1 AND t.revision >= 0
    ) AS p USING (market, delivery_day, delivery_hour)
    UNION
    SELECT m.market, m.delivery_day, unnest(m.delivery_hours)
    FROM ops.rejected_messages AS m
    WHERE m.load_batch_id = ANY (load_batch_ids) AND m.source = 'trades' AND m.delivery_hours IS NOT NULL
    UNION
    SELECT m.market, h.delivery_day, h.delivery_hour
    FROM (
        -- trading opens and ends on whole minutes: thousands of rejects are a few moments
        SELECT DISTINCT r.market, date_trunc('minute', coalesce(r.received_at, f.hour_start_at)) AS moment
        FROM ops.rejected_messages AS r
        JOIN ops.landing_files AS f USING (landing_file_id)
        WHERE r.load_batch_id = ANY (load_batch_ids) AND r.source = 'trades' AND r.delivery_hours IS NULL
    ) AS m
    CROSS JOIN LATERAL staging.hours_tradable_at(m.market, m.moment) AS h;
END;
COMMENT ON FUNCTION staging.affected_hours IS 'The hours of PnL that depend on the trades, cancellations and rejects of these batches; those that statements say otherwise deliver in the captured hours, too';

-- What was built like that is built again; where the numbers come out the same, nothing is written
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
SELECT DISTINCT h.market, h.delivery_day, h.pnl_hour, 'statement'
FROM raw.trades AS s
JOIN raw.trades AS t USING (market, trade_id, direction)
JOIN raw.period_hours AS h ON (h.market, h.delivery_day, h.delivery_hour) = (t.market, t.delivery_day, t.delivery_hour)
WHERE s.revision = -1 AND t.revision >= 0
  AND (t.delivery_day, t.delivery_hour) <> (s.delivery_day, s.delivery_hour);
