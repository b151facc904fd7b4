-- The price observations of the batches of a validation, with what the calendar says of their delivery period
SELECT
    r.delivery_day, r.delivery_hour, r.price_eur_per_mwh, r.provider_updated_at, r.observed_at,
    r.load_batch_id, f.landing_file, r.line_number, b.loaded_at, true AS is_stored,
    p.delivery_start_at AS calendar_start_at,
    p.tradable_from,
    r.observed_at >= p.price_final_from AS is_final
FROM raw.reference_prices AS r
LEFT JOIN ops.landing_files AS f ON f.landing_file_id = r.landing_file_id
LEFT JOIN ops.load_batches AS b ON b.load_batch_id = r.load_batch_id
LEFT JOIN raw.delivery_periods AS p ON p.delivery_day = r.delivery_day AND p.delivery_hour = r.delivery_hour
WHERE r.load_batch_id = ANY(%(load_batch_ids)s::bigint[])
