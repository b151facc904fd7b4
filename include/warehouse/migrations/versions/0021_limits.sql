CREATE TABLE ops.limits (
    market text NOT NULL REFERENCES ops.markets (market),
    measure text NOT NULL CHECK (measure IN ('position_mwh', 'loss_eur', 'price_distance_eur_per_mwh')),
    scope text NOT NULL CHECK (scope IN ('portfolio', 'trader')),
    trader_id text CHECK (trader_id IS NULL OR scope = 'trader'),
    limit_value numeric NOT NULL CHECK (limit_value > 0 AND limit_value < 'Infinity'),
    set_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE NULLS NOT DISTINCT (market, measure, scope, trader_id)
);
COMMENT ON TABLE ops.limits IS 'Limits of the desk and its traders, which people set: INSERT, UPDATE, DELETE by the role pipeline';
COMMENT ON COLUMN ops.limits.market IS 'The market';
COMMENT ON COLUMN ops.limits.measure IS 'position_mwh: net position in an hour that is not over, either way; loss_eur: loss of a delivery day that is not over, as far as its hours have a price; price_distance_eur_per_mwh: of a trade from the reference price of an hour that is not over, either way';
COMMENT ON COLUMN ops.limits.scope IS 'portfolio: all traders as if they were one; trader: each of them by himself';
COMMENT ON COLUMN ops.limits.trader_id IS 'Whose limit it is; NULL with scope trader: that of each trader who has none of his own';
COMMENT ON COLUMN ops.limits.limit_value IS 'In the unit of the measure; it is reached at this value';
COMMENT ON COLUMN ops.limits.set_at IS 'When it was inserted';

CREATE VIEW ops.limits_reached AS
-- where there is no trader_id it is the portfolio
-- only what is limited is measured
WITH limited AS MATERIALIZED (
    SELECT market, measure, curated.market_today(market) AS today FROM ops.limits GROUP BY market, measure
), pnl AS MATERIALIZED (
    SELECT p.market, trader_id, delivery_day, delivery_hour, net_position_mwh, pnl_eur, delivery_end_at > now() AS is_open
    FROM curated.pnl_hourly AS p
    JOIN (SELECT DISTINCT market, today FROM limited WHERE measure IN ('position_mwh', 'loss_eur')) AS l
        ON l.market = p.market AND p.delivery_day >= l.today
), distances AS (
    SELECT DISTINCT ON (t.market, t.trader_id, h.delivery_day, h.pnl_hour)
        t.market, t.trader_id, h.delivery_day, h.pnl_hour AS delivery_hour, t.trade_id,
        abs(t.price_eur_per_mwh - p.price_eur_per_mwh) AS distance
    FROM curated.reference_prices AS p
    JOIN limited AS l
        ON l.market = p.market AND l.measure = 'price_distance_eur_per_mwh' AND p.delivery_day >= l.today
    JOIN raw.period_hours AS h
        ON (h.market, h.delivery_day, h.pnl_hour) = (p.market, p.delivery_day, p.delivery_hour)
    JOIN curated.trades AS t
        ON (t.market, t.delivery_day, t.delivery_hour) = (h.market, h.delivery_day, h.delivery_hour)
    WHERE p.delivery_end_at > now() AND p.price_eur_per_mwh IS NOT NULL
    ORDER BY t.market, t.trader_id, h.delivery_day, h.pnl_hour,
             abs(t.price_eur_per_mwh - p.price_eur_per_mwh) DESC, t.trade_id
), measured AS (
    SELECT 'position_mwh' AS measure, market, trader_id, delivery_day, delivery_hour,
           abs(sum(net_position_mwh)) AS value, NULL AS trade_id
    FROM pnl
    WHERE is_open
    GROUP BY GROUPING SETS ((market, delivery_day, delivery_hour, trader_id), (market, delivery_day, delivery_hour))
    UNION ALL
    SELECT 'loss_eur', market, trader_id, delivery_day, NULL, -sum(pnl_eur), NULL
    FROM pnl
    GROUP BY GROUPING SETS ((market, delivery_day, trader_id), (market, delivery_day))
    UNION ALL
    SELECT 'price_distance_eur_per_mwh', market, trader_id, delivery_day, delivery_hour, distance, trade_id
    FROM distances
    UNION ALL
    (SELECT DISTINCT ON (market, delivery_day, delivery_hour)
        'price_distance_eur_per_mwh', market, NULL, delivery_day, delivery_hour, distance, trade_id
     FROM distances
     ORDER BY market, delivery_day, delivery_hour, distance DESC, trade_id)
)
SELECT m.market, m.measure, l.scope, m.trader_id, m.delivery_day, m.delivery_hour, m.value, l.limit_value, m.trade_id
FROM measured AS m
CROSS JOIN LATERAL (
    SELECT scope, limit_value
    FROM ops.limits AS l
    WHERE l.market = m.market AND l.measure = m.measure
      AND CASE WHEN m.trader_id IS NULL THEN l.scope = 'portfolio'
               ELSE l.scope = 'trader' AND (l.trader_id = m.trader_id OR l.trader_id IS NULL) END
    ORDER BY l.trader_id NULLS LAST
    LIMIT 1
) AS l
WHERE m.value >= l.limit_value;
COMMENT ON VIEW ops.limits_reached IS 'Who is over a limit now: one row a limit, trader or portfolio, and hour, or day of a loss';
COMMENT ON COLUMN ops.limits_reached.market IS 'The market';
COMMENT ON COLUMN ops.limits_reached.measure IS 'As in ops.limits';
COMMENT ON COLUMN ops.limits_reached.scope IS 'portfolio or trader';
COMMENT ON COLUMN ops.limits_reached.trader_id IS 'Who; NULL: the portfolio';
COMMENT ON COLUMN ops.limits_reached.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN ops.limits_reached.delivery_hour IS 'Label, local time; NULL: the loss of a whole day';
COMMENT ON COLUMN ops.limits_reached.value IS 'What was reached, above 0, in the unit of the measure';
COMMENT ON COLUMN ops.limits_reached.limit_value IS 'The limit, in the same unit';
COMMENT ON COLUMN ops.limits_reached.trade_id IS 'The trade farthest from the reference price; NULL for the other measures';

CREATE TABLE ops.limit_breaches (
    market text NOT NULL,
    measure text NOT NULL,
    scope text NOT NULL,
    trader_id text,
    delivery_day date NOT NULL,
    delivery_hour text,
    reached_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    value numeric NOT NULL,
    limit_value numeric NOT NULL,
    trade_id text,
    UNIQUE NULLS NOT DISTINCT (market, measure, scope, trader_id, delivery_day, delivery_hour)
);
COMMENT ON TABLE ops.limit_breaches IS 'When each limit was first seen to be reached, by whom and for which hour: people are told of each row once';
COMMENT ON COLUMN ops.limit_breaches.market IS 'The market';
COMMENT ON COLUMN ops.limit_breaches.measure IS 'As in ops.limits';
COMMENT ON COLUMN ops.limit_breaches.scope IS 'portfolio or trader';
COMMENT ON COLUMN ops.limit_breaches.trader_id IS 'Who; NULL: the portfolio';
COMMENT ON COLUMN ops.limit_breaches.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN ops.limit_breaches.delivery_hour IS 'Label, local time; NULL: the loss of a whole day';
COMMENT ON COLUMN ops.limit_breaches.reached_at IS 'When it was first seen';
COMMENT ON COLUMN ops.limit_breaches.value IS 'The value then, in the unit of the measure';
COMMENT ON COLUMN ops.limit_breaches.limit_value IS 'The limit then';
COMMENT ON COLUMN ops.limit_breaches.trade_id IS 'The trade farthest from the reference price then; NULL for the other measures';
