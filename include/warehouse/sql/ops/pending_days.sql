SELECT DISTINCT delivery_day FROM ops.pending_delivery_periods ORDER BY delivery_day
