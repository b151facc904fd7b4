-- The versions that are about to be replaced or removed end now
UPDATE curated.pnl_hourly_history AS h
SET valid_to = %(published_at)s
FROM pg_temp.pnl_changes AS c
WHERE (h.delivery_day, h.delivery_hour, h.trader_id) = (c.delivery_day, c.delivery_hour, c.trader_id)
  AND h.valid_to IS NULL
