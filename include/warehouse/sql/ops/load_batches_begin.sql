INSERT INTO ops.load_batches (
    source, landing_file_id, from_bytes, to_bytes, line_count, loaded_count, duplicate_count, rejected_count,
    event_count, state, is_reload
)
VALUES (%(source)s, %(landing_file_id)s, %(from_bytes)s, %(from_bytes)s, 0, 0, 0, 0, 0, 'loaded', %(is_reload)s)
RETURNING load_batch_id
