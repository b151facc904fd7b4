-- The batch that an engineer decides on and its file, locked until the decision commits
SELECT b.source, b.landing_file_id, b.state, b.review
FROM ops.landing_files AS f
JOIN ops.load_batches AS b USING (landing_file_id)
WHERE b.load_batch_id = %(load_batch_id)s
FOR UPDATE
