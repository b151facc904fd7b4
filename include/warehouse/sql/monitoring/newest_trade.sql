-- When the newest trade that counts was received; by the last batches with trades: received_at has no index
SELECT max(received_at) AS received_at
FROM curated.trades
WHERE load_batch_id = ANY (ARRAY(
    SELECT load_batch_id
    FROM ops.load_batches
    WHERE source = 'trades' AND loaded_count > 0 AND state = 'accepted'
    ORDER BY load_batch_id DESC
    LIMIT 10
))
