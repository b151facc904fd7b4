-- The batches of a validation: the messages that each brought; a line torn by a crash of ours was never a message
SELECT
    b.load_batch_id, f.landing_file, b.loaded_at, b.loaded_count,
    b.rejected_count - torn.line_count AS rejected_count,
    b.loaded_count + b.duplicate_count + b.rejected_count - torn.line_count AS message_count
FROM ops.load_batches AS b
JOIN ops.landing_files AS f USING (landing_file_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS line_count
    FROM ops.rejected_messages AS r
    WHERE r.load_batch_id = b.load_batch_id AND r.reason_code = 'torn_line'
) AS torn
WHERE b.load_batch_id = ANY(%(load_batch_ids)s::bigint[])
