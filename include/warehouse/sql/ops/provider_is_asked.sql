-- whether a process is asking for the period right now, or got an answer about its price since a moment
SELECT EXISTS (
    SELECT FROM ops.provider_requests
    WHERE delivery_day = %(delivery_day)s
        AND delivery_hour = %(delivery_hour)s
        AND CASE
            WHEN finished_at IS NULL THEN requested_at > now() - %(request_seconds)s * interval '1 second'
            ELSE finished_at >= %(since)s AND is_answer
        END
)
