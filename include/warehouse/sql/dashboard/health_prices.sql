-- Prices of the hours that are open for trading, traded periods without one, and the budget as spent
WITH open AS (
    SELECT r.price_status
    FROM unnest(%(days)s::date[], %(hours)s::text[]) AS h (delivery_day, delivery_hour)
    LEFT JOIN LATERAL (
        SELECT r.price_status FROM curated.reference_prices AS r
        WHERE (r.delivery_day, r.delivery_hour) = (h.delivery_day, h.delivery_hour)
    ) AS r ON true
), spent AS (
    -- as ops/provider_wait.sql counts
    SELECT CASE WHEN status IS NOT NULL THEN finished_at ELSE requested_at + interval '30 seconds' END AS until
    FROM ops.provider_requests
    WHERE requested_at > now() - interval '2 hours'
)
SELECT
    (SELECT count(*) FROM open) AS open_periods,
    (SELECT count(price_status) FROM open) AS with_price,
    (SELECT count(*) FILTER (WHERE price_status = 'final') FROM open) AS final,
    (SELECT count(*) FROM ops.missing_prices WHERE price_status = 'missing') AS missing,
    (SELECT count(*) FROM spent WHERE until > now() - interval '1 minute') AS spent_last_minute,
    (SELECT count(*) FROM spent WHERE until > now() - interval '1 hour') AS spent_last_hour
