-- follow_market is a task of refresh_pnl now: the last run of a DAG that is gone must not count as lost for ever
UPDATE ops.task_runs SET dag_id = 'refresh_pnl' WHERE dag_id = 'follow_market';
-- kept for a day only; ops.alarms says the rest
DELETE FROM ops.task_runs WHERE dag_id = 'watch_freshness';
COMMENT ON TABLE ops.task_runs IS 'Every try of every task, written by the task itself when it starts and when it ends';
