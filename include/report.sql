-- name: report_portfolio_rows
-- The table of the portfolio for a day
SELECT *
FROM curated.portfolio_pnl_hourly_as_of(%(as_of)s)
WHERE market = %(market)s AND delivery_day = %(delivery_day)s
ORDER BY delivery_start_at, delivery_hour

-- name: report_hours_without_trades
-- Hours of a day that have no row of PnL, of the trader or of anybody, although messages about them came that nobody has reviewed
SELECT count(DISTINCT delivery_hour) AS hours_without_trades
FROM ops.unreviewed_messages AS u
WHERE market = %(market)s AND delivery_day = %(delivery_day)s
  AND NOT EXISTS (
      SELECT FROM curated.pnl_hourly AS h
      WHERE (h.market, h.delivery_day, h.delivery_hour) = (u.market, u.delivery_day, u.delivery_hour)
        AND (%(trader_id)s IS NULL OR h.trader_id = %(trader_id)s))

-- name: report_traders
-- Who traded for delivery on a day
SELECT DISTINCT trader_id
FROM curated.pnl_hourly_as_of(%(as_of)s)
WHERE market = %(market)s AND delivery_day = %(delivery_day)s
ORDER BY trader_id
