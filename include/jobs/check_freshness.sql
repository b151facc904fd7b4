-- name: first_run
-- When the platform first ran
SELECT min(started_at) FROM ops.task_runs

-- name: late
-- What is late and raises an alarm
SELECT last_at, limit_seconds, meaning, alarm, page_code, page_text
FROM ops.freshness
WHERE is_late AND alarm IS NOT NULL

-- name: alarms_raise
-- Raises an alarm that is not on; one that an earlier version raised gets the words for the page
INSERT INTO ops.alarms (alarm, since_at, detail, page_code, page_text)
VALUES (%(alarm)s, %(since_at)s, %(detail)s, %(page_code)s, %(page_text)s)
ON CONFLICT (alarm) WHERE cleared_at IS NULL
DO UPDATE SET page_code = excluded.page_code, page_text = excluded.page_text
WHERE (alarms.page_code, alarms.page_text) IS DISTINCT FROM (excluded.page_code, excluded.page_text)

-- name: alarms_clear
-- Clears every alarm that is on and not among these
UPDATE ops.alarms SET cleared_at = clock_timestamp() WHERE cleared_at IS NULL AND alarm <> ALL(%(alarms)s::text[])

-- name: alarms_to_tell
-- Alarms that are on, and those whose end people who heard of them should hear of; who was told, notifications_claim knows
SELECT alarm_id, alarm, since_at, raised_at, cleared_at, detail
FROM ops.alarms AS a
WHERE cleared_at IS NULL
    OR (cleared_at > clock_timestamp() - interval '1 hour'
        AND EXISTS (SELECT FROM ops.notifications AS n
                    WHERE n.about = format('alarm %%s raised', a.alarm_id) AND n.state = 'sent'))
ORDER BY alarm_id
