-- The last runs; of the look each minute only those that found something
WITH recent AS MATERIALIZED (
    SELECT dag_id, run_id
    FROM ops.task_runs
    WHERE started_at > now() - interval '1 day' AND (dag_id <> 'watch_freshness' OR state <> 'success')
    ORDER BY started_at DESC
    LIMIT 300
)
SELECT dag_id, run_id, state, started_at, ended_at, window_start_at, window_end_at, error
FROM ops.runs
WHERE dag_id = ANY (ARRAY(SELECT dag_id FROM recent)) AND run_id = ANY (ARRAY(SELECT run_id FROM recent))
ORDER BY started_at DESC
LIMIT 30
