-- what is occupied of the budget now: requests that count for the minute and for the hour
SELECT
    count(*) FILTER (WHERE until > clock_timestamp() - interval '1 minute') AS last_minute,
    count(*) FILTER (WHERE until > clock_timestamp() - interval '1 hour') AS last_hour
FROM (
    SELECT coalesce(finished_at, requested_at + %(request_seconds)s * interval '1 second') AS until
    FROM ops.provider_requests
    WHERE requested_at > now() - interval '2 hours'
) AS occupied
