INSERT INTO raw.reference_prices (
    delivery_day, delivery_hour, price_eur_per_mwh, provider_updated_at, observed_at,
    load_batch_id, landing_file_id, line_number
)
SELECT
    delivery_day, delivery_hour, price_eur_per_mwh, provider_updated_at, observed_at,
    %(load_batch_id)s, %(landing_file_id)s, line_number
FROM pg_temp.staged_reference_prices
