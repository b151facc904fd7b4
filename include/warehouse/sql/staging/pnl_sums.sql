-- The sums of a build, a row a direction: the only pass over the trades.
-- A table of its own, because PostgreSQL uses all cores for CREATE TABLE AS, but not for INSERT.
CREATE TEMPORARY TABLE pnl_sums ON COMMIT DROP AS
SELECT
    t.delivery_day,
    t.delivery_hour,
    t.trader_id,
    t.direction,
    count(*) AS trade_count,
    sum(t.quantity_mw) AS quantity_mw,
    sum(t.quantity_mw * t.price_eur_per_mwh) AS value_eur_per_hour
FROM raw.trades AS t
WHERE (t.delivery_day, t.delivery_hour) IN (
          SELECT * FROM unnest(%(delivery_days)s::date[], %(delivery_hours)s::text[]))
  AND t.load_batch_id NOT IN (SELECT load_batch_id FROM ops.load_batches WHERE state <> 'accepted')
GROUP BY t.delivery_day, t.delivery_hour, t.trader_id, t.direction
