DELETE FROM curated.pnl_hourly AS p
USING pg_temp.pnl_changes AS c
WHERE (p.delivery_day, p.delivery_hour, p.trader_id) = (c.delivery_day, c.delivery_hour, c.trader_id)
