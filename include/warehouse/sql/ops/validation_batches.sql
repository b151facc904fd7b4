-- The batches that wait for a decision
SELECT b.load_batch_id, f.landing_file, b.loaded_count
FROM ops.load_batches AS b
JOIN ops.landing_files AS f USING (landing_file_id)
WHERE b.source = %(source)s AND b.state = 'loaded'
ORDER BY b.load_batch_id
