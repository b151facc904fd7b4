-- Delivery periods whose PnL shows another gap than is known by now, of those tradable after a moment
INSERT INTO ops.pending_delivery_periods (delivery_day, delivery_hour, cause)
WITH gaps AS MATERIALIZED (SELECT gap_start_at, gap_end_at FROM ops.capture_gaps)
SELECT DISTINCT p.delivery_day, p.delivery_hour, 'capture_gaps'
FROM curated.pnl_hourly AS p
JOIN raw.delivery_periods AS d USING (delivery_day, delivery_hour)
CROSS JOIN LATERAL (
    SELECT coalesce(sum(extract(epoch FROM least(gap_end_at, d.tradable_until)
                                           - greatest(gap_start_at, d.tradable_from))), 0) AS gap_seconds
    FROM gaps
    WHERE gap_start_at < d.tradable_until AND gap_end_at > d.tradable_from
) AS g
WHERE d.tradable_until > %(since)s AND p.capture_gap_seconds <> g.gap_seconds
