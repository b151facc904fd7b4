-- The trades of a delivery day, the last received first
SELECT
    trade_id, trader_id, direction, price_eur_per_mwh, quantity_mw, energy_mwh, delivery_day, delivery_hour,
    delivery_start_at, delivery_end_at, executed_at, received_at
FROM curated.trades
WHERE delivery_day = %(day)s
    AND (%(hour)s IS NULL OR delivery_hour = %(hour)s)
    AND (%(trader_id)s IS NULL OR trader_id = %(trader_id)s)
ORDER BY received_at DESC, trade_id
LIMIT %(limit)s
