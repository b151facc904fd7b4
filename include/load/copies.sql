-- Queries of include/load/copies.py: which copy of a trade counts

-- name: trade_conflicts
-- The copies in a batch whose content is not that of the stored copy. The others are plain duplicates: they are forgotten
WITH compared AS MATERIALIZED (
    SELECT landing_file_id, line_number, trade_id, stored_landing_file, stored_line_number, is_other_content
    FROM staging.compared_copies
    WHERE load_batch_id = %(load_batch_id)s
), forgotten AS (
    DELETE FROM staging.trade_copies AS c USING compared AS d
    WHERE (c.landing_file_id, c.line_number) = (d.landing_file_id, d.line_number) AND NOT d.is_other_content
)
SELECT
    line_number,
    format('trade %%s has other content in %%s, line %%s, which counts', trade_id, stored_landing_file, stored_line_number)
FROM compared
WHERE is_other_content
ORDER BY line_number

-- name: replacements
-- The copies in these batches that count instead of the stored copy of their revision: received earlier, other content
CREATE TEMPORARY TABLE replacements ON COMMIT DROP AS
SELECT DISTINCT ON (market, trade_id, direction, revision) *
FROM staging.compared_copies
WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[]) AND is_other_content AND is_earlier
ORDER BY market, trade_id, direction, revision, received_at, landing_file COLLATE "C", line_number

-- name: contested_trades
-- The stored trades that a copy with other content would replace, with their content, and the time from which equal
-- copies are searched for: times of execution are known to be wrong by hours
SELECT
    r.trade_id, r.direction, r.revision, r.received_at, r.landing_file, r.line_number,
    least(p.tradable_from, t.executed_at, r.received_at) - interval '1 day' AS search_from_at,
    t.trader_id, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day, t.delivery_hour, t.executed_at
FROM pg_temp.replacements AS r
JOIN raw.trades AS t USING (market, trade_id, direction, revision)
JOIN raw.delivery_periods AS p
    ON (p.market, p.delivery_day, p.delivery_hour) = (t.market, t.delivery_day, t.delivery_hour)

-- name: batches_with_duplicates
-- The batches whose files may hold further copies of trades, received in a span of time, and the lines before each
SELECT landing_file, from_bytes, to_bytes, lines_before
FROM (
    SELECT
        f.landing_file, b.from_bytes, b.to_bytes, b.duplicate_count,
        sum(b.line_count) OVER (PARTITION BY b.landing_file_id ORDER BY b.from_bytes)::bigint - b.line_count AS lines_before
    FROM ops.load_batches AS b
    JOIN ops.landing_files AS f USING (landing_file_id)
    WHERE f.market = %(market)s AND b.source = 'trades'
      AND least(f.hour_start_at, f.first_received_at) <= %(until_at)s
      AND greatest(f.hour_start_at + interval '1 hour', f.last_received_at) >= %(from_at)s
) AS batches
WHERE duplicate_count > 0

-- name: keep_stored
DELETE FROM pg_temp.replacements
WHERE (trade_id, direction, revision) IN (
    SELECT * FROM unnest(%(trade_ids)s::text[], %(directions)s::text[], %(revisions)s::bigint[]))

-- name: reject_replaced
-- A trade that says something else than the copy that replaces it becomes a reject
INSERT INTO ops.rejected_messages (
    landing_file_id, line_number, load_batch_id, source, reason_code, detail, raw, received_at, market, delivery_day,
    delivery_hours
)
SELECT
    t.landing_file_id, t.line_number, t.load_batch_id, 'trades', %(reason_code)s,
    format('trade %%s has other content in %%s, line %%s, which counts'
           ' (rebuilt from the row; the landing file has the message verbatim)', t.trade_id, r.landing_file, r.line_number),
    staging.trade_message(t), t.received_at, t.market, t.delivery_day,
    ARRAY(SELECT h.pnl_hour FROM raw.period_hours AS h
          WHERE (h.market, h.delivery_day, h.delivery_hour) = (t.market, t.delivery_day, t.delivery_hour))
FROM pg_temp.replacements AS r
JOIN raw.trades AS t USING (market, trade_id, direction, revision)

-- name: pending_replaced
-- The hours that a replaced trade was in may be others than those of the copy that counts
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
SELECT DISTINCT t.market, t.delivery_day, h.pnl_hour, 'trades'
FROM pg_temp.replacements AS r
JOIN raw.trades AS t USING (market, trade_id, direction, revision)
JOIN raw.period_hours AS h ON (h.market, h.delivery_day, h.delivery_hour) = (t.market, t.delivery_day, t.delivery_hour)

-- name: release_replaced
-- The quarantine was about the content that no longer counts; what a person decided about the other one holds
DELETE FROM ops.quarantined_trades AS q USING pg_temp.replacements AS r
WHERE (q.market, q.trade_id, q.direction, q.revision) = (r.market, r.trade_id, r.direction, r.revision)
  AND (q.review IS NULL
       OR (q.trader_id, q.price_eur_per_mwh, q.quantity_mw, q.delivery_day, q.delivery_hour)
          <> ((r.copy).trader_id, (r.copy).price_eur_per_mwh, (r.copy).quantity_mw, (r.copy).delivery_day,
              (r.copy).delivery_hour))

-- name: delete_replaced
DELETE FROM raw.trades AS t USING pg_temp.replacements AS r
WHERE (t.market, t.trade_id, t.direction, t.revision) = (r.market, r.trade_id, r.direction, r.revision)

-- name: insert_replacements
INSERT INTO raw.trades SELECT (copy).* FROM pg_temp.replacements

-- name: accept_rejected
-- A copy that counts is no reject any more
DELETE FROM ops.rejected_messages AS m
USING pg_temp.replacements AS r
WHERE m.landing_file_id = r.landing_file_id AND m.line_number = r.line_number

-- name: replacing_contents
SELECT
    trade_id, direction, revision, (copy).trader_id, (copy).price_eur_per_mwh, (copy).quantity_mw, (copy).delivery_day,
    (copy).delivery_hour, (copy).executed_at
FROM pg_temp.replacements

-- name: rejected_copies
-- Rejects that may say the same as a copy that counts now
SELECT m.landing_file_id, m.line_number, m.raw
FROM ops.rejected_messages AS m
WHERE m.source = 'trades' AND m.reason_code = %(reason_code)s
  AND EXISTS (
      SELECT FROM pg_temp.replacements AS r
      WHERE (r.market, (r.copy).delivery_day) = (m.market, m.delivery_day) AND strpos(m.detail, r.trade_id) > 0)

-- name: accept_equal
DELETE FROM ops.rejected_messages
WHERE (landing_file_id, line_number) IN (SELECT * FROM unnest(%(landing_file_ids)s::bigint[], %(line_numbers)s::bigint[]))
RETURNING load_batch_id

-- name: replaced_batches
SELECT load_batch_id FROM pg_temp.replacements
UNION
SELECT stored_load_batch_id FROM pg_temp.replacements

-- name: recount_batches
-- The counts of batches whose rows changed after they were loaded, from the tables
UPDATE ops.load_batches AS counted SET
    loaded_count = n.loaded_count,
    rejected_count = n.rejected_count,
    duplicate_count = counted.line_count - counted.event_count - n.loaded_count - n.rejected_count
FROM (
    SELECT load_batch_id, count(line_number) FILTER (WHERE is_loaded) AS loaded_count,
           count(line_number) FILTER (WHERE NOT is_loaded) AS rejected_count
    FROM unnest(%(load_batch_ids)s::bigint[]) AS b (load_batch_id)
    LEFT JOIN (
        SELECT load_batch_id, line_number, true AS is_loaded
        FROM raw.trades WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
        UNION ALL
        SELECT load_batch_id, line_number, true
        FROM raw.trade_cancellations WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
        UNION ALL
        SELECT load_batch_id, line_number, false
        FROM ops.rejected_messages WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
    ) AS lines USING (load_batch_id)
    GROUP BY load_batch_id
) AS n
WHERE counted.load_batch_id = n.load_batch_id

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
