-- A message that tells no hour concerns those that were tradable then, as staging.hours_tradable_at has it. As a join, the
-- planner may begin with the hours that are asked about; the function was called for each message that waits
CREATE OR REPLACE VIEW ops.unreviewed_messages AS
SELECT market, delivery_day, unnest(delivery_hours) AS delivery_hour, problem, reason, received_at, landing_file_id,
       line_number
FROM ops.review_queue
WHERE delivery_hours IS NOT NULL AND (source = 'trades' OR problem = 'quarantined')
UNION ALL
SELECT q.market, p.delivery_day, p.delivery_hour, q.problem, q.reason, q.received_at, q.landing_file_id, q.line_number
FROM ops.review_queue AS q
JOIN raw.delivery_periods AS p ON p.market = q.market AND p.delivery_hours = 1
    AND tstzrange(p.tradable_from, p.tradable_until) && tstzrange(q.received_at - interval '3 hours', q.received_at, '[]')
-- a trade in quarantine always tells its hours
WHERE q.problem = 'rejected' AND q.delivery_hours IS NULL AND q.source = 'trades'
  AND EXISTS (SELECT FROM raw.period_hours AS h
              JOIN raw.delivery_periods AS s USING (market, delivery_day, delivery_hour)
              WHERE (h.market, h.delivery_day, h.pnl_hour) = (p.market, p.delivery_day, p.delivery_hour)
                AND q.received_at < s.tradable_until);

-- ---------------------------------------------------------------- ranges of days
-- A row has some 200 versions, spread over the table: what stands is summed up from the index alone
DROP INDEX curated.pnl_versions_standing;
CREATE UNIQUE INDEX pnl_versions_standing ON curated.pnl_versions (delivery_day, delivery_hour, trader_id, market)
    INCLUDE (starting_trade_count, buy_mwh, sell_mwh, net_position_mwh, buy_value_eur, sell_value_eur, cash_flow_eur,
             price_status, pnl_eur, realised_pnl_eur, unrealised_pnl_eur, is_complete, built_at, valid_from)
    WHERE valid_to IS NULL;
COMMENT ON INDEX curated.pnl_versions_standing IS 'A row has one version that stands; the days of curated.pnl_hourly, and what days, weeks and months sum up';
-- and what stood at a moment is that, or one of the few that were closed later: not one of all closed versions of the days
CREATE INDEX pnl_versions_span ON curated.pnl_versions USING gist (tstzrange(valid_from, greatest(valid_from, valid_to)))
    WHERE valid_to IS NOT NULL;
COMMENT ON INDEX curated.pnl_versions_span IS 'The closed versions that stood at a moment';
ANALYZE curated.pnl_versions;

-- The same as in 0018, but for pnl_hourly_as_of, which reads each of these two indexes
CREATE OR REPLACE PROCEDURE staging.follow_pnl_versions() LANGUAGE plpgsql AS $$
DECLARE
    every_column text;
    shown text;
    facts text;
    relation text;
    commenting text;
BEGIN
    SELECT
        string_agg(quote_ident(attname), ', ' ORDER BY attnum),
        string_agg(quote_ident(attname), ', ' ORDER BY attnum) FILTER (
            WHERE attname NOT IN ('valid_from', 'valid_to', 'statement_trade_count', 'reconciled_gap_seconds')),
        string_agg(quote_ident(attname), ', ' ORDER BY attnum)
            FILTER (WHERE attname NOT IN ('valid_from', 'valid_to') AND attgenerated = '')
    INTO every_column, shown, facts
    FROM pg_attribute
    WHERE attrelid = 'curated.pnl_versions'::regclass AND attnum > 0 AND NOT attisdropped;

    EXECUTE format('CREATE OR REPLACE VIEW curated.pnl_hourly AS'
                   ' SELECT %s FROM curated.pnl_versions WHERE valid_to IS NULL', shown);
    EXECUTE format('CREATE OR REPLACE VIEW curated.pnl_hourly_history AS SELECT %s FROM curated.pnl_versions', every_column);
    -- without a column in it, require_past is checked once, rows or not
    EXECUTE format('CREATE OR REPLACE FUNCTION curated.pnl_hourly_as_of(as_of timestamptz)'
                   ' RETURNS SETOF curated.pnl_hourly LANGUAGE sql STABLE BEGIN ATOMIC'
                   ' SELECT %1$s FROM curated.pnl_versions'
                   ' WHERE curated.require_past(as_of) AND valid_to IS NULL AND valid_from <= as_of'
                   ' UNION ALL'
                   ' SELECT %1$s FROM curated.pnl_versions'
                   ' WHERE curated.require_past(as_of) AND valid_to IS NOT NULL'
                   ' AND tstzrange(valid_from, greatest(valid_from, valid_to)) @> as_of;'
                   ' END', shown);

    -- what is built and not yet checked, in the same columns; no build is under way, so its rows are leftovers
    DROP TABLE IF EXISTS staging.pnl_hourly CASCADE;
    CREATE TABLE staging.pnl_hourly (LIKE curated.pnl_versions INCLUDING DEFAULTS INCLUDING GENERATED);
    ALTER TABLE staging.pnl_hourly
        DROP COLUMN built_at, DROP COLUMN valid_from, DROP COLUMN valid_to,
        ADD PRIMARY KEY (delivery_day, delivery_hour, trader_id, market);
    -- facts are compared and published in the order of these two views
    EXECUTE format('CREATE VIEW staging.built_facts AS SELECT %s FROM staging.pnl_hourly', facts);
    EXECUTE format('CREATE OR REPLACE VIEW staging.standing_facts AS'
                   ' SELECT valid_from, %s FROM curated.pnl_versions WHERE valid_to IS NULL', facts);

    FOR relation, commenting IN
        SELECT c.relname, format('COMMENT ON COLUMN curated.%I.%I IS %L', c.relname, t.attname, col_description(t.attrelid, t.attnum))
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid
        JOIN pg_attribute AS t ON t.attrelid = 'curated.pnl_versions'::regclass AND t.attname = a.attname
        WHERE c.oid IN ('curated.pnl_hourly'::regclass, 'curated.pnl_hourly_history'::regclass) AND a.attnum > 0
    LOOP
        EXECUTE commenting;
    END LOOP;
END
$$;

-- ---------------------------------------------------------------- limits
-- The same as in 0021, but only the days that limits are about are read
CREATE OR REPLACE VIEW ops.limits_reached AS
-- where there is no trader_id it is the portfolio
-- only what is limited is measured
WITH limited AS MATERIALIZED (
    SELECT market, measure, curated.market_today(market) AS today FROM ops.limits GROUP BY market, measure
), days AS (
    -- as an array of values: compared with today, all rows of PnL and all trades would be read
    SELECT ARRAY(SELECT DISTINCT delivery_day FROM raw.delivery_periods JOIN limited USING (market) WHERE delivery_day >= today)
        AS days
), pnl AS MATERIALIZED (
    SELECT p.market, trader_id, delivery_day, delivery_hour, net_position_mwh, pnl_eur, delivery_end_at > now() AS is_open
    FROM curated.pnl_hourly AS p
    JOIN (SELECT DISTINCT market, today FROM limited WHERE measure IN ('position_mwh', 'loss_eur')) AS l
        ON l.market = p.market AND p.delivery_day >= l.today
    WHERE p.delivery_day = ANY ((SELECT days FROM days)::date[])
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
      AND p.delivery_day = ANY ((SELECT days FROM days)::date[]) AND t.delivery_day = ANY ((SELECT days FROM days)::date[])
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
