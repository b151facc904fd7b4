-- include/domain/lifecycle.py is the same in Python
CREATE OR REPLACE VIEW staging.cancellations AS
SELECT c.market, c.trade_id, c.direction, c.revision, c.received_at, c.landing_file_id
FROM raw.trade_cancellations AS c
WHERE c.load_batch_id NOT IN (SELECT load_batch_id FROM staging.undecided_batches);
COMMENT ON COLUMN staging.cancellations.landing_file_id IS 'The landing file it is in';

CREATE FUNCTION staging.capture_instance(of_landing_file_id bigint) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
RETURN (
    SELECT coalesce(substring(f.landing_file FROM '([^/]+)-\d+-\d{8}T\d+Z\.jsonl$'), f.landing_file)
    FROM ops.landing_files AS f
    WHERE f.landing_file_id = of_landing_file_id);
COMMENT ON FUNCTION staging.capture_instance IS 'The capture instance that wrote a landing file, by its name; another file is an instance itself';

CREATE OR REPLACE FUNCTION staging.cancels(
    cancellation staging.cancellations, of_market text, of_trade_id text, of_direction text, of_revision integer,
    stored_received_at timestamptz
) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE COST 1
RETURN (cancellation.direction IS NULL OR cancellation.direction = of_direction)
    AND CASE
        WHEN cancellation.revision IS NOT NULL THEN cancellation.revision >= of_revision
        WHEN of_revision = 0 THEN true
        ELSE (
            SELECT first_at <= cancellation.received_at AND NOT (
                EXISTS (
                    SELECT FROM staging.cancellations AS e
                    WHERE (e.market, e.trade_id) = (of_market, of_trade_id) AND e.revision IS NULL
                      AND e.direction IS NOT DISTINCT FROM cancellation.direction AND e.received_at < first_at)
                AND EXISTS (
                    SELECT FROM raw.trade_receipts AS r
                    WHERE (r.market, r.trade_id, r.direction, r.revision)
                          = (of_market, of_trade_id, of_direction, of_revision)
                      AND r.received_at > cancellation.received_at
                      AND staging.capture_instance(r.landing_file_id)
                          = staging.capture_instance(cancellation.landing_file_id)
                      AND r.load_batch_id NOT IN (SELECT load_batch_id FROM staging.undecided_batches)))
            FROM staging.first_received_at(of_market, of_trade_id, of_direction, of_revision, stored_received_at) AS first_at)
    END;
COMMENT ON FUNCTION staging.cancels IS 'Whether a cancellation with the id of a trade takes back this captured revision of it. One without a revision takes back revision 0, and each one of which a copy was received before it; but a copy of an earlier cancellation that the revision followed does not, if the same capture instance received a copy of the revision after it';
COMMENT ON TABLE raw.trade_receipts IS 'Every confirmation, copies included, of an amendment, a disputed trade or one without a readable time of execution: when copies of a revision were received decides whether a cancellation without a revision takes it back, and on which day a trade was executed that does not say so';

-- The hours of such trades are built again; where the numbers come out the same, nothing is written
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
SELECT DISTINCT h.market, h.delivery_day, h.pnl_hour, 'trades'
FROM raw.trades AS t
JOIN raw.period_hours AS h USING (market, delivery_day, delivery_hour)
WHERE t.revision > 0
  AND EXISTS (
      SELECT FROM raw.trade_cancellations AS c
      WHERE (c.market, c.trade_id) = (t.market, t.trade_id) AND c.revision IS NULL
      HAVING count(*) > 1);

COMMENT ON COLUMN ops.review_queue.delivery_hours IS 'Hours of PnL that it may concern; NULL: all that were tradable when it came, or none if it is of a statement, whose day then waits';
