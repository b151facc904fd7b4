-- who traded for delivery on a day
SELECT DISTINCT trader_id FROM curated.pnl_hourly WHERE delivery_day = %(delivery_day)s ORDER BY trader_id
