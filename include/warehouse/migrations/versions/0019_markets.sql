-- No build may be under way: the key of PNL_INPUTS in include/warehouse/locks.py before locks were of a market
SELECT pg_advisory_xact_lock(7301003);

-- ---------------------------------------------------------------- the markets
CREATE TABLE ops.markets (
    market text COLLATE "C" PRIMARY KEY,
    position integer CHECK (position > 0),
    timezone text NOT NULL,
    currency text NOT NULL
);
COMMENT ON TABLE ops.markets IS 'The markets, as each start reads them from MARKETS_FILE; one without that file';
COMMENT ON COLUMN ops.markets.market IS 'The market';
COMMENT ON COLUMN ops.markets.position IS '1: the first market, whose landing files and DAGs do not name it; NULL: it is not in MARKETS_FILE any more';
COMMENT ON COLUMN ops.markets.timezone IS 'The zone of delivery_day and delivery_hour';
COMMENT ON COLUMN ops.markets.currency IS 'ISO 4217 code of its prices';
INSERT INTO ops.markets (market, position, timezone, currency) SELECT 'DE', 1, timezone, 'EUR' FROM ops.market;

CREATE OR REPLACE FUNCTION curated.market_timezone() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT timezone FROM ops.markets WHERE position = 1);
COMMENT ON FUNCTION curated.market_timezone() IS 'The zone of delivery_day and delivery_hour in the first market, for AT TIME ZONE';
CREATE FUNCTION curated.market_timezone(of_market text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT timezone FROM ops.markets WHERE market = of_market);
COMMENT ON FUNCTION curated.market_timezone(text) IS 'The zone of delivery_day and delivery_hour in a market, for AT TIME ZONE; NULL: there is no such market';
COMMENT ON FUNCTION curated.market_today() IS
    'Today, as a delivery_day of the first market: its local day; current_date is the day of the session''s zone, mostly UTC';
CREATE FUNCTION curated.market_today(of_market text) RETURNS date LANGUAGE sql STABLE PARALLEL SAFE
RETURN (now() AT TIME ZONE curated.market_timezone(of_market))::date;
COMMENT ON FUNCTION curated.market_today(text) IS 'Today, as a delivery_day of a market; NULL: there is no such market';
DROP TABLE ops.market;

-- ---------------------------------------------------------------- whose it is
DROP VIEW ops.troubles, ops.freshness, ops.incomplete_periods;
DROP FUNCTION ops.capture_gap_seconds;
DROP VIEW ops.capture_gaps, staging.connection_gaps;

ALTER TABLE ops.landing_files ADD COLUMN market text COLLATE "C" NOT NULL DEFAULT 'DE';
ALTER TABLE ops.landing_scans ADD COLUMN market text COLLATE "C" NOT NULL DEFAULT 'DE',
    DROP CONSTRAINT landing_scans_pkey, ADD PRIMARY KEY (market, source);
ALTER TABLE ops.rebuilds ADD COLUMN market text COLLATE "C" NOT NULL DEFAULT 'DE',
    DROP CONSTRAINT rebuilds_pkey, ADD PRIMARY KEY (market, rebuild_id);
ALTER TABLE ops.validation_results ADD COLUMN market text COLLATE "C" NOT NULL DEFAULT 'DE';
ALTER TABLE ops.task_runs ADD COLUMN market text COLLATE "C" NOT NULL DEFAULT 'DE';
ALTER TABLE ops.alarms ADD COLUMN market text COLLATE "C" NOT NULL DEFAULT 'DE';
ALTER TABLE ops.provider_requests ADD COLUMN provider text NOT NULL DEFAULT 'provider';
COMMENT ON COLUMN ops.landing_files.market IS 'The market';
COMMENT ON COLUMN ops.landing_scans.market IS 'The market';
COMMENT ON COLUMN ops.rebuilds.market IS 'The market';
COMMENT ON COLUMN ops.validation_results.market IS 'The market';
COMMENT ON COLUMN ops.task_runs.market IS 'The market of the DAG';
COMMENT ON COLUMN ops.alarms.market IS 'The market that it is about';
COMMENT ON COLUMN ops.provider_requests.provider IS 'The provider: markets of one provider share its budget';
COMMENT ON TABLE ops.provider_requests IS 'The budgets of the providers as spent: one row a request, by whichever process';
DROP INDEX ops.alarms_on;
CREATE UNIQUE INDEX alarms_on ON ops.alarms (market, alarm) WHERE cleared_at IS NULL;
CREATE INDEX task_runs_market ON ops.task_runs (market, started_at);
DROP INDEX ops.task_runs_success;
CREATE INDEX task_runs_success ON ops.task_runs (market, task_id, ended_at) WHERE state = 'success';

-- whoever writes a row says of which market it is
DO $$
DECLARE
    defaulted record;
BEGIN
    FOR defaulted IN
        SELECT a.attrelid::regclass AS relation, a.attname AS column_name
        FROM pg_attribute AS a
        JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE c.relnamespace IN ('raw'::regnamespace, 'staging'::regnamespace, 'ops'::regnamespace, 'curated'::regnamespace)
            AND c.relkind = 'r' AND a.attname IN ('market', 'provider') AND a.atthasdef
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', defaulted.relation, defaulted.column_name);
    END LOOP;
END
$$;

-- gates of hours close up to two hours before delivery, those of the last quarter up to 45 minutes after its start
CREATE OR REPLACE FUNCTION staging.hours_tradable_at(of_market text, moment timestamptz)
RETURNS TABLE (delivery_day date, delivery_hour text) LANGUAGE sql STABLE SECURITY DEFINER  -- for views of analyst
BEGIN ATOMIC
    SELECT p.delivery_day, p.delivery_hour
    FROM raw.delivery_periods AS p
    WHERE p.market = of_market AND p.delivery_hours = 1
      AND tstzrange(p.tradable_from, p.tradable_until) && tstzrange(moment - interval '3 hours', moment, '[]')
      -- as staging.pnl_hours has it
      AND EXISTS (SELECT FROM raw.period_hours AS h
                  JOIN raw.delivery_periods AS s USING (market, delivery_day, delivery_hour)
                  WHERE (h.market, h.delivery_day, h.pnl_hour) = (p.market, p.delivery_day, p.delivery_hour)
                    AND moment < s.tradable_until);
END;

-- ---------------------------------------------------------------- gaps of a market
CREATE VIEW staging.connection_gaps AS
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
        (SELECT min(p.tradable_from) FROM raw.delivery_periods AS p WHERE p.market = m.market) AS first_needed_at,
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
COMMENT ON VIEW staging.connection_gaps IS 'When no capture instance of a market was connected, as far as the landing files are known';

CREATE VIEW ops.capture_gaps AS
WITH reconciled AS MATERIALIZED (
    SELECT market, range_agg(tstzrange(covered_from, covered_until)) AS spans
    FROM ops.reconciliations
    WHERE state = 'reconciled'
    GROUP BY market
)
SELECT
    c.market,
    lower(gap) AS gap_start_at,
    upper(gap) AS gap_end_at,
    extract(epoch FROM upper(gap) - lower(gap)) AS gap_seconds,
    c.is_ongoing AND upper(gap) = c.gap_end_at AS is_ongoing
FROM staging.connection_gaps AS c
LEFT JOIN reconciled AS r USING (market)
CROSS JOIN LATERAL unnest(tstzmultirange(tstzrange(c.gap_start_at, c.gap_end_at))
                          - coalesce(r.spans, '{}'::tstzmultirange)) AS gap;
COMMENT ON VIEW ops.capture_gaps IS 'When no capture instance of a market was connected, as far as the landing files are known, without the days that are reconciled with the exchange''s statement; messages of that time were not received';
COMMENT ON COLUMN ops.capture_gaps.market IS 'The market';
COMMENT ON COLUMN ops.capture_gaps.gap_start_at IS 'Last proof of a connection; for the first gap, when the earliest known delivery period opened';
COMMENT ON COLUMN ops.capture_gaps.gap_end_at IS 'Connected again, or known up to here';
COMMENT ON COLUMN ops.capture_gaps.gap_seconds IS 'Length, s';
COMMENT ON COLUMN ops.capture_gaps.is_ongoing IS 'No instance has connected again as far as is known';

CREATE FUNCTION ops.capture_gap_seconds(of_market text, period_from timestamptz, period_until timestamptz) RETURNS numeric
LANGUAGE sql STABLE
RETURN (
    SELECT coalesce(sum(extract(epoch FROM least(gap_end_at, period_until) - greatest(gap_start_at, period_from))), 0)
    FROM ops.capture_gaps
    WHERE market = of_market AND gap_start_at < period_until AND gap_end_at > period_from
);
COMMENT ON FUNCTION ops.capture_gap_seconds(text, timestamptz, timestamptz) IS
    'Seconds without any connected capture instance of a market within a time span, as far as is known';
CREATE FUNCTION ops.capture_gap_seconds(period_from timestamptz, period_until timestamptz) RETURNS numeric
LANGUAGE sql STABLE
RETURN ops.capture_gap_seconds((SELECT market FROM ops.markets WHERE position = 1), period_from, period_until);
COMMENT ON FUNCTION ops.capture_gap_seconds(timestamptz, timestamptz) IS 'The same of the first market';

-- ---------------------------------------------------------------- what is incomplete, late and wrong in a market
CREATE VIEW ops.incomplete_periods AS
WITH known AS MATERIALIZED (
    SELECT market, range_agg(tstzrange(gap_start_at, gap_end_at)) AS gaps FROM ops.capture_gaps GROUP BY market
), waiting AS (
    -- the few batches first: raw.trades is then read by its block index only where they lie
    SELECT t.market, t.delivery_day, h.pnl_hour AS delivery_hour, count(*) AS trade_count,
           array_agg(DISTINCT load_batch_id) AS batches, min(b.loaded_at) AS loaded_at
    FROM raw.trades AS t
    JOIN raw.period_hours AS h USING (market, delivery_day, delivery_hour)
    JOIN ops.load_batches AS b USING (load_batch_id)
    WHERE t.load_batch_id = ANY (ARRAY(SELECT load_batch_id FROM ops.load_batches
                                       WHERE state <> 'accepted' AND source = 'trades'))
    GROUP BY t.market, t.delivery_day, h.pnl_hour
)
SELECT market, delivery_day, delivery_hour, p.delivery_start_at, r.reason, r.detail, r.from_at, r.until_at, r.gap_seconds
FROM (
    SELECT p.market, p.delivery_day, p.delivery_hour, 'capture_gap' AS reason,
           format('no capture instance was connected for %s while it was tradable, in %s', s.words,
                  CASE s.gaps WHEN 1 THEN '1 gap' ELSE s.gaps || ' gaps' END) AS detail,
           lower(g.gaps) AS from_at, upper(g.gaps) AS until_at, s.seconds AS gap_seconds
    FROM staging.pnl_hours AS p
    JOIN known AS k ON k.market = p.market AND k.gaps && tstzrange(p.tradable_from, p.tradable_until)
    CROSS JOIN LATERAL (SELECT k.gaps * tstzmultirange(tstzrange(p.tradable_from, p.tradable_until)) AS gaps) AS g
    CROSS JOIN LATERAL (
        SELECT seconds, gaps,
               CASE WHEN seconds < 1 THEN 'less than 1 s'
                    WHEN seconds < 60 THEN trunc(seconds) || ' s'
                    WHEN seconds < 3600 THEN trunc(seconds / 60) || ' min'
                    ELSE trunc(seconds / 3600) || to_char(trunc(seconds / 60) % 60, '" h "FM00" min"')
               END AS words
        FROM (
            SELECT sum(extract(epoch FROM upper(gap) - lower(gap))) AS seconds, count(*) AS gaps
            FROM unnest(g.gaps) AS gap
        ) AS sums
    ) AS s
    UNION ALL
    SELECT market, delivery_day, delivery_hour, 'trades_quarantined',
           format('%s in quarantine: %s; make review', CASE count(*) WHEN 1 THEN '1 trade is' ELSE count(*) || ' trades are' END,
                  string_agg(DISTINCT reason, '; ')),
           min(received_at), NULL, NULL
    FROM ops.unreviewed_messages
    WHERE problem = 'quarantined'
    GROUP BY market, delivery_day, delivery_hour
    UNION ALL
    SELECT market, delivery_day, delivery_hour, 'messages_rejected',
           format('%s not reviewed: %s; make review',
                  CASE count(*) WHEN 1 THEN '1 rejected message is' ELSE count(*) || ' rejected messages are' END,
                  string_agg(DISTINCT reason, ', ')),
           min(received_at), NULL, NULL
    FROM ops.unreviewed_messages
    WHERE problem = 'rejected'
    GROUP BY market, delivery_day, delivery_hour
    UNION ALL
    SELECT market, delivery_day, delivery_hour,
           CASE min(price_status) WHEN 'missing' THEN 'price_missing' ELSE 'price_not_final' END,
           CASE min(price_status) WHEN 'missing' THEN 'there is no reference price'
                ELSE 'the price is provisional, the final one should be there; see ops.missing_prices' END,
           min(price_final_from) FILTER (WHERE price_status = 'provisional'), NULL, NULL
    FROM curated.pnl_hourly
    JOIN raw.delivery_periods USING (market, delivery_day, delivery_hour)
    WHERE price_status = 'missing'
        OR (price_status = 'provisional' AND now() > price_final_from + interval '15 minutes')
    GROUP BY market, delivery_day, delivery_hour
    UNION ALL
    SELECT market, delivery_day, delivery_hour, 'trades_not_validated',
           format('%s of %s %s loaded and not validated yet',
                  CASE trade_count WHEN 1 THEN '1 trade' ELSE trade_count || ' trades' END,
                  CASE cardinality(batches) WHEN 1 THEN 'batch' ELSE 'batches' END || ' ' || array_to_string(batches, ', '),
                  CASE trade_count WHEN 1 THEN 'is' ELSE 'are' END),
           loaded_at, NULL, NULL
    FROM waiting
    UNION ALL
    SELECT market, delivery_day, delivery_hour, 'not_built',
           format('changes wait for a build: %s', string_agg(DISTINCT cause, ', ')), min(pending_since), NULL, NULL
    FROM ops.pending_delivery_periods
    GROUP BY market, delivery_day, delivery_hour
    HAVING min(pending_since) < now() - interval '15 minutes'
) AS r
JOIN raw.delivery_periods AS p USING (market, delivery_day, delivery_hour);
COMMENT ON VIEW ops.incomplete_periods IS 'Hours of PnL of which something is missing and why: one row an hour and reason';
COMMENT ON COLUMN ops.incomplete_periods.market IS 'The market';
COMMENT ON COLUMN ops.incomplete_periods.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN ops.incomplete_periods.delivery_hour IS 'Label, local time';
COMMENT ON COLUMN ops.incomplete_periods.delivery_start_at IS 'Start of delivery';
COMMENT ON COLUMN ops.incomplete_periods.reason IS 'capture_gap, trades_quarantined, messages_rejected, price_missing, price_not_final, trades_not_validated, not_built';
COMMENT ON COLUMN ops.incomplete_periods.detail IS 'The reason in words';
COMMENT ON COLUMN ops.incomplete_periods.from_at IS 'Since when; start of the first gap; receipt of the first message';
COMMENT ON COLUMN ops.incomplete_periods.until_at IS 'End of the last gap; NULL for the other reasons';
COMMENT ON COLUMN ops.incomplete_periods.gap_seconds IS 'All its gaps together, s; NULL for the other reasons';

CREATE VIEW ops.freshness AS
WITH things AS (
    SELECT m.market, t.*
    FROM ops.markets AS m
    CROSS JOIN LATERAL (
        VALUES
        ('hourly_pnl',
         (SELECT max(window_end_at) FROM ops.task_runs
          -- as Settings.dag_suffix says
          WHERE dag_id = 'hourly_pnl' || CASE m.position WHEN 1 THEN '' ELSE '__' || lower(m.market) END
              AND task_id = 'build_pnl' AND state = 'success' AND window_end_at IS NOT NULL),
         75 * 60, 'end of the last hour that hourly_pnl has done', 'hourly_pnl_late', 'data_late',
         'The hourly calculation is late: what you see may lack the last deals and prices.'),
        ('reference_prices',
         (SELECT max(r.observed_at) FROM raw.reference_prices AS r WHERE r.market = m.market),
         25 * 60, 'last reply of the provider that was loaded', 'reference_prices_late', 'prices_late',
         'No new reference prices have arrived: PnL is calculated with the last ones.'),
        ('trades',
         (SELECT max(f.last_received_at) FROM ops.landing_files AS f WHERE f.market = m.market AND f.source = 'trades'),
         15 * 60, 'last trade or heartbeat that was loaded; the landing files themselves are ahead of it', NULL, 'data_late',
         'New deals have not reached this page: what you see ends here.'),
        ('build',
         (SELECT max(r.ended_at) FROM ops.task_runs AS r
          WHERE r.market = m.market AND r.task_id = 'build_pnl' AND r.state = 'success'),
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
COMMENT ON VIEW ops.freshness IS 'How late are we: one row a market and thing that has to stay fresh';
COMMENT ON COLUMN ops.freshness.market IS 'The market';
COMMENT ON COLUMN ops.freshness.thing IS 'hourly_pnl, reference_prices, trades, build, pending';
COMMENT ON COLUMN ops.freshness.last_at IS 'Up to when it is known or done; NULL: never, or nothing waits';
COMMENT ON COLUMN ops.freshness.age_seconds IS 'How long ago that is, s';
COMMENT ON COLUMN ops.freshness.limit_seconds IS 'How old it may become, s';
COMMENT ON COLUMN ops.freshness.is_late IS 'Older than that, counted at the earliest from the first run of the market';
COMMENT ON COLUMN ops.freshness.late_from_at IS 'From when on it is late if nothing happens';
COMMENT ON COLUMN ops.freshness.meaning IS 'What last_at is';
COMMENT ON COLUMN ops.freshness.alarm IS 'Alarm that is raised while it is late; NULL: none, the page and the metrics show it';
COMMENT ON COLUMN ops.freshness.page_code IS 'Code of ops.troubles that its lateness has';
COMMENT ON COLUMN ops.freshness.page_text IS 'What its lateness means for a trader';

CREATE VIEW ops.troubles AS
WITH answers AS (
    SELECT market, finished_at, coalesce(is_answer, false) AS is_answer
    FROM ops.provider_requests
    WHERE requested_at > now() - interval '2 hours' AND finished_at IS NOT NULL
), found (precedence, market, code, since_at, text) AS (
    SELECT 1, market, coalesce(page_code, alarm), since_at, coalesce(page_text, detail)
    FROM ops.alarms
    WHERE cleared_at IS NULL AND (severity = 'critical' OR page_text IS NOT NULL)
    UNION ALL
    SELECT 2, market, 'provider_down', min(finished_at),
           'The provider of reference prices does not answer: prices stay as they are until it does.'
    FROM answers AS a
    WHERE NOT is_answer
        AND finished_at > coalesce((SELECT max(finished_at) FROM answers AS e WHERE e.is_answer AND e.market = a.market),
                                   timestamptz '-infinity')
    GROUP BY market
    UNION ALL
    SELECT 3, market, page_code, last_at, page_text
    FROM ops.freshness
    WHERE is_late AND alarm IS NULL
), first_of_each AS (
    SELECT DISTINCT ON (market, code) market, code, since_at, text FROM found ORDER BY market, code, precedence, since_at
)
SELECT market, code, since_at, text FROM first_of_each ORDER BY since_at NULLS LAST;
COMMENT ON VIEW ops.troubles IS 'What is wrong now, in a trader''s words: one row a kind of trouble, the oldest first';
COMMENT ON COLUMN ops.troubles.market IS 'The market that it is about';
COMMENT ON COLUMN ops.troubles.code IS 'capture_down, provider_down, prices_late, data_late, or the name of an alarm';
COMMENT ON COLUMN ops.troubles.since_at IS 'Since when; NULL: since the platform first ran';
COMMENT ON COLUMN ops.troubles.text IS 'What it means for a trader';
