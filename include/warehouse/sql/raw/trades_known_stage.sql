-- Where a load keeps the trades that were loaded before, until it is known whether they say the same
CREATE TEMPORARY TABLE IF NOT EXISTS known_trades (
    trade_id text COLLATE "C",
    trader_id text,
    direction text,
    price_eur_per_mwh numeric,
    quantity_mw numeric,
    delivery_day date,
    delivery_hour text,
    delivery_start_at timestamptz,
    delivery_end_at timestamptz,
    executed_at timestamptz,
    received_at timestamptz,
    line_number bigint,
    load_batch_id bigint,
    landing_file_id bigint
) ON COMMIT DELETE ROWS
