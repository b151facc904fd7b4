-- The copy that gave way is a reject if it says something else
INSERT INTO ops.rejected_messages (
    landing_file_id, line_number, load_batch_id, source, reason_code, detail, raw, received_at
)
SELECT
    old_landing_file_id, old_line_number, old_load_batch_id, 'trades', %(reason_code)s,
    format('trade %%s has other content in %%s, line %%s, which was received before and counts'
           ' (rebuilt from the row; the landing file has the message verbatim)', trade_id, landing_file, line_number),
    old_raw, old_received_at
FROM pg_temp.trade_swaps
WHERE is_conflict
