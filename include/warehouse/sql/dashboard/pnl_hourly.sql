-- PnL by delivery period: of one trader, of each, or of the portfolio
SELECT
    delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh, sell_mwh,
    net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh, cash_flow_eur,
    reference_price_eur_per_mwh, price_status, performance_eur_per_mwh, pnl_eur, realised_pnl_eur,
    unrealised_pnl_eur, capture_gap_seconds, is_complete, built_at
FROM curated.pnl_hourly
WHERE delivery_day BETWEEN %(from_day)s AND %(to_day)s AND (%(all_traders)s OR trader_id = %(trader_id)s)
UNION ALL
SELECT
    delivery_day, delivery_hour, NULL, delivery_start_at, delivery_end_at, trade_count, buy_mwh, sell_mwh,
    net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh, cash_flow_eur,
    reference_price_eur_per_mwh, price_status, performance_eur_per_mwh, pnl_eur, realised_pnl_eur,
    unrealised_pnl_eur, capture_gap_seconds, is_complete, built_at
FROM curated.portfolio_pnl_hourly
WHERE delivery_day BETWEEN %(from_day)s AND %(to_day)s AND NOT %(all_traders)s AND %(trader_id)s IS NULL
ORDER BY delivery_start_at, delivery_end_at, delivery_hour, trader_id
