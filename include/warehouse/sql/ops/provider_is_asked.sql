-- whether a process is asking for the period right now, or got an answer about its price since a moment
-- (408, 425, 429 and 5xx are none: include.domain.reference_price.is_transient_status)
SELECT EXISTS (
    SELECT FROM ops.provider_requests
    WHERE delivery_day = %(delivery_day)s
        AND delivery_hour = %(delivery_hour)s
        AND CASE
            WHEN finished_at IS NULL THEN requested_at > now() - %(request_seconds)s * interval '1 second'
            ELSE finished_at >= %(since)s AND status < 500 AND status NOT IN (408, 425, 429)
        END
)
