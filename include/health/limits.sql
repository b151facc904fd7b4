-- Queries of include/health/limits.py: limits that people set in ops.limits

-- name: limits_now
-- What is over a limit now, measured once
CREATE TEMPORARY TABLE limits_now ON COMMIT DROP AS
SELECT * FROM ops.limits_reached WHERE market = %(market)s

-- name: note_breaches
-- Limits that are reached for the first time: what was seen before stays as it was first seen; a changed limit is another one
INSERT INTO ops.limit_breaches (market, measure, scope, trader_id, delivery_day, delivery_hour, value, limit_value, trade_id)
SELECT market, measure, scope, trader_id, delivery_day, delivery_hour, value, limit_value, trade_id
FROM pg_temp.limits_now
ON CONFLICT DO NOTHING

-- name: breaches
-- The limits that were reached for hours and days that are not over, those that were reached last first;
-- of a limit that was changed the one that was reached last
WITH last_breaches AS (
    SELECT DISTINCT ON (measure, scope, trader_id, delivery_day, delivery_hour) *
    FROM ops.limit_breaches
    WHERE market = %(market)s AND delivery_day >= curated.market_today(%(market)s)
    ORDER BY measure, scope, trader_id, delivery_day, delivery_hour, reached_at DESC
)
SELECT b.measure, b.trader_id, b.delivery_day, b.delivery_hour,
       CASE WHEN p.net_mwh < 0 THEN -1 ELSE 1 END * coalesce(r.value, b.value) AS value,
       coalesce(r.limit_value, b.limit_value) AS limit_value, coalesce(r.trade_id, b.trade_id) AS trade_id, b.reached_at,
       r.value IS NOT NULL AS is_over
FROM last_breaches AS b
LEFT JOIN raw.delivery_periods AS d
    ON (d.market, d.delivery_day, d.delivery_hour) = (b.market, b.delivery_day, b.delivery_hour)
LEFT JOIN pg_temp.limits_now AS r
    ON (r.market, r.measure, r.scope, r.delivery_day) = (b.market, b.measure, b.scope, b.delivery_day)
    AND r.trader_id IS NOT DISTINCT FROM b.trader_id AND r.delivery_hour IS NOT DISTINCT FROM b.delivery_hour
-- the value of a position is above 0, either way; what it is now, or was when it was reached
CROSS JOIN LATERAL (
    SELECT sum(net_position_mwh) FILTER (WHERE b.measure = 'position_mwh') AS net_mwh
    FROM curated.pnl_versions AS v
    WHERE (v.market, v.delivery_day, v.delivery_hour) = (b.market, b.delivery_day, b.delivery_hour)
        AND (b.trader_id IS NULL OR v.trader_id = b.trader_id)
        AND CASE WHEN r.value IS NOT NULL THEN v.valid_to IS NULL
                 ELSE v.valid_from <= b.reached_at AND (v.valid_to IS NULL OR v.valid_to > b.reached_at) END
) AS p
WHERE coalesce(d.delivery_end_at > now(), true)
ORDER BY b.reached_at DESC, b.delivery_day, b.delivery_hour NULLS FIRST, b.trader_id NULLS FIRST
