-- Where a load's observations wait; lives as long as the connection
CREATE TEMPORARY TABLE IF NOT EXISTS staged_reference_prices (
    delivery_day date,
    delivery_hour text,
    price_eur_per_mwh numeric,
    provider_updated_at timestamptz,
    observed_at timestamptz,
    line_number bigint
) ON COMMIT DELETE ROWS
