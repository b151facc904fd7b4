-- The blocked batches that nobody has decided on, each with what the validation that blocked it found broken
SELECT
    b.load_batch_id, b.source, f.landing_file, b.loaded_count, b.rejected_count, b.validated_at,
    (SELECT array_agg(r.expectation || ': ' || r.detail ORDER BY r.validation_result_id)
     FROM ops.validation_results AS r
     WHERE NOT r.is_success AND r.severity = 'critical'
       AND r.validation_id = (SELECT l.validation_id FROM ops.validation_results AS l
                              WHERE l.suite = b.source AND b.load_batch_id = ANY(l.load_batch_ids)
                              ORDER BY l.validation_result_id DESC LIMIT 1)) AS broken
FROM ops.load_batches AS b
JOIN ops.landing_files AS f USING (landing_file_id)
WHERE b.state = 'blocked' AND b.review IS NULL
ORDER BY b.load_batch_id
