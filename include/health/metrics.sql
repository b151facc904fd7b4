-- Queries of include/health: read-only, as analyst

-- name: statement_timeout_of_transaction
SELECT set_config('statement_timeout', %(timeout)s, true)

-- name: lines
-- Every captured line, by source and by what became of it
SELECT source, sum(loaded_count)::bigint AS loaded, sum(duplicate_count)::bigint AS duplicate,
       sum(rejected_count)::bigint AS rejected, sum(event_count)::bigint AS event
FROM ops.landing_files
WHERE market = %(market)s
GROUP BY source

-- name: lines_last_hour
-- The lines that were loaded within the last hour, by source and by what became of them; a reload is no news
SELECT b.source, sum(b.loaded_count)::bigint AS loaded, sum(b.duplicate_count)::bigint AS duplicate,
       sum(b.rejected_count)::bigint AS rejected, sum(b.event_count)::bigint AS event
FROM ops.load_batches AS b
JOIN ops.landing_files AS f USING (landing_file_id)
WHERE f.market = %(market)s AND b.loaded_at > now() - interval '1 hour' AND NOT b.is_reload
GROUP BY b.source

-- name: landing_offsets
-- How far each landing file of the last hours is loaded
SELECT landing_file, loaded_bytes
FROM ops.landing_files
WHERE hour_start_at >= %(from_at)s

-- name: rejects
-- What was refused, by source and reason
SELECT source, reason_code, count(*) AS count
FROM ops.rejected_messages
WHERE market = %(market)s
GROUP BY source, reason_code

-- name: newest_trade
-- When the newest trade that counts was received; by the last batches with trades of the last hours of receipt, since
-- received_at has no index. Times in the future were written while a clock was ahead, and all of this hour's may be such
WITH loads AS NOT MATERIALIZED (
    SELECT f.hour_start_at, b.load_batch_id
    FROM ops.load_batches AS b
    JOIN ops.landing_files AS f USING (landing_file_id)
    WHERE f.market = %(market)s AND b.source = 'trades' AND b.loaded_count > 0 AND b.state = 'accepted'
)
SELECT max(received_at) AS received_at
FROM curated.trades
WHERE received_at <= now() + interval '30 seconds' AND load_batch_id = ANY (ARRAY(
    (SELECT load_batch_id FROM loads
     WHERE hour_start_at > now() - interval '1 hour' AND hour_start_at <= now() + interval '30 seconds'
     ORDER BY hour_start_at DESC, load_batch_id DESC LIMIT 4)
    UNION ALL
    (SELECT load_batch_id FROM loads
     WHERE hour_start_at <= now() - interval '1 hour'
     ORDER BY hour_start_at DESC, load_batch_id DESC LIMIT 4)
))

-- name: progress
-- What waits for a build, and when PnL last changed
SELECT
    (SELECT count(*) FROM (SELECT DISTINCT delivery_day, delivery_hour FROM ops.pending_delivery_periods
                           WHERE market = %(market)s) AS p) AS pending_periods,
    (SELECT max(valid_from) FROM curated.pnl_hourly_history WHERE market = %(market)s) AS published_at

-- name: requests
-- How many requests the providers ever got, for all markets together: old ones are deleted
SELECT max(provider_request_id) AS provider_requests FROM ops.provider_requests

-- name: unreviewed
-- What waits for a review
SELECT p.problem, count(q.problem) AS count
FROM unnest(ARRAY['quarantined', 'rejected']) AS p (problem)
LEFT JOIN ops.review_queue AS q ON q.problem = p.problem AND q.market = %(market)s
GROUP BY p.problem

-- name: provider
-- Whether the provider answers
SELECT EXISTS (SELECT FROM ops.troubles WHERE market = %(market)s AND code = 'provider_down') AS is_down

-- name: freshness
-- What has to stay fresh: when it last was, how old it may be, and whether it is late
SELECT thing, last_at, limit_seconds, is_late FROM ops.freshness WHERE market = %(market)s

-- name: runs
-- The last run of each DAG that has ended, of the last two days; one that failed only because an alarm is on did its work
WITH tries AS MATERIALIZED (
    SELECT dag_id, run_id, max(started_at) AS started_at
    FROM ops.task_runs
    WHERE market = %(market)s AND started_at > now() - interval '2 days'
    GROUP BY dag_id, run_id
), recent AS MATERIALIZED (
    -- a few of each, since the last ones may be under way
    SELECT dag_id, run_id
    FROM (SELECT *, row_number() OVER (PARTITION BY dag_id ORDER BY started_at DESC) AS place FROM tries) AS t
    WHERE place <= 5
)
SELECT DISTINCT ON (dag_id)
    dag_id, CASE WHEN failed_tasks = '{check_freshness}' THEN 'success' ELSE state END AS state, ended_at
FROM ops.runs
WHERE dag_id = ANY (ARRAY(SELECT dag_id FROM recent)) AND run_id = ANY (ARRAY(SELECT run_id FROM recent))
    AND state <> 'running'
ORDER BY dag_id, started_at DESC
