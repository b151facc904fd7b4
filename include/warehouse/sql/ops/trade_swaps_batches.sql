-- The counts follow: one line is loaded now, another is a duplicate or a reject
UPDATE ops.load_batches AS counted SET
    loaded_count = counted.loaded_count + moved.loaded,
    duplicate_count = counted.duplicate_count + moved.duplicate,
    rejected_count = counted.rejected_count + moved.rejected
FROM (
    SELECT
        load_batch_id,
        sum(loaded) AS loaded,
        coalesce(-sum(loaded) FILTER (WHERE NOT is_conflict), 0) AS duplicate,
        coalesce(-sum(loaded) FILTER (WHERE is_conflict), 0) AS rejected
    FROM (
        SELECT load_batch_id, 1 AS loaded, is_conflict FROM pg_temp.trade_swaps
        UNION ALL
        SELECT old_load_batch_id, -1, is_conflict FROM pg_temp.trade_swaps
    ) AS lines
    GROUP BY load_batch_id
) AS moved
WHERE counted.load_batch_id = moved.load_batch_id
