-- A try of a task, as it begins or, if that could not be written then, as it ended
INSERT INTO ops.task_runs (
    dag_id, run_id, task_id, try_number, run_type, window_start_at, window_end_at, started_at, ended_at, state, error,
    summary, longest_seconds, dag_task_count
)
VALUES (
    %(dag_id)s, %(run_id)s, %(task_id)s, %(try_number)s, %(run_type)s, %(window_start_at)s, %(window_end_at)s,
    %(started_at)s, %(ended_at)s, %(state)s, %(error)s, %(summary)s, %(longest_seconds)s, %(dag_task_count)s
)
RETURNING task_run_id
