INSERT INTO curated.pnl_hourly (
    delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh,
    sell_mwh, net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh,
    cash_flow_eur, reference_price_eur_per_mwh, price_status, pnl_eur, realised_pnl_eur, unrealised_pnl_eur,
    performance_eur_per_mwh, capture_gap_seconds, is_complete, buy_value_eur, sell_value_eur, built_at
)
SELECT
    delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh,
    sell_mwh, net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh,
    cash_flow_eur, reference_price_eur_per_mwh, price_status, pnl_eur, realised_pnl_eur, unrealised_pnl_eur,
    performance_eur_per_mwh, capture_gap_seconds, is_complete, buy_value_eur, sell_value_eur, %(published_at)s
FROM staging.pnl_hourly
JOIN pg_temp.pnl_changes USING (delivery_day, delivery_hour, trader_id)
WHERE build_id = %(build_id)s
