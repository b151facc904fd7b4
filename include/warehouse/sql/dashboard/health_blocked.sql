-- Batches that broke a critical expectation and were not decided on, and which expectations these were
SELECT b.load_batch_id, b.source, f.landing_file, b.loaded_at, b.loaded_count, b.rejected_count, b.validated_at,
       (SELECT string_agg(DISTINCT v.expectation || ': ' || v.detail, '; ') FROM ops.validation_results AS v
        WHERE NOT v.is_success AND v.severity = 'critical' AND v.validated_at >= b.loaded_at
            AND b.load_batch_id = ANY (v.load_batch_ids)) AS detail
FROM ops.load_batches AS b
JOIN ops.landing_files AS f USING (landing_file_id)
WHERE b.state = 'blocked' AND b.review IS NULL
ORDER BY b.load_batch_id DESC
LIMIT 50
