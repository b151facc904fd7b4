-- ---------------------------------------------------------------- notifications by any service that Apprise knows
ALTER TABLE ops.notifications DROP CONSTRAINT notifications_channel_check;
COMMENT ON COLUMN ops.notifications.channel IS 'How it was sent: the scheme of its URL in ALERT_URLS, with a number from the second URL of a scheme on';

-- ---------------------------------------------------------------- what is late: limit, alarm and words of each thing
CREATE OR REPLACE VIEW ops.freshness AS
WITH things (thing, last_at, limit_seconds, meaning, alarm, page_code, page_text) AS (
    VALUES
    ('hourly_pnl',
     (SELECT max(window_end_at) FROM ops.task_runs
      WHERE dag_id = 'hourly_pnl' AND task_id = 'build_pnl' AND state = 'success' AND window_end_at IS NOT NULL),
     75 * 60, 'end of the last hour that hourly_pnl has done', 'hourly_pnl_late', 'data_late',
     'The hourly calculation is late: what you see may lack the last deals and prices.'),
    ('reference_prices',
     (SELECT max(observed_at) FROM raw.reference_prices),
     25 * 60, 'last reply of the provider that was loaded', 'reference_prices_late', 'prices_late',
     'No new reference prices have arrived: PnL is calculated with the last ones.'),
    ('trades',
     (SELECT max(last_received_at) FROM ops.landing_files WHERE source = 'trades'),
     15 * 60, 'last trade or heartbeat that was loaded; the landing files themselves are ahead of it', NULL, 'data_late',
     'New deals have not reached this page: what you see ends here.'),
    ('build',
     (SELECT max(ended_at) FROM ops.task_runs WHERE task_id = 'build_pnl' AND state = 'success'),
     25 * 60, 'last build of PnL, whether anything had changed or not', NULL, 'data_late',
     'PnL has not been calculated anew: what you see may lack the last deals and prices.'),
    ('pending',
     (SELECT min(pending_since) FROM ops.pending_delivery_periods),
     25 * 60, 'oldest change that waits for a build; none: nothing waits', NULL, 'data_late',
     'Some deals or prices have arrived and are not in PnL yet.')
), first_run AS (
    SELECT min(started_at) AS first_run_at FROM ops.task_runs
), judged AS (
    SELECT
        things.*,
        -- what never happened is late from the first run on, except changes: none is best
        CASE WHEN thing = 'pending' THEN last_at
             WHEN first_run_at IS NOT NULL THEN greatest(last_at, first_run_at) END
            + limit_seconds * interval '1 second' AS late_from_at
    FROM things CROSS JOIN first_run
)
SELECT
    thing, last_at,
    round(extract(epoch FROM now() - last_at), 3) AS age_seconds,
    limit_seconds::numeric AS limit_seconds,
    coalesce(now() > late_from_at, false) AS is_late,
    late_from_at, meaning, alarm, page_code, page_text
FROM judged;
COMMENT ON COLUMN ops.freshness.alarm IS 'Alarm that is raised while it is late; NULL: none, the page and the metrics show it';
COMMENT ON COLUMN ops.freshness.page_code IS 'Code of ops.troubles that its lateness has';
COMMENT ON COLUMN ops.freshness.page_text IS 'What its lateness means for a trader';

ALTER TABLE ops.alarms ADD COLUMN page_code text, ADD COLUMN page_text text;
COMMENT ON COLUMN ops.alarms.page_code IS 'Code of ops.troubles; NULL: the name of the alarm';
COMMENT ON COLUMN ops.alarms.page_text IS 'What it means for a trader; NULL: nothing but the detail';

-- ---------------------------------------------------------------- what is wrong
CREATE VIEW ops.troubles AS
WITH answers AS (
    SELECT finished_at, coalesce(is_answer, false) AS is_answer
    FROM ops.provider_requests
    WHERE requested_at > now() - interval '2 hours' AND finished_at IS NOT NULL
), found (precedence, code, since_at, text) AS (
    SELECT 1, coalesce(page_code, alarm), since_at, coalesce(page_text, detail)
    FROM ops.alarms
    WHERE cleared_at IS NULL
    UNION ALL
    SELECT 2, 'provider_down', min(finished_at),
           'The provider of reference prices does not answer: prices stay as they are until it does.'
    FROM answers
    WHERE NOT is_answer
        AND finished_at > coalesce((SELECT max(finished_at) FROM answers WHERE is_answer), timestamptz '-infinity')
    HAVING count(*) > 0
    UNION ALL
    SELECT 3, 'batch_blocked', min(validated_at),
           CASE count(*) WHEN 1 THEN 'A delivery of data is' ELSE count(*) || ' deliveries of data are' END
           || ' held back because a check failed: the hours that it is about say so. An engineer decides.'
    FROM ops.load_batches
    WHERE state = 'blocked' AND review IS NULL
    HAVING count(*) > 0
    UNION ALL
    SELECT 4, page_code, last_at, page_text
    FROM ops.freshness
    WHERE is_late AND alarm IS NULL
), first_of_each AS (
    SELECT DISTINCT ON (code) code, since_at, text FROM found ORDER BY code, precedence, since_at
)
SELECT code, since_at, text FROM first_of_each ORDER BY since_at NULLS LAST;
COMMENT ON VIEW ops.troubles IS 'What is wrong now, in a trader''s words: one row a kind of trouble, the oldest first';
COMMENT ON COLUMN ops.troubles.code IS 'capture_down, provider_down, prices_late, batch_blocked, data_late, or the name of an alarm';
COMMENT ON COLUMN ops.troubles.since_at IS 'Since when; NULL: since the platform first ran';
COMMENT ON COLUMN ops.troubles.text IS 'What it means for a trader';
