-- Alarms that are on, and those whose end people who heard of them should hear of; who was told, notifications_claim knows
SELECT alarm_id, alarm, since_at, raised_at, cleared_at, detail
FROM ops.alarms AS a
WHERE cleared_at IS NULL
    OR (cleared_at > clock_timestamp() - interval '1 hour'
        AND EXISTS (SELECT FROM ops.notifications AS n
                    WHERE n.about = format('alarm %%s raised', a.alarm_id) AND n.state = 'sent'))
ORDER BY alarm_id
