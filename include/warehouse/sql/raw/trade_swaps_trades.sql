-- The copy that was received first becomes the trade
UPDATE raw.trades AS t SET
    trader_id = s.trader_id,
    direction = s.direction,
    price_eur_per_mwh = s.price_eur_per_mwh,
    quantity_mw = s.quantity_mw,
    delivery_day = s.delivery_day,
    delivery_hour = s.delivery_hour,
    delivery_start_at = s.delivery_start_at,
    delivery_end_at = s.delivery_end_at,
    executed_at = s.executed_at,
    received_at = s.received_at,
    load_batch_id = s.load_batch_id,
    landing_file_id = s.landing_file_id,
    line_number = s.line_number
FROM pg_temp.trade_swaps AS s
WHERE t.trade_id = s.trade_id
