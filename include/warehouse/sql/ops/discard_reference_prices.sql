-- The batch's observations become rejects, each with its message as far as its row knows it
WITH discarded AS (
    DELETE FROM raw.reference_prices WHERE load_batch_id = %(load_batch_id)s RETURNING *
)
INSERT INTO ops.rejected_messages (
    landing_file_id, line_number, load_batch_id, source, reason_code, detail, raw, received_at
)
SELECT
    landing_file_id, line_number, load_batch_id, 'reference_prices', %(reason_code)s, %(detail)s,
    json_build_object(
        'delivery_day', delivery_day, 'delivery_hour', delivery_hour, 'value', price_eur_per_mwh,
        'last_update', provider_updated_at),
    observed_at
FROM discarded
