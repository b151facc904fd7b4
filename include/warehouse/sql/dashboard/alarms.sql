-- Alarms that are on, the oldest first
SELECT alarm, since_at, raised_at, detail FROM ops.alarms WHERE cleared_at IS NULL ORDER BY since_at
