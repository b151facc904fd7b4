-- Queries of include/health: tries of tasks, and notifications

-- name: task_runs_begin
-- A try of a task, as it begins or, if that could not be written then, as it ended
INSERT INTO ops.task_runs (
    market, dag_id, run_id, task_id, try_number, run_type, window_start_at, window_end_at, started_at, ended_at, state, error,
    summary, longest_seconds, dag_task_count
)
VALUES (
    %(market)s, %(dag_id)s, %(run_id)s, %(task_id)s, %(try_number)s, %(run_type)s, %(window_start_at)s, %(window_end_at)s,
    %(started_at)s, %(ended_at)s, %(state)s, %(error)s, %(summary)s, %(longest_seconds)s, %(dag_task_count)s
)
RETURNING task_run_id

-- name: task_runs_end
-- How a try of a task ended
UPDATE ops.task_runs
SET ended_at = %(ended_at)s, state = %(state)s, error = %(error)s, summary = %(summary)s,
    window_start_at = %(window_start_at)s, window_end_at = %(window_end_at)s
WHERE task_run_id = %(task_run_id)s

-- name: notifications_claim
-- Takes the channels on which something is to be said now: not where it was said already, or is being said
INSERT INTO ops.notifications (about, channel, title)
SELECT %(about)s, wanted.channel, %(title)s
FROM unnest(%(channels)s::text[]) AS wanted (channel)
WHERE NOT EXISTS (
    SELECT FROM ops.notifications AS n
    WHERE n.about = %(about)s AND n.channel = wanted.channel
        AND CASE n.state
            -- said: again only after a while, or when the task was well in between
            WHEN 'sent' THEN
                (%(repeat_seconds)s IS NULL
                 OR n.started_at > clock_timestamp() - %(repeat_seconds)s * interval '1 second')
                AND NOT EXISTS (
                    SELECT FROM ops.task_runs AS t
                    WHERE t.dag_id = %(dag_id)s AND t.task_id = %(task_id)s
                        AND t.state = 'success' AND t.ended_at > n.started_at)
            -- the receiver was down: it is not asked again and again
            WHEN 'failed' THEN n.started_at > clock_timestamp() - interval '5 minutes'
            -- under way, unless whoever sent it was killed
            ELSE n.started_at > clock_timestamp() - interval '1 minute'
        END
)
RETURNING channel, notification_id

-- name: notifications_end
-- Whether a notification got there
UPDATE ops.notifications
SET ended_at = clock_timestamp(), state = %(state)s, detail = %(detail)s
WHERE notification_id = %(notification_id)s

-- name: notifications_sent
-- The channels that have taken a notification
SELECT DISTINCT channel FROM ops.notifications WHERE about = %(about)s AND state = 'sent'
