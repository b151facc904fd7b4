-- Every change that waits for a build, of the given days
SELECT pending_id, delivery_day, delivery_hour
FROM ops.pending_delivery_periods
WHERE delivery_day = ANY(%(delivery_days)s::date[])
