-- When the newest trade that counts was received; by the last batches with trades of the last hours of receipt, since
-- received_at has no index
SELECT max(received_at) AS received_at
FROM curated.trades
WHERE load_batch_id = ANY (ARRAY(
    SELECT b.load_batch_id
    FROM ops.load_batches AS b
    JOIN ops.landing_files AS f USING (landing_file_id)
    WHERE b.source = 'trades' AND b.loaded_count > 0 AND b.state = 'accepted'
    ORDER BY f.hour_start_at DESC, b.load_batch_id DESC
    LIMIT 4
))
