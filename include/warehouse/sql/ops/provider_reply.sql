UPDATE ops.provider_requests
SET
    finished_at = clock_timestamp(),
    status = %(status)s,
    is_answer = %(is_answer)s,
    retry_at = clock_timestamp() + %(retry_after_seconds)s * interval '1 second'
WHERE provider_request_id = %(provider_request_id)s
