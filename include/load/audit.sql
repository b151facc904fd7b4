-- name: audit
-- The ledger of each file beside what its batches and the tables say
SELECT
    f.landing_file, f.loaded_bytes, f.line_count, f.loaded_count, f.duplicate_count, f.rejected_count, f.event_count,
    coalesce(t.rows, 0) + coalesce(c.rows, 0) + coalesce(p.rows, 0) + coalesce(s.rows, 0) AS table_loaded_count,
    coalesce(r.rows, 0) AS table_rejected_count,
    coalesce(b.line_count, 0)::bigint AS batch_line_count,
    coalesce(b.loaded_count, 0)::bigint AS batch_loaded_count,
    coalesce(b.duplicate_count, 0)::bigint AS batch_duplicate_count,
    coalesce(b.rejected_count, 0)::bigint AS batch_rejected_count,
    coalesce(b.event_count, 0)::bigint AS batch_event_count
FROM ops.landing_files AS f
LEFT JOIN (SELECT landing_file_id, count(*) AS rows FROM raw.trades WHERE revision >= 0 GROUP BY landing_file_id) AS t
    USING (landing_file_id)
LEFT JOIN (SELECT landing_file_id, count(*) AS rows FROM raw.statement_trades GROUP BY landing_file_id) AS s
    USING (landing_file_id)
LEFT JOIN (SELECT landing_file_id, count(*) AS rows FROM raw.trade_cancellations GROUP BY landing_file_id) AS c
    USING (landing_file_id)
LEFT JOIN (SELECT landing_file_id, count(*) AS rows FROM raw.reference_prices GROUP BY landing_file_id) AS p
    USING (landing_file_id)
LEFT JOIN (SELECT landing_file_id, count(*) AS rows FROM ops.rejected_messages GROUP BY landing_file_id) AS r
    USING (landing_file_id)
LEFT JOIN (
    SELECT landing_file_id, sum(line_count) AS line_count, sum(loaded_count) AS loaded_count,
           sum(duplicate_count) AS duplicate_count, sum(rejected_count) AS rejected_count,
           sum(event_count) AS event_count
    FROM ops.load_batches
    GROUP BY landing_file_id
) AS b USING (landing_file_id)
