-- The delivery periods that the trades of these batches change
INSERT INTO ops.pending_delivery_periods (delivery_day, delivery_hour, cause)
SELECT DISTINCT delivery_day, delivery_hour, 'trades'
FROM raw.trades
WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
