UPDATE ops.load_batches SET state = 'blocked', validated_at = clock_timestamp()
WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[]) AND state = 'loaded'
