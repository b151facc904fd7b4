INSERT INTO curated.pnl_hourly_history (
    delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh,
    sell_mwh, net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh,
    cash_flow_eur, reference_price_eur_per_mwh, price_status, pnl_eur, realised_pnl_eur, unrealised_pnl_eur,
    performance_eur_per_mwh, capture_gap_seconds, is_complete, buy_value_eur, sell_value_eur, built_at,
    valid_from
)
SELECT
    delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh,
    sell_mwh, net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh,
    cash_flow_eur, reference_price_eur_per_mwh, price_status, pnl_eur, realised_pnl_eur, unrealised_pnl_eur,
    performance_eur_per_mwh, capture_gap_seconds, is_complete, buy_value_eur, sell_value_eur, built_at,
    built_at
FROM curated.pnl_hourly
JOIN pg_temp.pnl_changes USING (delivery_day, delivery_hour, trader_id)
