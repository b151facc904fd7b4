-- Takes away a file's price observations; their delivery periods are built once it is decided what the file says now
WITH lost AS (
    DELETE FROM raw.reference_prices WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
    RETURNING delivery_day, delivery_hour
)
INSERT INTO ops.pending_delivery_periods (delivery_day, delivery_hour, cause)
SELECT DISTINCT delivery_day, delivery_hour, 'reload'
FROM lost
