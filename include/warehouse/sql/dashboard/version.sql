-- Anything that the page shows has changed when this has; a handful of looks into indexes. Publications may be committed
-- in another order than their moments, so those of the last minutes are counted as well
WITH recent AS (
    SELECT date_bin('10 minutes', now(), timestamptz 'epoch') - interval '10 minutes' AS since_at
)
SELECT
    md5(ROW(
        -- what is late depends on the clock as well
        date_trunc('minute', now()),
        (SELECT max(valid_from) FROM curated.pnl_hourly_history),
        (SELECT count(*) FROM curated.pnl_hourly_history WHERE valid_from >= (SELECT since_at FROM recent)),
        (SELECT max(valid_to) FROM curated.pnl_hourly_history WHERE valid_to IS NOT NULL),
        (SELECT count(*) FROM curated.pnl_hourly_history WHERE valid_to >= (SELECT since_at FROM recent)),
        (SELECT max(load_batch_id) FROM ops.load_batches),
        (SELECT ROW(count(*), sum(load_batch_id), count(review)) FROM ops.load_batches WHERE state <> 'accepted'),
        (SELECT ROW(count(*), max(pending_id)) FROM ops.pending_delivery_periods),
        (SELECT max(scanned_at) FROM ops.landing_scans),
        (SELECT max(validation_result_id) FROM ops.validation_results),
        (SELECT max(alarm_id) FROM ops.alarms),
        (SELECT count(*) FROM ops.alarms WHERE cleared_at IS NULL),
        (SELECT ROW(max(task_run_id), max(ended_at), count(ended_at))
         FROM (SELECT task_run_id, ended_at FROM ops.task_runs ORDER BY task_run_id DESC LIMIT 50) AS last)
    )::text) AS version,
    (SELECT min(delivery_day) FROM curated.pnl_hourly) AS first_day,
    (SELECT max(delivery_day) FROM curated.pnl_hourly) AS last_day
