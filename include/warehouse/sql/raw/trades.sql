-- The staged trades that are new, in order of id: half the work of the key's index is finding the place.
-- What was there already (in the table or twice in this load) goes to known_trades.
WITH inserted AS (
    INSERT INTO raw.trades (
        trade_id, trader_id, direction, price_eur_per_mwh, quantity_mw, delivery_day, delivery_hour,
        delivery_start_at, delivery_end_at, executed_at, received_at, load_batch_id, landing_file_id, line_number
    )
    SELECT
        trade_id, trader_id, direction, price_eur_per_mwh, quantity_mw, delivery_day, delivery_hour,
        delivery_start_at, delivery_end_at, executed_at, received_at,
        %(load_batch_id)s, %(landing_file_id)s, line_number
    FROM pg_temp.staged_trades
    ORDER BY trade_id, line_number
    ON CONFLICT (trade_id) DO NOTHING
    RETURNING line_number
)
INSERT INTO pg_temp.known_trades
SELECT s.*
FROM pg_temp.staged_trades AS s
WHERE NOT EXISTS (SELECT FROM inserted AS i WHERE i.line_number = s.line_number)
