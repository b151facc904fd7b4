-- The trades of the batches of a validation, with what the calendar says of their delivery period; and the copies that
-- take a trade's place once their batch is accepted, unless the same content is accepted already.
-- The batches are given as bigint[]: PostgreSQL hashes such a list only if it has the column's type, and else compares
-- each row with hundreds of batches one by one.
SELECT
    t.trade_id, t.trader_id, t.direction, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day, t.delivery_hour,
    t.delivery_start_at, t.delivery_end_at, t.executed_at, t.received_at,
    t.load_batch_id, f.landing_file, t.line_number, b.loaded_at, t.is_stored,
    p.delivery_start_at AS calendar_start_at,
    p.delivery_end_at AS calendar_end_at,
    -- under the doubled label of October a trade may be for the second of its two hours
    greatest(t.delivery_start_at, p.tradable_until) AS delivery_begins_at,
    (t.delivery_start_at AT TIME ZONE %(market_timezone)s)::date AS delivery_start_day
FROM (
    SELECT s.*, true AS is_stored
    FROM raw.trades AS s
    WHERE s.load_batch_id = ANY(%(load_batch_ids)s::bigint[])
    UNION ALL
    SELECT e.*, false
    FROM staging.earlier_copies AS e
    JOIN raw.trades AS s USING (trade_id)
    JOIN ops.load_batches AS b ON b.load_batch_id = s.load_batch_id
    WHERE e.load_batch_id = ANY(%(load_batch_ids)s::bigint[])
      AND (b.state <> 'accepted'
           OR (e.trader_id, e.direction, e.price_eur_per_mwh, e.quantity_mw, e.delivery_day, e.delivery_hour, e.executed_at)
              IS DISTINCT FROM
              (s.trader_id, s.direction, s.price_eur_per_mwh, s.quantity_mw, s.delivery_day, s.delivery_hour, s.executed_at))
) AS t
LEFT JOIN ops.landing_files AS f ON f.landing_file_id = t.landing_file_id
LEFT JOIN ops.load_batches AS b ON b.load_batch_id = t.load_batch_id
LEFT JOIN raw.delivery_periods AS p ON p.delivery_day = t.delivery_day AND p.delivery_hour = t.delivery_hour
