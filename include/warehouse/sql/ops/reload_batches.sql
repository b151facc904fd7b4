-- What was loaded from a file: its batches, and whether a person decided on one of them
SELECT
    coalesce(array_agg(load_batch_id), '{}') AS load_batch_ids,
    coalesce(bool_or(review IS NOT NULL), false) AS is_reviewed
FROM ops.load_batches
WHERE landing_file_id = %(landing_file_id)s
