-- Queries of include/warehouse, and those that several packages share

-- name: lock_for_transaction
SELECT pg_advisory_xact_lock(%(key)s)

-- name: lock_pair_for_transaction
SELECT pg_advisory_xact_lock(%(key)s, %(subkey)s)

-- name: lock_for_session
SELECT pg_advisory_lock(%(key)s)

-- name: lock_pair_shared_for_transaction
SELECT pg_advisory_xact_lock_shared(%(key)s, %(subkey)s)

-- name: lock_pair_shared_for_session
SELECT pg_advisory_lock_shared(%(key)s, %(subkey)s)

-- name: lock_pair_for_session
SELECT pg_advisory_lock(%(key)s, %(subkey)s)

-- name: lock_pair_for_transaction_within
-- Waits no longer than the timeout, which holds for the whole transaction
SELECT set_config('lock_timeout', %(timeout)s, true), pg_advisory_xact_lock(%(key)s, %(subkey)s)

-- name: markets_first
-- The first market, if files of it are loaded
SELECT market FROM ops.markets
WHERE position = 1 AND EXISTS (SELECT FROM ops.landing_files AS f WHERE f.market = markets.market)

-- name: markets_forget
-- Markets that are not configured and of which there is nothing, not even a limit that somebody set
DELETE FROM ops.markets
WHERE market <> ALL(%(markets)s::text[])
    AND NOT EXISTS (SELECT FROM ops.landing_files AS f WHERE f.market = markets.market)
    AND NOT EXISTS (SELECT FROM ops.limits AS l WHERE l.market = markets.market)

-- name: markets_retire
UPDATE ops.markets SET position = NULL WHERE market <> ALL(%(markets)s::text[]) AND position IS NOT NULL

-- name: markets_clear_alarms
-- Nobody looks whether an alarm of a market is over that is not configured any more
UPDATE ops.alarms SET cleared_at = clock_timestamp()
WHERE market <> ALL(%(markets)s::text[]) AND cleared_at IS NULL

-- name: markets_store
-- A market as this start was told
INSERT INTO ops.markets AS known (market, position, timezone, currency)
VALUES (%(market)s, %(position)s, %(timezone)s, %(currency)s)
ON CONFLICT (market) DO UPDATE SET
    position = excluded.position, timezone = excluded.timezone, currency = excluded.currency
WHERE (known.position, known.timezone, known.currency)
      IS DISTINCT FROM (excluded.position, excluded.timezone, excluded.currency)

-- name: catalog_schemas
SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = ANY(%(schemas)s)

-- name: catalog_relations
SELECT
    n.nspname, c.relname, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, obj_description(c.oid, 'pg_class'),
    ARRAY(
        SELECT a.attname::text
        FROM pg_constraint AS k
        CROSS JOIN unnest(k.conkey) WITH ORDINALITY AS part (attnum, position)
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = part.attnum
        WHERE k.conrelid = c.oid AND k.contype = 'p'
        ORDER BY part.position
    )
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%(schemas)s) AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
ORDER BY n.nspname, c.relname

-- name: catalog_columns
SELECT
    n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE n.nspname = ANY(%(schemas)s) AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY n.nspname, c.relname, a.attnum

-- name: catalog_functions
SELECT
    n.nspname, p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
    obj_description(p.oid, 'pg_proc')
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname = ANY(%(schemas)s)
ORDER BY n.nspname, p.proname, 3

-- name: role_exists
SELECT 1 FROM pg_roles WHERE rolname = %(role)s

-- name: database_exists
SELECT 1 FROM pg_database WHERE datname = %(database)s

-- name: is_superuser
SELECT rolsuper FROM pg_roles WHERE rolname = current_user

-- name: hold_analyst_is_trusted
-- Whether the function exists and a superuser made it: a restored dump may have given it to somebody else
SELECT EXISTS (
    SELECT FROM pg_proc JOIN pg_roles ON pg_roles.oid = proowner
    WHERE pg_proc.oid = to_regprocedure('administration.hold_analyst()') AND rolsuper
)

-- name: hold_analyst
SELECT is_restored, ended_sessions FROM administration.hold_analyst()

-- name: alarms
-- Alarms of a market that are on: critical ones first, then the oldest
SELECT alarm, severity, since_at, raised_at, detail
FROM ops.alarms
WHERE market = %(market)s AND cleared_at IS NULL
ORDER BY severity, since_at

-- name: gaps
-- When no capture instance of a market was connected, the last first
SELECT gap_start_at, gap_end_at, gap_seconds, is_ongoing
FROM ops.capture_gaps
WHERE market = %(market)s AND gap_start_at < %(until_at)s AND gap_end_at > %(from_at)s
ORDER BY gap_start_at DESC
LIMIT %(limit)s

-- name: gaps_of_day
-- When no capture instance was connected while a delivery day was tradable, unless a statement of the day has all its trades
SELECT gap_start_at, gap_end_at, is_ongoing
FROM ops.capture_gaps AS g
WHERE market = %(market)s AND gap_start_at < %(until_at)s AND gap_end_at > %(from_at)s
    AND NOT EXISTS (
        SELECT FROM ops.reconciliations AS r
        JOIN ops.statements AS s USING (market, statement_day)
        WHERE (r.market, r.statement_day, r.state) = (g.market, %(day)s, 'reconciled') AND s.is_by_delivery_day)
ORDER BY gap_start_at

-- name: capture_instances
-- The capture instances of a market in the last day, as far as their files are loaded: a file per hour and process.
-- Times in the future were written while a clock was ahead: such a file tells only what no other one does
WITH files AS (
    SELECT landing_file_id, last_received_at, is_connected AND NOT is_complete AS is_connected,
           coalesce(last_received_at, hour_start_at) > now() + interval '30 seconds' AS is_ahead,
           regexp_match(landing_file, '([^/-]+)-([^/]+)-\d+-\d{8}T\d+Z\.jsonl$') AS parts
    FROM ops.landing_files
    WHERE market = %(market)s AND source = 'trades' AND hour_start_at > now() - interval '1 day'
), lines AS (
    SELECT parts[1] AS name, parts[2] AS host, max(last_received_at) FILTER (WHERE NOT is_ahead) AS last_line_at,
           (array_agg(is_connected ORDER BY is_ahead, last_received_at DESC NULLS LAST))[1] AS is_connected
    FROM files
    WHERE parts IS NOT NULL
    GROUP BY parts
), spans AS (
    SELECT parts, connected_from,
           -- the turn of the hour, where the next file begins, is no new connection
           connected_from > interval '1 second' + max(connected_until) OVER (
               PARTITION BY parts ORDER BY connected_from, connected_until
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS is_new
    FROM files
    JOIN ops.connected_intervals USING (landing_file_id)
    WHERE connected_from <= now() + interval '30 seconds'
), since AS (
    SELECT parts[1] AS name, parts[2] AS host,
           max(connected_from) FILTER (WHERE is_new IS NOT false) AS connected_since
    FROM spans
    GROUP BY parts
), rates AS (
    -- messages per minute in the loads of the last ten minutes
    SELECT parts[1] AS name, parts[2] AS host,
           round(sum(b.loaded_count + b.duplicate_count + b.rejected_count)
                 / greatest(extract(epoch FROM max(b.loaded_at) - min(b.loaded_at)) / 60, 1))::bigint AS per_minute
    FROM files
    JOIN ops.load_batches AS b USING (landing_file_id)
    WHERE b.loaded_at > now() - interval '10 minutes'
    GROUP BY parts
)
SELECT name, host, CASE WHEN is_connected THEN connected_since END AS connected_since, last_line_at,
       coalesce(per_minute, 0) AS messages_per_minute, is_connected
FROM lines
LEFT JOIN since USING (name, host)
LEFT JOIN rates USING (name, host)
ORDER BY name, host

-- name: health_prices
-- Prices of the hours of a market that are open for trading, traded periods without one, and its provider's budget as spent
WITH open AS (
    SELECT r.price_status
    FROM unnest(%(days)s::date[], %(hours)s::text[]) AS h (delivery_day, delivery_hour)
    LEFT JOIN LATERAL (
        SELECT r.price_status FROM curated.reference_prices AS r
        WHERE (r.market, r.delivery_day, r.delivery_hour) = (%(market)s, h.delivery_day, h.delivery_hour)
        LIMIT 1  -- else the whole view is computed
    ) AS r ON true
), spent AS (
    -- as provider_wait of include/pull/queries.sql counts
    SELECT CASE WHEN status IS NOT NULL THEN finished_at ELSE requested_at + interval '30 seconds' END AS until
    FROM ops.provider_requests
    WHERE provider = %(provider)s AND requested_at > now() - interval '2 hours'
)
SELECT
    (SELECT count(*) FROM open) AS open_periods,
    (SELECT count(price_status) FROM open) AS with_price,
    (SELECT count(*) FILTER (WHERE price_status = 'final') FROM open) AS final,
    (SELECT count(*) FROM ops.missing_prices WHERE market = %(market)s AND price_status = 'missing') AS missing,
    (SELECT count(*) FROM spent WHERE until > now() - interval '1 minute') AS spent_last_minute,
    (SELECT count(*) FROM spent WHERE until > now() - interval '1 hour') AS spent_last_hour

-- name: statements_standing
-- The statement that stands for each of these days, and when it was landed; NULL: none
SELECT day, f.landing_file, s.landed_at
FROM unnest(%(days)s::date[]) AS day
LEFT JOIN ops.statements AS s ON (s.market, s.statement_day) = (%(market)s, day)
LEFT JOIN ops.landing_files AS f USING (landing_file_id)
ORDER BY day

-- name: first_run
-- When a task of the market first ran
SELECT min(started_at) FROM ops.task_runs WHERE market = %(market)s

-- name: current_moment
SELECT curated.current_moment()

-- name: report_rows
-- The table of a trader for a day, or of each
SELECT *
FROM curated.pnl_hourly_as_of(%(as_of)s)
WHERE market = %(market)s AND delivery_day = %(delivery_day)s AND (%(trader_id)s IS NULL OR trader_id = %(trader_id)s)
ORDER BY delivery_start_at, delivery_hour, trader_id

-- name: report_total
SELECT * FROM curated.pnl_daily_as_of(%(as_of)s)
WHERE market = %(market)s AND delivery_day = %(delivery_day)s AND (%(trader_id)s IS NULL OR trader_id = %(trader_id)s)
ORDER BY trader_id

-- name: report_portfolio_total
SELECT * FROM curated.portfolio_pnl_daily_as_of(%(as_of)s)
WHERE market = %(market)s AND delivery_day = %(delivery_day)s
