-- The last validations, the newest first
SELECT validation_id, suite, max(validated_at) AS validated_at, bool_and(is_success) AS success,
       count(*) FILTER (WHERE NOT is_success) AS failed_count, count(*) AS expectation_count,
       string_agg(format('%%s (%%s): %%s', expectation, severity, detail), '; ' ORDER BY validation_result_id)
           FILTER (WHERE NOT is_success) AS detail
FROM ops.validation_results
WHERE validated_at > now() - interval '1 day'
GROUP BY validation_id, suite
ORDER BY validated_at DESC
LIMIT 20
