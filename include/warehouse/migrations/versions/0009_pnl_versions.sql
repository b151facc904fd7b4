-- No build may be under way: the key of PNL_INPUTS in include/warehouse/locks.py
SELECT pg_advisory_xact_lock(7301003);

-- ---------------------------------------------------------------- what depends on the tables of before
-- these views stay as they are, but will read the new views
CREATE TEMPORARY TABLE reading_views ON COMMIT DROP AS
SELECT relation, pg_get_viewdef(relation::regclass) AS definition
FROM unnest(ARRAY['ops.missing_prices', 'ops.incomplete_periods']) AS relation;

-- these are defined again by pnl_views.sql, with the column market
DROP FUNCTION curated.portfolio_pnl_daily_as_of, curated.portfolio_pnl_hourly_as_of, curated.pnl_daily_as_of,
    curated.pnl_hourly_as_of;
DROP VIEW curated.portfolio_pnl_daily, curated.portfolio_pnl_hourly, curated.pnl_daily, curated.pnl_hourly_changes;
ALTER TABLE curated.pnl_hourly RENAME TO pnl_hourly_before;
ALTER TABLE curated.pnl_hourly_history RENAME TO pnl_hourly_history_before;
DROP TABLE staging.pnl_hourly;
DROP SEQUENCE staging.build_id;

-- ---------------------------------------------------------------- arithmetic
CREATE FUNCTION curated.ratio(numerator numeric, denominator numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN trim_scale(round(numerator::numeric(100, 30) / nullif(denominator, 0), 12));
COMMENT ON FUNCTION curated.ratio IS
    'One division at 30 decimals, rounded half up to 12; NULL if the denominator is 0';

CREATE FUNCTION curated.realised_pnl_eur(
    buy_mwh numeric, sell_mwh numeric, buy_value_eur numeric, sell_value_eur numeric
) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN buy_mwh = 0 OR sell_mwh = 0 THEN 0
    ELSE curated.ratio(sell_value_eur * buy_mwh - buy_value_eur * sell_mwh, greatest(buy_mwh, sell_mwh))
END;
COMMENT ON FUNCTION curated.realised_pnl_eur IS
    'EUR earned by what was both bought and sold: min(buy_mwh, sell_mwh) x (sell_vwap - buy_vwap), with one division';

-- ---------------------------------------------------------------- PnL
CREATE TABLE curated.pnl_versions (
    market text COLLATE "C" NOT NULL DEFAULT 'DE',
    delivery_day date NOT NULL,
    delivery_hour text COLLATE "C" NOT NULL,
    trader_id text COLLATE "C" NOT NULL,
    delivery_start_at timestamptz NOT NULL,
    delivery_end_at timestamptz NOT NULL,
    trade_count bigint NOT NULL,
    buy_mwh numeric NOT NULL,
    sell_mwh numeric NOT NULL,
    net_position_mwh numeric NOT NULL GENERATED ALWAYS AS (buy_mwh - sell_mwh) STORED,
    buy_vwap_eur_per_mwh numeric GENERATED ALWAYS AS (curated.ratio(buy_value_eur, buy_mwh)) STORED,
    sell_vwap_eur_per_mwh numeric GENERATED ALWAYS AS (curated.ratio(sell_value_eur, sell_mwh)) STORED,
    average_price_eur_per_mwh numeric
        GENERATED ALWAYS AS (curated.ratio(buy_value_eur + sell_value_eur, buy_mwh + sell_mwh)) STORED,
    cash_flow_eur numeric NOT NULL GENERATED ALWAYS AS (sell_value_eur - buy_value_eur) STORED,
    reference_price_eur_per_mwh numeric,
    price_status text NOT NULL,
    pnl_eur numeric GENERATED ALWAYS AS (
        sell_value_eur - buy_value_eur + (buy_mwh - sell_mwh) * reference_price_eur_per_mwh
    ) STORED,
    realised_pnl_eur numeric NOT NULL
        GENERATED ALWAYS AS (curated.realised_pnl_eur(buy_mwh, sell_mwh, buy_value_eur, sell_value_eur)) STORED,
    -- a generated column cannot refer to another one
    unrealised_pnl_eur numeric GENERATED ALWAYS AS (
        sell_value_eur - buy_value_eur + (buy_mwh - sell_mwh) * reference_price_eur_per_mwh
        - curated.realised_pnl_eur(buy_mwh, sell_mwh, buy_value_eur, sell_value_eur)
    ) STORED,
    performance_eur_per_mwh numeric GENERATED ALWAYS AS (curated.ratio(
        sell_value_eur - buy_value_eur + (buy_mwh - sell_mwh) * reference_price_eur_per_mwh, buy_mwh + sell_mwh
    )) STORED,
    capture_gap_seconds numeric NOT NULL,
    is_complete boolean NOT NULL GENERATED ALWAYS AS (capture_gap_seconds = 0 AND NOT has_unreviewed_messages) STORED,
    built_at timestamptz NOT NULL GENERATED ALWAYS AS (valid_from) STORED,
    buy_value_eur numeric NOT NULL,
    sell_value_eur numeric NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    -- 0014 fills these four: is_complete needs the last one, and before PostgreSQL 17 its expression cannot change
    starting_trade_count bigint NOT NULL DEFAULT 0,
    amendment_count bigint NOT NULL DEFAULT 0,
    cancelled_trade_count bigint NOT NULL DEFAULT 0,
    has_unreviewed_messages boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE curated.pnl_versions IS
    'Every version of PnL of each trader in each delivery period: facts, and what is generated from them; curated.pnl_hourly shows the versions that stand';
COMMENT ON COLUMN curated.pnl_versions.market IS 'The market';
COMMENT ON COLUMN curated.pnl_versions.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN curated.pnl_versions.delivery_hour IS 'Label as the sources give it, local time';
COMMENT ON COLUMN curated.pnl_versions.trader_id IS 'Who traded';
COMMENT ON COLUMN curated.pnl_versions.delivery_start_at IS 'Start of delivery, inclusive';
COMMENT ON COLUMN curated.pnl_versions.delivery_end_at IS 'End of delivery, exclusive';
COMMENT ON COLUMN curated.pnl_versions.trade_count IS 'Number of trades';
COMMENT ON COLUMN curated.pnl_versions.buy_mwh IS 'Energy bought, MWh';
COMMENT ON COLUMN curated.pnl_versions.sell_mwh IS 'Energy sold, MWh';
COMMENT ON COLUMN curated.pnl_versions.net_position_mwh IS 'buy_mwh - sell_mwh, MWh; long is positive';
COMMENT ON COLUMN curated.pnl_versions.buy_vwap_eur_per_mwh IS 'Average price of what was bought, EUR/MWh; NULL: nothing bought';
COMMENT ON COLUMN curated.pnl_versions.sell_vwap_eur_per_mwh IS 'Average price of what was sold, EUR/MWh; NULL: nothing sold';
COMMENT ON COLUMN curated.pnl_versions.average_price_eur_per_mwh IS 'Average price of all trades, EUR/MWh';
COMMENT ON COLUMN curated.pnl_versions.cash_flow_eur IS 'Income from sells less cost of buys, EUR';
COMMENT ON COLUMN curated.pnl_versions.reference_price_eur_per_mwh IS 'Reference price, EUR/MWh; NULL: none yet';
COMMENT ON COLUMN curated.pnl_versions.price_status IS 'final, provisional or missing';
COMMENT ON COLUMN curated.pnl_versions.pnl_eur IS 'cash_flow_eur + net_position_mwh x reference price, EUR; NULL without a price';
COMMENT ON COLUMN curated.pnl_versions.realised_pnl_eur IS 'EUR earned by what was both bought and sold: min(buy_mwh, sell_mwh) x (sell_vwap - buy_vwap)';
COMMENT ON COLUMN curated.pnl_versions.unrealised_pnl_eur IS 'pnl_eur - realised_pnl_eur, EUR: the open position against the reference price';
COMMENT ON COLUMN curated.pnl_versions.performance_eur_per_mwh IS 'How are we doing: pnl_eur / (buy_mwh + sell_mwh), EUR/MWh; NULL without a price';
COMMENT ON COLUMN curated.pnl_versions.capture_gap_seconds IS 'Time without any connected capture instance while the period was tradable, s, as far as is known';
COMMENT ON COLUMN curated.pnl_versions.is_complete IS 'There is neither a capture gap nor a message that waits for a review';
COMMENT ON COLUMN curated.pnl_versions.built_at IS 'When the row last changed';
COMMENT ON COLUMN curated.pnl_versions.buy_value_eur IS 'Cost of buys, EUR: sum of energy x price';
COMMENT ON COLUMN curated.pnl_versions.sell_value_eur IS 'Income from sells, EUR: sum of energy x price';
COMMENT ON COLUMN curated.pnl_versions.valid_from IS 'When this version was published';
COMMENT ON COLUMN curated.pnl_versions.valid_to IS 'When it was replaced or removed; NULL: it stands';

INSERT INTO curated.pnl_versions (
    delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh, sell_mwh,
    reference_price_eur_per_mwh, price_status, capture_gap_seconds, buy_value_eur, sell_value_eur, valid_from, valid_to
)
SELECT
    delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh, sell_mwh,
    reference_price_eur_per_mwh, price_status, capture_gap_seconds, buy_value_eur, sell_value_eur, valid_from, valid_to
FROM curated.pnl_hourly_history_before;

ALTER TABLE curated.pnl_versions ADD PRIMARY KEY (market, delivery_day, delivery_hour, trader_id, valid_from);
-- the day first: whoever asks for a day need not name the market
CREATE UNIQUE INDEX pnl_versions_standing ON curated.pnl_versions (delivery_day, delivery_hour, trader_id, market)
    WHERE valid_to IS NULL;
CREATE INDEX pnl_versions_trader ON curated.pnl_versions (trader_id, delivery_day) WHERE valid_to IS NULL;
CREATE INDEX pnl_versions_period ON curated.pnl_versions (delivery_day, delivery_hour, trader_id, market, valid_from);
CREATE INDEX pnl_versions_valid_from ON curated.pnl_versions (valid_from);
CREATE INDEX pnl_versions_valid_to ON curated.pnl_versions (valid_to) WHERE valid_to IS NOT NULL;
COMMENT ON INDEX curated.pnl_versions_standing IS 'A row has one version that stands; the days of curated.pnl_hourly';
COMMENT ON INDEX curated.pnl_versions_trader IS 'The list of traders by jumping from one to the next, and the days of one trader';
COMMENT ON INDEX curated.pnl_versions_period IS 'All versions of a day in the order of its rows: as of a moment, and what changed';
COMMENT ON INDEX curated.pnl_versions_valid_from IS 'The trading desk asks each second what was published last';
COMMENT ON INDEX curated.pnl_versions_valid_to IS 'The trading desk asks each second what was replaced or removed last';
ANALYZE curated.pnl_versions;

-- ---------------------------------------------------------------- what follows from the table's columns
CREATE PROCEDURE staging.follow_pnl_versions() LANGUAGE plpgsql AS $$
DECLARE
    every_column text;
    shown text;
    facts text;
    relation text;
    commenting text;
BEGIN
    SELECT
        string_agg(quote_ident(attname), ', ' ORDER BY attnum),
        string_agg(quote_ident(attname), ', ' ORDER BY attnum) FILTER (WHERE attname NOT IN ('valid_from', 'valid_to')),
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
                   ' SELECT %s FROM curated.pnl_versions'
                   ' WHERE curated.require_past(as_of) AND valid_from <= as_of AND (valid_to IS NULL OR valid_to > as_of);'
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
COMMENT ON PROCEDURE staging.follow_pnl_versions IS
    'Defines what follows from the columns of curated.pnl_versions; after each migration pnl_views.sql calls it';
CALL staging.follow_pnl_versions();

-- ---------------------------------------------------------------- back to what reads PnL
DO $$
DECLARE
    reading record;
BEGIN
    FOR reading IN SELECT * FROM pg_temp.reading_views LOOP
        EXECUTE format('CREATE OR REPLACE VIEW %s AS %s', reading.relation, reading.definition);
    END LOOP;
END
$$;
DROP TABLE curated.pnl_hourly_before, curated.pnl_hourly_history_before;
