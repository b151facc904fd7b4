-- The moment of a publication: a little ahead, since readers see it only once it is committed; and after each version
-- that it replaces, even if the clock was set back
SELECT greatest(
    clock_timestamp() + %(margin_seconds)s * interval '1 second',
    max(p.built_at) + interval '1 microsecond'
)
FROM pg_temp.pnl_changes AS c
JOIN curated.pnl_hourly AS p USING (delivery_day, delivery_hour, trader_id)
