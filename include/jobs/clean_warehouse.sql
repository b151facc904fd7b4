-- name: provider_requests_forget
-- Keep what the budget reads (two hours, and waits that lie ahead) and what ops.missing_prices and the schedule read (the
-- newest request of each period with each status, however old). Replies are in the landing files.
DELETE FROM ops.provider_requests AS q
WHERE requested_at < clock_timestamp() - interval '30 days'
    AND (retry_at IS NULL OR retry_at < clock_timestamp())
    AND (
        finished_at IS NULL
        OR EXISTS (
            SELECT FROM ops.provider_requests AS later
            WHERE later.market = q.market AND later.delivery_day = q.delivery_day AND later.delivery_hour = q.delivery_hour
                AND later.status IS NOT DISTINCT FROM q.status
                AND (later.finished_at, later.provider_request_id) > (q.finished_at, q.provider_request_id)
        )
    )

-- name: validation_results_forget
-- Delete passed results after 7 days; keep failures
DELETE FROM ops.validation_results WHERE is_success AND validated_at < clock_timestamp() - interval '7 days'
