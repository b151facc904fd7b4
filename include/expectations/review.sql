-- name: validation_blocked
-- The blocked batches that nobody has decided on, each with what the validation that blocked it found broken
SELECT
    b.load_batch_id, b.source, f.landing_file, b.loaded_count, b.rejected_count, b.validated_at,
    (SELECT array_agg(r.expectation || ': ' || r.detail ORDER BY r.validation_result_id)
     FROM ops.validation_results AS r
     WHERE NOT r.is_success AND r.severity = 'critical'
       AND r.validation_id = (SELECT l.validation_id FROM ops.validation_results AS l
                              WHERE l.suite = b.source AND b.load_batch_id = ANY(l.load_batch_ids)
                              ORDER BY l.validation_result_id DESC LIMIT 1)) AS broken
FROM ops.load_batches AS b
JOIN ops.landing_files AS f USING (landing_file_id)
WHERE b.state = 'blocked' AND b.review IS NULL
ORDER BY b.load_batch_id

-- name: block_review
-- The batch that an engineer decides on and its file, locked until the decision commits
SELECT b.source, b.state, b.review
FROM ops.landing_files AS f
JOIN ops.load_batches AS b USING (landing_file_id)
WHERE b.load_batch_id = %(load_batch_id)s
FOR UPDATE

-- name: accept_blocked_batch
UPDATE ops.load_batches SET
    state = 'accepted',
    review = 'accepted',
    review_reason = %(reason)s,
    reviewed_at = clock_timestamp()
WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[]) AND state = 'blocked'

-- name: discard_trades
-- The batch's trades become rejects, each with its message as far as its row knows it
WITH discarded AS (
    DELETE FROM raw.trades AS t WHERE load_batch_id = %(load_batch_id)s RETURNING t
)
INSERT INTO ops.rejected_messages (
    landing_file_id, line_number, load_batch_id, source, reason_code, detail, raw, received_at
)
SELECT
    (t).landing_file_id, (t).line_number, (t).load_batch_id, 'trades', %(reason_code)s, %(detail)s,
    staging.trade_message(t), (t).received_at
FROM discarded

-- name: discard_reference_prices
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

-- name: discard_batch
UPDATE ops.load_batches SET review = 'discarded', review_reason = %(reason)s, reviewed_at = clock_timestamp()
WHERE load_batch_id = %(load_batch_id)s
