-- The traded delivery periods whose current price, by the observations of these batches, is not what PnL shows
INSERT INTO ops.pending_delivery_periods (delivery_day, delivery_hour, cause)
SELECT o.delivery_day, o.delivery_hour, 'reference_prices'
FROM (
    SELECT DISTINCT delivery_day, delivery_hour
    FROM raw.reference_prices
    WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
) AS o
LEFT JOIN LATERAL (
    SELECT r.price_eur_per_mwh, r.price_status
    FROM curated.reference_prices AS r
    WHERE r.delivery_day = o.delivery_day AND r.delivery_hour = o.delivery_hour
) AS c ON true
WHERE EXISTS (
          SELECT FROM curated.pnl_hourly AS h
          WHERE h.delivery_day = o.delivery_day AND h.delivery_hour = o.delivery_hour
            AND (h.reference_price_eur_per_mwh, h.price_status)
                IS DISTINCT FROM (c.price_eur_per_mwh, coalesce(c.price_status, 'missing')))
   OR (NOT EXISTS (
           SELECT FROM curated.pnl_hourly AS h
           WHERE h.delivery_day = o.delivery_day AND h.delivery_hour = o.delivery_hour)
       AND EXISTS (
           SELECT FROM curated.trades AS t
           WHERE t.delivery_day = o.delivery_day AND t.delivery_hour = o.delivery_hour))
