-- What waits for a build, when PnL last changed, and how many requests the provider ever got
SELECT
    (SELECT count(*) FROM (SELECT DISTINCT delivery_day, delivery_hour FROM ops.pending_delivery_periods) AS p)
        AS pending_periods,
    (SELECT max(valid_from) FROM curated.pnl_hourly_history) AS published_at,
    (SELECT max(provider_request_id) FROM ops.provider_requests) AS provider_requests
