-- The delivery periods that lose the file's rows; they are built once it is decided what the file says now
INSERT INTO ops.pending_delivery_periods (delivery_day, delivery_hour, cause)
SELECT DISTINCT delivery_day, delivery_hour, 'reload'
FROM (
    SELECT delivery_day, delivery_hour FROM raw.trades WHERE load_batch_id = ANY(%(load_batch_ids)s)
    UNION ALL
    SELECT delivery_day, delivery_hour FROM raw.reference_prices WHERE load_batch_id = ANY(%(load_batch_ids)s)
) AS lost
