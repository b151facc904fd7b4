-- What `make run` waits for

-- name: is_priced
SELECT EXISTS (SELECT FROM curated.pnl_hourly WHERE market = %(market)s AND reference_price_eur_per_mwh IS NOT NULL)

-- name: so_far
SELECT (SELECT count(*) FROM raw.trades WHERE market = %(market)s),
       (SELECT count(*) FROM raw.reference_prices WHERE market = %(market)s AND price_eur_per_mwh IS NOT NULL),
       (SELECT count(*) FROM curated.pnl_hourly WHERE market = %(market)s)
