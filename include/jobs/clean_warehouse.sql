-- name: provider_requests_forget
-- The budget looks back two hours and a wait that was asked for lies ahead; ops.missing_prices and the schedule look at
-- the newest request of each period with each status, however old: that one stays. Replies are in the landing files.
DELETE FROM ops.provider_requests AS q
WHERE requested_at < clock_timestamp() - interval '30 days'
    AND (retry_at IS NULL OR retry_at < clock_timestamp())
    AND (
        finished_at IS NULL
        OR EXISTS (
            SELECT FROM ops.provider_requests AS later
            WHERE later.delivery_day = q.delivery_day AND later.delivery_hour = q.delivery_hour
                AND later.status IS NOT DISTINCT FROM q.status
                AND (later.finished_at, later.provider_request_id) > (q.finished_at, q.provider_request_id)
        )
    )

-- name: validation_results_forget
-- What was met says nothing after a week that the state of its batches does not say; what was not met stays for ever
DELETE FROM ops.validation_results WHERE is_success AND validated_at < clock_timestamp() - interval '7 days'
