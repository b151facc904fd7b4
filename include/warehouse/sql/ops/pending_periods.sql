-- Every change that waits for a build, of the given days; not of periods that a reload took rows from and that wait for
-- a decision on what was loaded instead
WITH undecided AS MATERIALIZED (
    SELECT load_batch_id FROM ops.load_batches WHERE state <> 'accepted' AND review IS NULL AND is_reload
), held AS MATERIALIZED (
    SELECT delivery_day, delivery_hour FROM raw.trades WHERE load_batch_id IN (SELECT load_batch_id FROM undecided)
    UNION
    SELECT delivery_day, delivery_hour FROM raw.reference_prices
    WHERE load_batch_id IN (SELECT load_batch_id FROM undecided)
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
