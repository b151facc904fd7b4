-- what is occupied of the budget now: requests that count for the minute and for the hour
-- (as long as ops/provider_wait lets each of them count)
SELECT
    count(*) FILTER (WHERE until > clock_timestamp() - %(minute_seconds)s * interval '1 second') AS last_minute,
    count(*) FILTER (WHERE until > clock_timestamp() - %(hour_seconds)s * interval '1 second') AS last_hour
FROM (
    SELECT CASE
        WHEN status IS NOT NULL THEN finished_at
        ELSE requested_at + %(request_seconds)s * interval '1 second'
    END AS until
    FROM ops.provider_requests
    WHERE requested_at > now() - interval '2 hours'
) AS occupied
