-- What is missing in the delivery periods of a day, but for capture gaps, which each row of PnL has itself
SELECT delivery_hour, reason, from_at AS since_at, NULL AS detail
FROM ops.incomplete_periods
WHERE delivery_day = %(day)s AND reason IN ('trades_blocked', 'trades_not_validated', 'not_built')
    -- each load is validated within a minute or two
    AND (reason <> 'trades_not_validated' OR from_at < now() - interval '5 minutes')
UNION ALL
SELECT delivery_hour, 'price_' || price_status, since_at, reason
FROM ops.missing_prices
WHERE delivery_day = %(day)s
ORDER BY delivery_hour, reason
