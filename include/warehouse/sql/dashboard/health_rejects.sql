-- What was refused, by reason, each with its last example
SELECT DISTINCT ON (reason_code)
    reason_code, count(*) OVER (PARTITION BY reason_code) AS count, received_at AS last_at, left(raw, 2000) AS raw, detail
FROM ops.rejected_messages
ORDER BY reason_code, received_at DESC NULLS LAST, landing_file_id DESC, line_number DESC
