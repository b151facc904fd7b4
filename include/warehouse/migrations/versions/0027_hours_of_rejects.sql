COMMENT ON TABLE raw.delivery_periods IS 'What the market''s calendar says of each delivery period that was ever traded or priced, and of each hour that a rejected message tells: without a row of raw.period_hours it is known from such messages alone';
COMMENT ON COLUMN ops.pending_delivery_periods.cause IS 'trades, reference_prices, capture_gaps, reload, rerun, review, statement or calendar: a period delivers in other hours than before';

-- ---------------------------------------------------------------- gaps begin with what was traded or priced
-- The same as in 0019 and 0024, but for first_needed_at: a rejected message may tell any day. All hours of a day open at the
-- same time
CREATE OR REPLACE VIEW staging.connection_gaps AS
WITH connected AS (
    SELECT
        f.market, min(c.connected_from) AS first_connected_at, max(c.connected_until) AS last_connected_at,
        range_agg(tstzrange(c.connected_from, c.connected_until)) AS spans
    FROM ops.connected_intervals AS c
    JOIN ops.landing_files AS f USING (landing_file_id)
    GROUP BY f.market
), known AS (
    SELECT
        m.market, c.first_connected_at, c.last_connected_at, c.spans,
        (SELECT min(p.tradable_from) FROM raw.delivery_periods AS p
         WHERE p.market = m.market
           AND p.delivery_day = (SELECT min(h.delivery_day) FROM raw.period_hours AS h WHERE h.market = m.market)
        ) AS first_needed_at,
        (SELECT s.scanned_at FROM ops.landing_scans AS s WHERE (s.market, s.source) = (m.market, 'trades')) AS scanned_at
    FROM ops.markets AS m
    LEFT JOIN connected AS c USING (market)
), span AS (
    -- a proof of life comes every 10 s: silence counts as a gap once three are missing
    SELECT
        market,
        least(first_needed_at, first_connected_at) AS known_from,
        CASE WHEN last_connected_at IS NULL OR scanned_at - last_connected_at > interval '30 seconds'
             THEN scanned_at ELSE last_connected_at END AS known_until,
        last_connected_at, spans
    FROM known
), gaps AS (
    SELECT
        market, last_connected_at,
        unnest(tstzmultirange(tstzrange(known_from, greatest(known_from, known_until)))
               - coalesce(spans, '{}'::tstzmultirange)) AS gap
    FROM span
    WHERE known_from IS NOT NULL AND known_until IS NOT NULL
)
SELECT
    market,
    lower(gap) AS gap_start_at,
    upper(gap) AS gap_end_at,
    coalesce(lower(gap) >= last_connected_at, true) AS is_ongoing
FROM gaps
WHERE NOT isempty(gap);
