-- a limit that was changed and is reached again is another breach
ALTER TABLE ops.limit_breaches
    DROP CONSTRAINT limit_breaches_market_measure_scope_trader_id_delivery_day__key,
    ADD UNIQUE NULLS NOT DISTINCT (market, measure, scope, trader_id, delivery_day, delivery_hour, limit_value);
COMMENT ON TABLE ops.limit_breaches IS 'When each limit was first seen to be reached, by whom and for which hour: people are told of each row once; a limit that was changed is another one';

CREATE OR REPLACE VIEW ops.freshness AS
WITH things AS (
    SELECT m.market, t.*
    FROM ops.markets AS m
    -- what is later was written while a clock was ahead, and would hide a silence until then
    CROSS JOIN (VALUES (now() + interval '30 seconds')) AS clocks (latest_at)
    CROSS JOIN LATERAL (
        VALUES
        ('hourly_pnl',
         (SELECT max(window_end_at) FROM ops.task_runs
          -- as Settings.dag_suffix says
          WHERE dag_id = 'hourly_pnl' || CASE m.position WHEN 1 THEN '' ELSE '__' || lower(m.market) END
              AND task_id = 'build_pnl' AND state = 'success' AND window_end_at IS NOT NULL
              AND window_end_at <= latest_at),
         75 * 60, 'end of the last hour that hourly_pnl has done', 'hourly_pnl_late', 'data_late',
         'The hourly calculation is late: what you see may lack the last deals and prices.'),
        ('reference_prices',
         (SELECT max(r.observed_at) FROM raw.reference_prices AS r WHERE r.market = m.market AND r.observed_at <= latest_at),
         25 * 60, 'last reply of the provider that was loaded', 'reference_prices_late', 'prices_late',
         'No new reference prices have arrived: PnL is calculated with the last ones.'),
        ('trades',
         (SELECT max(f.last_received_at) FROM ops.landing_files AS f
          WHERE f.market = m.market AND f.source = 'trades' AND f.last_received_at <= latest_at),
         15 * 60, 'last trade or heartbeat that was loaded; the landing files themselves are ahead of it', NULL, 'data_late',
         'New deals have not reached this page: what you see ends here.'),
        ('build',
         (SELECT max(r.ended_at) FROM ops.task_runs AS r
          WHERE r.market = m.market AND r.task_id = 'build_pnl' AND r.state = 'success' AND r.ended_at <= latest_at),
         25 * 60, 'last build of PnL, whether anything had changed or not', NULL, 'data_late',
         'PnL has not been calculated anew: what you see may lack the last deals and prices.'),
        ('pending',
         (SELECT min(p.pending_since) FROM ops.pending_delivery_periods AS p WHERE p.market = m.market),
         25 * 60, 'oldest change that waits for a build; none: nothing waits', NULL, 'data_late',
         'Some deals or prices have arrived and are not in PnL yet.')
    ) AS t (thing, last_at, limit_seconds, meaning, alarm, page_code, page_text)
    WHERE m.position IS NOT NULL
), first_run AS (
    SELECT m.market, (SELECT min(r.started_at) FROM ops.task_runs AS r WHERE r.market = m.market) AS first_run_at
    FROM ops.markets AS m
), judged AS (
    SELECT
        things.*,
        -- what never happened is late from the first run of the market on, except changes: none is best
        CASE WHEN thing = 'pending' THEN last_at
             WHEN first_run_at IS NOT NULL THEN greatest(last_at, first_run_at) END
            + limit_seconds * interval '1 second' AS late_from_at
    FROM things
    JOIN first_run USING (market)
)
SELECT
    market, thing, last_at,
    round(extract(epoch FROM now() - last_at), 3) AS age_seconds,
    limit_seconds::numeric AS limit_seconds,
    coalesce(now() > late_from_at, false) AS is_late,
    late_from_at, meaning, alarm, page_code, page_text
FROM judged;
COMMENT ON COLUMN ops.freshness.last_at IS 'Up to when it is known or done, of times in the future none; NULL: never, or nothing waits';
