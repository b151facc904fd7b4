-- Of the known trades, the copies that were received before the stored one: each takes its place once its batch counts
INSERT INTO staging.earlier_copies (
    trade_id, trader_id, direction, price_eur_per_mwh, quantity_mw, delivery_day, delivery_hour, delivery_start_at,
    delivery_end_at, executed_at, received_at, load_batch_id, landing_file_id, line_number
)
SELECT
    k.trade_id, k.trader_id, k.direction, k.price_eur_per_mwh, k.quantity_mw, k.delivery_day, k.delivery_hour,
    k.delivery_start_at, k.delivery_end_at, k.executed_at, k.received_at, k.load_batch_id, k.landing_file_id, k.line_number
FROM pg_temp.known_trades AS k
JOIN raw.trades AS t USING (trade_id)
JOIN ops.landing_files AS f ON f.landing_file_id = t.landing_file_id
WHERE (k.received_at, %(landing_file)s COLLATE "C", k.line_number)
    < (t.received_at, f.landing_file COLLATE "C", t.line_number)
