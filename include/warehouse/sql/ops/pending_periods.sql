-- Every change that waits for a build, of the given days; not of periods that a reload took rows from and that wait for
-- a decision on what was loaded instead
WITH undecided AS MATERIALIZED (
    SELECT array_agg(load_batch_id) AS load_batch_ids
    FROM ops.load_batches
    WHERE state <> 'accepted' AND review IS NULL AND is_reload
), held AS MATERIALIZED (
    -- an array, so that the index on the batch is used
    SELECT delivery_day, delivery_hour FROM raw.trades
    WHERE load_batch_id = ANY((SELECT load_batch_ids FROM undecided)::bigint[])
    UNION
    SELECT delivery_day, delivery_hour FROM raw.reference_prices
    WHERE load_batch_id = ANY((SELECT load_batch_ids FROM undecided)::bigint[])
)
SELECT pending_id, delivery_day, delivery_hour
FROM ops.pending_delivery_periods
WHERE delivery_day = ANY(%(delivery_days)s::date[])
  AND (delivery_day, delivery_hour) NOT IN (SELECT delivery_day, delivery_hour FROM held)
UNION ALL
-- of a rebuild: every other period that is known
SELECT NULL, delivery_day, delivery_hour
FROM raw.delivery_periods
WHERE %(is_whole)s AND delivery_day = ANY(%(delivery_days)s::date[])
  AND (delivery_day, delivery_hour) NOT IN (SELECT delivery_day, delivery_hour FROM held)
