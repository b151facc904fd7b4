-- seconds until a request fits into the budget and no Retry-After forbids it; 0: now
-- a request occupies the budget from when it was taken until a minute (an hour) after its reply; without a reply,
-- until a minute (an hour) after the last moment at which it can reach the provider
WITH occupied AS MATERIALIZED (
    SELECT CASE
        WHEN status IS NOT NULL THEN finished_at
        ELSE requested_at + %(request_seconds)s * interval '1 second'
    END AS until
    FROM ops.provider_requests
    WHERE requested_at > now() - interval '2 hours'
)
SELECT coalesce(extract(epoch FROM greatest(
    (SELECT max(retry_at) FROM ops.provider_requests WHERE retry_at > now()),
    (SELECT until FROM occupied ORDER BY until DESC OFFSET %(per_minute)s - 1 LIMIT 1)
        + %(minute_seconds)s * interval '1 second',
    (SELECT until FROM occupied ORDER BY until DESC OFFSET %(per_hour)s - 1 LIMIT 1)
        + %(hour_seconds)s * interval '1 second',
    clock_timestamp()
) - clock_timestamp()), 0)::float8 AS wait_seconds
