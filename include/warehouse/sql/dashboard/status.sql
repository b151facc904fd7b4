-- How late we are, up to when the deals are known, and whether the provider answers
WITH answers AS (
    SELECT finished_at, coalesce(is_answer, false) AS is_answer
    FROM ops.provider_requests
    WHERE requested_at > now() - interval '2 hours' AND finished_at IS NOT NULL
), provider AS (
    SELECT max(finished_at) FILTER (WHERE is_answer) AS answered_at, max(finished_at) AS asked_at FROM answers
)
SELECT
    (SELECT last_at FROM ops.freshness WHERE thing = 'trades') AS data_as_of,
    (SELECT array_agg(thing ORDER BY thing) FROM ops.freshness WHERE is_late) AS late,
    (SELECT last_at FROM ops.freshness WHERE thing = 'build') AS built_at,
    (SELECT last_at FROM ops.freshness WHERE thing = 'pending') AS pending_since,
    (SELECT count(*) FROM ops.load_batches WHERE state = 'blocked' AND review IS NULL) AS blocked_count,
    (SELECT min(validated_at) FROM ops.load_batches WHERE state = 'blocked' AND review IS NULL) AS blocked_since,
    (SELECT min(finished_at) FROM answers
     WHERE NOT is_answer AND finished_at > coalesce(answered_at, timestamptz '-infinity')) AS provider_down_since
FROM provider
