-- Where a copy with other content gave way, the delivery period that it was in changes as well
INSERT INTO ops.pending_delivery_periods (delivery_day, delivery_hour, cause)
SELECT DISTINCT old_delivery_day, old_delivery_hour, 'trades'
FROM pg_temp.trade_swaps
WHERE is_conflict
