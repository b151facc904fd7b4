-- What pnl_daily.sql said at a moment
SELECT
    delivery_day, trader_id, delivery_period_count, missing_price_count, trade_count, buy_mwh, sell_mwh,
    net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh, cash_flow_eur,
    price_status, performance_eur_per_mwh, pnl_eur, priced_pnl_eur, realised_pnl_eur, unrealised_pnl_eur,
    incomplete_period_count, is_complete, built_at
FROM curated.pnl_daily_as_of(%(as_of)s)
WHERE delivery_day BETWEEN %(from_day)s AND %(to_day)s AND (%(all_traders)s OR trader_id = %(trader_id)s)
UNION ALL
SELECT
    delivery_day, NULL, delivery_period_count, missing_price_count, trade_count, buy_mwh, sell_mwh,
    net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh, cash_flow_eur,
    price_status, performance_eur_per_mwh, pnl_eur, priced_pnl_eur, realised_pnl_eur, unrealised_pnl_eur,
    incomplete_period_count, is_complete, built_at
FROM curated.portfolio_pnl_daily_as_of(%(as_of)s)
WHERE delivery_day BETWEEN %(from_day)s AND %(to_day)s AND NOT %(all_traders)s AND %(trader_id)s IS NULL
ORDER BY delivery_day, trader_id
