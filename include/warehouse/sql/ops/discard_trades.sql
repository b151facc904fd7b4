-- The batch's trades become rejects, each with its message as far as its row knows it
WITH discarded AS (
    DELETE FROM raw.trades WHERE load_batch_id = %(load_batch_id)s RETURNING *
)
INSERT INTO ops.rejected_messages (
    landing_file_id, line_number, load_batch_id, source, reason_code, detail, raw, received_at
)
SELECT
    landing_file_id, line_number, load_batch_id, 'trades', %(reason_code)s, %(detail)s,
    json_build_object('deal_confirmation', json_build_object(
        'id', trade_id, 'price', price_eur_per_mwh, 'quantity', quantity_mw, 'direction', direction,
        'delivery_day', delivery_day, 'delivery_hour', delivery_hour, 'trader_id', trader_id,
        'execution_time', executed_at)),
    received_at
FROM discarded
