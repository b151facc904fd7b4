-- What publishing a build would change: rows that are new, differ, or have no trades any more
CREATE TEMPORARY TABLE pnl_changes ON COMMIT DROP AS
WITH built AS (
    SELECT * FROM staging.pnl_hourly WHERE build_id = %(build_id)s
), shown AS (
    SELECT p.*
    FROM unnest(%(delivery_days)s::date[], %(delivery_hours)s::text[]) AS w (delivery_day, delivery_hour)
    JOIN curated.pnl_hourly AS p USING (delivery_day, delivery_hour)
)
SELECT delivery_day, delivery_hour, trader_id, b.build_id IS NOT NULL AS is_built
FROM built AS b
FULL JOIN shown AS s USING (delivery_day, delivery_hour, trader_id)
WHERE (
    b.delivery_start_at, b.delivery_end_at, b.trade_count, b.buy_mwh, b.sell_mwh, b.net_position_mwh,
    b.buy_vwap_eur_per_mwh, b.sell_vwap_eur_per_mwh, b.average_price_eur_per_mwh, b.cash_flow_eur,
    b.reference_price_eur_per_mwh, b.price_status, b.pnl_eur, b.realised_pnl_eur, b.unrealised_pnl_eur,
    b.performance_eur_per_mwh, b.capture_gap_seconds, b.is_complete, b.buy_value_eur, b.sell_value_eur
) IS DISTINCT FROM (
    s.delivery_start_at, s.delivery_end_at, s.trade_count, s.buy_mwh, s.sell_mwh, s.net_position_mwh,
    s.buy_vwap_eur_per_mwh, s.sell_vwap_eur_per_mwh, s.average_price_eur_per_mwh, s.cash_flow_eur,
    s.reference_price_eur_per_mwh, s.price_status, s.pnl_eur, s.realised_pnl_eur, s.unrealised_pnl_eur,
    s.performance_eur_per_mwh, s.capture_gap_seconds, s.is_complete, s.buy_value_eur, s.sell_value_eur
)
