UPDATE ops.load_batches SET
    loaded_count = loaded_count - %(discarded_count)s,
    rejected_count = rejected_count + %(discarded_count)s,
    review = 'discarded',
    review_reason = %(reason)s,
    reviewed_at = clock_timestamp()
WHERE load_batch_id = %(load_batch_id)s
