-- PL/pgSQL with a plan of its own for each list of batches: put into the query that calls it, the list is not known when the
-- query is planned. PostgreSQL then reads all trades, however few batches there are, and compares each with the list one by one.
CREATE OR REPLACE FUNCTION staging.affected_hours(load_batch_ids bigint[])
RETURNS TABLE (market text, delivery_day date, delivery_hour text) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
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
END
$$;

-- else nothing that calls it uses more than one core
ALTER FUNCTION staging.hours_tradable_at(text, timestamptz) PARALLEL SAFE;
