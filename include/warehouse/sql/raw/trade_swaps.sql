-- Trades of which these batches hold a copy that was received before the stored one: both copies, side by side
CREATE TEMPORARY TABLE trade_swaps ON COMMIT DROP AS
SELECT
    e.*,
    t.load_batch_id AS old_load_batch_id,
    t.landing_file_id AS old_landing_file_id,
    t.line_number AS old_line_number,
    t.received_at AS old_received_at,
    t.delivery_day AS old_delivery_day,
    t.delivery_hour AS old_delivery_hour,
    json_build_object('deal_confirmation', json_build_object(
        'id', t.trade_id, 'price', t.price_eur_per_mwh, 'quantity', t.quantity_mw, 'direction', t.direction,
        'delivery_day', t.delivery_day, 'delivery_hour', t.delivery_hour, 'trader_id', t.trader_id,
        'execution_time', t.executed_at)) AS old_raw,
    (e.trader_id, e.direction, e.price_eur_per_mwh, e.quantity_mw, e.delivery_day, e.delivery_hour, e.executed_at)
    IS DISTINCT FROM
    (t.trader_id, t.direction, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day, t.delivery_hour, t.executed_at)
        AS is_conflict
FROM (
    SELECT DISTINCT ON (c.trade_id) c.*, f.landing_file
    FROM staging.earlier_copies AS c
    JOIN ops.landing_files AS f USING (landing_file_id)
    WHERE c.load_batch_id = ANY(%(load_batch_ids)s::bigint[])
    ORDER BY c.trade_id, c.received_at, f.landing_file COLLATE "C", c.line_number
) AS e
JOIN raw.trades AS t USING (trade_id)
JOIN ops.landing_files AS f ON f.landing_file_id = t.landing_file_id
WHERE (e.received_at, e.landing_file COLLATE "C", e.line_number)
    < (t.received_at, f.landing_file COLLATE "C", t.line_number)
