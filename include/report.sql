-- name: report_rows
-- the traders' table of a day: of one trader, or of the portfolio without one
SELECT
    delivery_day, delivery_hour, delivery_start_at, trade_count, buy_mwh, sell_mwh, net_position_mwh,
    average_price_eur_per_mwh, reference_price_eur_per_mwh, price_status, performance_eur_per_mwh, pnl_eur,
    capture_gap_seconds, is_complete
FROM curated.pnl_hourly
WHERE delivery_day = %(delivery_day)s AND trader_id = %(trader_id)s
UNION ALL
SELECT
    delivery_day, delivery_hour, delivery_start_at, trade_count, buy_mwh, sell_mwh, net_position_mwh,
    average_price_eur_per_mwh, reference_price_eur_per_mwh, price_status, performance_eur_per_mwh, pnl_eur,
    capture_gap_seconds, is_complete
FROM curated.portfolio_pnl_hourly
WHERE delivery_day = %(delivery_day)s AND %(trader_id)s IS NULL
ORDER BY delivery_start_at, delivery_hour

-- name: report_total
-- the totals of that table
SELECT
    trade_count, buy_mwh, sell_mwh, net_position_mwh, average_price_eur_per_mwh, price_status,
    performance_eur_per_mwh, pnl_eur, delivery_period_count, missing_price_count, incomplete_period_count
FROM curated.pnl_daily
WHERE delivery_day = %(delivery_day)s AND trader_id = %(trader_id)s
UNION ALL
SELECT
    trade_count, buy_mwh, sell_mwh, net_position_mwh, average_price_eur_per_mwh, price_status,
    performance_eur_per_mwh, pnl_eur, delivery_period_count, missing_price_count, incomplete_period_count
FROM curated.portfolio_pnl_daily
WHERE delivery_day = %(delivery_day)s AND %(trader_id)s IS NULL

-- name: report_traders
-- who traded for delivery on a day
SELECT DISTINCT trader_id FROM curated.pnl_hourly WHERE delivery_day = %(delivery_day)s ORDER BY trader_id
