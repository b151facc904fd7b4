-- name: first_run
-- When the platform first ran
SELECT min(started_at) FROM ops.task_runs

-- name: late
-- What is late and raises an alarm
SELECT last_at, limit_seconds, meaning, alarm, page_code, page_text
FROM ops.freshness
WHERE is_late AND alarm IS NOT NULL

-- name: unreviewed
-- Messages that wait for a person's decision
SELECT problem, count(*) AS message_count, min(received_at) AS since_at, string_agg(DISTINCT reason, '; ') AS reasons
FROM ops.review_queue
GROUP BY problem
ORDER BY problem

-- name: new_fields
-- Fields of trades that were first received after a moment
SELECT name, message_count, first_seen_at
FROM ops.unknown_fields
WHERE first_seen_at > %(since)s
ORDER BY first_seen_at, name
LIMIT 10

-- name: alarms_raise
-- Raises an alarm; one that is on says what is the matter by now
INSERT INTO ops.alarms (alarm, since_at, detail, page_code, page_text, severity)
VALUES (%(alarm)s, %(since_at)s, %(detail)s, %(page_code)s, %(page_text)s, %(severity)s)
ON CONFLICT (alarm) WHERE cleared_at IS NULL DO UPDATE SET
    detail = excluded.detail, page_code = excluded.page_code, page_text = excluded.page_text, severity = excluded.severity
WHERE (alarms.detail, alarms.page_code, alarms.page_text, alarms.severity)
      IS DISTINCT FROM (excluded.detail, excluded.page_code, excluded.page_text, excluded.severity)

-- name: alarms_clear
-- Clears every alarm that is on and not among these
UPDATE ops.alarms SET cleared_at = clock_timestamp() WHERE cleared_at IS NULL AND alarm <> ALL(%(alarms)s::text[])

-- name: alarms_to_tell
-- Alarms that are on, and those whose end people who heard of them should hear of; who was told, notifications_claim knows
SELECT alarm_id, alarm, severity, since_at, raised_at, cleared_at, detail
FROM ops.alarms AS a
WHERE cleared_at IS NULL
    OR (cleared_at > clock_timestamp() - interval '1 hour'
        AND EXISTS (SELECT FROM ops.notifications AS n
                    WHERE n.about = format('alarm %%s raised', a.alarm_id) AND n.state = 'sent'))
ORDER BY alarm_id
