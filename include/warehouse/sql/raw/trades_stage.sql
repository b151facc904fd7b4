-- Where a load's rows wait until it is known which of them are new; lives as long as the connection
CREATE TEMPORARY TABLE IF NOT EXISTS staged_trades (
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
    line_number bigint
) ON COMMIT DELETE ROWS;

CREATE TEMPORARY TABLE IF NOT EXISTS known_trades (LIKE staged_trades) ON COMMIT DELETE ROWS;
