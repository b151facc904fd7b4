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
