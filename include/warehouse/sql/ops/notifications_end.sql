-- Whether a notification got there
UPDATE ops.notifications
SET ended_at = clock_timestamp(), state = %(state)s, detail = %(detail)s
WHERE notification_id = %(notification_id)s
