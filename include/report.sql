-- name: report_rows
-- The table of a trader for a day
SELECT *
FROM curated.pnl_hourly
WHERE delivery_day = %(delivery_day)s AND trader_id = %(trader_id)s
ORDER BY delivery_start_at, delivery_hour

-- name: report_total
SELECT * FROM curated.pnl_daily WHERE delivery_day = %(delivery_day)s AND trader_id = %(trader_id)s

-- name: report_portfolio_rows
-- The table of the portfolio for a day
SELECT *
FROM curated.portfolio_pnl_hourly
WHERE delivery_day = %(delivery_day)s
ORDER BY delivery_start_at, delivery_hour

-- name: report_portfolio_total
SELECT * FROM curated.portfolio_pnl_daily WHERE delivery_day = %(delivery_day)s

-- name: report_traders
-- Who traded for delivery on a day
SELECT DISTINCT trader_id FROM curated.pnl_hourly WHERE delivery_day = %(delivery_day)s ORDER BY trader_id
