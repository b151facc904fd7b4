-- Queries of include/load/copies.py: which copy of a trade counts

-- name: trade_conflicts
-- The copies in a batch whose content is not that of the stored copy; the others are plain duplicates
SELECT
    line_number,
    format('trade %%s has other content in %%s, line %%s, which counts', trade_id, stored_landing_file, stored_line_number)
FROM staging.compared_copies
WHERE load_batch_id = %(load_batch_id)s AND is_other_content
ORDER BY line_number

-- name: clear_checked_copies
DELETE FROM staging.checked_copies

-- name: checked_copies
-- The copies in these batches that would count if all of these batches were accepted and no other
INSERT INTO staging.checked_copies
SELECT (copy).*
FROM staging.compared_copies
WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
  AND (is_other_content AND is_earlier
       OR NOT is_stored_accepted AND (stored_load_batch_id = ANY(%(load_batch_ids)s::bigint[])) IS NOT TRUE)

-- name: replacements
-- Of the copies in these accepted batches, those that count instead of the stored copy of their trade: it is in a batch
-- that is not accepted, or there is none any more, or it says something else and was received later
CREATE TEMPORARY TABLE replacements ON COMMIT DROP AS
SELECT DISTINCT ON (trade_id) *
FROM staging.compared_copies
WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[]) AND (NOT is_stored_accepted OR is_other_content AND is_earlier)
ORDER BY trade_id, received_at, landing_file COLLATE "C", line_number

-- name: contested_trades
-- The accepted trades that a copy with other content would replace, with their content, and the time from which equal
-- copies are searched for: times of execution are known to be wrong by hours
SELECT
    r.trade_id, r.received_at, r.landing_file, r.line_number,
    least(p.tradable_from, t.executed_at, r.received_at) - interval '1 day' AS search_from_at,
    t.trader_id, t.direction, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day, t.delivery_hour, t.executed_at
FROM pg_temp.replacements AS r
JOIN raw.trades AS t ON t.trade_id = r.trade_id
JOIN raw.delivery_periods AS p ON p.delivery_day = t.delivery_day AND p.delivery_hour = t.delivery_hour
WHERE r.is_stored_accepted

-- name: batches_with_duplicates
-- The accepted batches whose files may hold further copies of trades, received in a span of time, and the lines before each
SELECT landing_file, from_bytes, to_bytes, lines_before
FROM (
    SELECT
        f.landing_file, b.from_bytes, b.to_bytes, b.state, b.duplicate_count,
        sum(b.line_count) OVER (PARTITION BY b.landing_file_id ORDER BY b.from_bytes)::bigint - b.line_count AS lines_before
    FROM ops.load_batches AS b
    JOIN ops.landing_files AS f USING (landing_file_id)
    WHERE b.source = 'trades'
      AND least(f.hour_start_at, f.first_received_at) <= %(until_at)s
      AND greatest(f.hour_start_at + interval '1 hour', f.last_received_at) >= %(from_at)s
) AS batches
WHERE state = 'accepted' AND duplicate_count > 0

-- name: keep_stored
DELETE FROM pg_temp.replacements WHERE trade_id = ANY(%(trade_ids)s::text[])

-- name: reject_replaced
-- A trade that says something else than the copy that replaces it becomes a reject
INSERT INTO ops.rejected_messages (
    landing_file_id, line_number, load_batch_id, source, reason_code, detail, raw, received_at
)
SELECT
    t.landing_file_id, t.line_number, t.load_batch_id, 'trades', %(reason_code)s,
    format('trade %%s has other content in %%s, line %%s, which counts'
           ' (rebuilt from the row; the landing file has the message verbatim)', t.trade_id, r.landing_file, r.line_number),
    staging.trade_message(t), t.received_at
FROM pg_temp.replacements AS r
JOIN raw.trades AS t ON t.trade_id = r.trade_id
WHERE r.is_other_content

-- name: pending_replaced
-- The delivery period that a replaced trade was in may be another one than that of the copy that counts
INSERT INTO ops.pending_delivery_periods (delivery_day, delivery_hour, cause)
SELECT DISTINCT t.delivery_day, t.delivery_hour, 'trades'
FROM pg_temp.replacements AS r
JOIN raw.trades AS t ON t.trade_id = r.trade_id

-- name: wait_replaced
-- A trade of a batch that is not accepted may count again once it is
INSERT INTO staging.trade_copies
SELECT t.*
FROM pg_temp.replacements AS r
JOIN raw.trades AS t ON t.trade_id = r.trade_id
WHERE NOT r.is_stored_accepted

-- name: delete_replaced
DELETE FROM raw.trades AS t USING pg_temp.replacements AS r WHERE t.trade_id = r.trade_id

-- name: insert_replacements
INSERT INTO raw.trades SELECT (copy).* FROM pg_temp.replacements

-- name: accept_rejected
-- A copy that counts is no reject any more
DELETE FROM ops.rejected_messages AS m
USING pg_temp.replacements AS r
WHERE m.landing_file_id = (r.copy).landing_file_id AND m.line_number = r.line_number

-- name: replaced_batches
SELECT load_batch_id FROM pg_temp.replacements
UNION
SELECT stored_load_batch_id FROM pg_temp.replacements WHERE stored_load_batch_id IS NOT NULL

-- name: recount_batches
-- The counts of batches whose rows changed after they were loaded, from the tables
UPDATE ops.load_batches AS counted SET
    loaded_count = coalesce(t.rows, 0) + coalesce(p.rows, 0),
    rejected_count = coalesce(m.rows, 0),
    duplicate_count = counted.line_count - counted.event_count
        - coalesce(t.rows, 0) - coalesce(p.rows, 0) - coalesce(m.rows, 0)
FROM unnest(%(load_batch_ids)s::bigint[]) AS b (load_batch_id)
LEFT JOIN (
    SELECT load_batch_id, count(*) AS rows FROM raw.trades
    WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[]) GROUP BY load_batch_id
) AS t USING (load_batch_id)
LEFT JOIN (
    SELECT load_batch_id, count(*) AS rows FROM raw.reference_prices
    WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[]) GROUP BY load_batch_id
) AS p USING (load_batch_id)
LEFT JOIN (
    SELECT load_batch_id, count(*) AS rows FROM ops.rejected_messages
    WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[]) GROUP BY load_batch_id
) AS m USING (load_batch_id)
WHERE counted.load_batch_id = b.load_batch_id

-- name: recount_files
-- The counts of these batches' files: the sums of all their batches
UPDATE ops.landing_files AS counted SET
    loaded_count = b.loaded_count, duplicate_count = b.duplicate_count, rejected_count = b.rejected_count
FROM (
    SELECT landing_file_id, sum(loaded_count) AS loaded_count, sum(duplicate_count) AS duplicate_count,
           sum(rejected_count) AS rejected_count
    FROM ops.load_batches
    GROUP BY landing_file_id
) AS b
WHERE counted.landing_file_id = b.landing_file_id AND counted.landing_file_id IN (
    SELECT landing_file_id FROM ops.load_batches WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[]))

-- name: forget_copies
DELETE FROM staging.trade_copies WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
