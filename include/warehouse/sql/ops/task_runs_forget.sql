-- A check a minute says nothing after a day that ops.alarms does not say better
DELETE FROM ops.task_runs WHERE dag_id = 'watch_freshness' AND started_at < clock_timestamp() - interval '1 day'
