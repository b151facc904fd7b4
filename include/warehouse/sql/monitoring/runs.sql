-- The last run of each DAG that has ended, of the last two days
WITH tries AS MATERIALIZED (
    SELECT dag_id, run_id, max(started_at) AS started_at
    FROM ops.task_runs
    WHERE started_at > now() - interval '2 days'
    GROUP BY dag_id, run_id
), recent AS MATERIALIZED (
    -- a few of each, since the last ones may be under way
    SELECT dag_id, run_id
    FROM (SELECT *, row_number() OVER (PARTITION BY dag_id ORDER BY started_at DESC) AS place FROM tries) AS t
    WHERE place <= 5
)
SELECT DISTINCT ON (dag_id) dag_id, state, ended_at
FROM ops.runs
WHERE dag_id = ANY (ARRAY(SELECT dag_id FROM recent)) AND run_id = ANY (ARRAY(SELECT run_id FROM recent))
    AND state <> 'running'
ORDER BY dag_id, started_at DESC
