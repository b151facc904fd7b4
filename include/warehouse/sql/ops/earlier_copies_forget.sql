DELETE FROM staging.earlier_copies WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
