-- How a try of a task ended
UPDATE ops.task_runs
SET ended_at = %(ended_at)s, state = %(state)s, error = %(error)s, summary = %(summary)s,
    window_start_at = %(window_start_at)s, window_end_at = %(window_end_at)s
WHERE task_run_id = %(task_run_id)s
