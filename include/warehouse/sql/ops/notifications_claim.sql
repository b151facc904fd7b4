-- Takes the channels on which something is to be said now: not where it was said already, or is being said
INSERT INTO ops.notifications (about, channel, title)
SELECT %(about)s, channel, %(title)s
FROM unnest(%(channels)s::text[]) AS channel
WHERE NOT EXISTS (
    SELECT FROM ops.notifications AS n
    WHERE n.about = %(about)s AND n.channel = channel
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
