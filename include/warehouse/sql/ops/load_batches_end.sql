-- A batch that brought no row, no reject and no copy that takes a trade's place has nothing to check
UPDATE ops.load_batches SET
    to_bytes = %(to_bytes)s,
    line_count = %(line_count)s,
    loaded_count = %(loaded_count)s,
    duplicate_count = %(duplicate_count)s,
    rejected_count = %(rejected_count)s,
    event_count = %(event_count)s,
    state = CASE WHEN %(loaded_count)s + %(rejected_count)s + %(earlier_count)s = 0 THEN 'accepted' ELSE 'loaded' END
WHERE load_batch_id = %(load_batch_id)s
