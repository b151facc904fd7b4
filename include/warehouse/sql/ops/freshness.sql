-- What has to stay fresh, and when the platform first ran
SELECT thing, last_at, is_late, (SELECT min(started_at) FROM ops.task_runs) AS first_run_at
FROM ops.freshness
