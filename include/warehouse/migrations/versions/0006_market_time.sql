-- ---------------------------------------------------------------- which day is it on the market?
CREATE TABLE ops.market (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    timezone text NOT NULL
);
INSERT INTO ops.market (timezone) VALUES ('Europe/Berlin');
COMMENT ON TABLE ops.market IS 'Settings of the market that SQL needs; each start writes them';
COMMENT ON COLUMN ops.market.is_only IS 'There is one row';
COMMENT ON COLUMN ops.market.timezone IS 'MARKET_TIMEZONE: the zone of delivery_day and delivery_hour';

CREATE FUNCTION curated.market_timezone() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT timezone FROM ops.market);
COMMENT ON FUNCTION curated.market_timezone IS 'The zone of delivery_day and delivery_hour, for AT TIME ZONE';

CREATE FUNCTION curated.market_today() RETURNS date LANGUAGE sql STABLE PARALLEL SAFE
RETURN (now() AT TIME ZONE curated.market_timezone())::date;
COMMENT ON FUNCTION curated.market_today IS
    'Today, as a delivery_day: the local day of the market; current_date is the day of the session''s zone, mostly UTC';

-- ---------------------------------------------------------------- what was said at a moment that is yet to come?
CREATE FUNCTION curated.require_past(as_of timestamptz) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF as_of > clock_timestamp() THEN
        RAISE invalid_parameter_value USING MESSAGE = format('as_of is in the future: %s', as_of),
            HINT = 'What will be said then is not known. Ask for a moment of the past, or read the view for what stands.';
    END IF;
    RETURN as_of IS NOT NULL;
END
$$;
COMMENT ON FUNCTION curated.require_past IS 'True; an error if the moment is in the future, false if it is NULL';

-- the other functions ..._as_of read this one; without a column in it the first condition is checked once, rows or not
CREATE OR REPLACE FUNCTION curated.pnl_hourly_as_of(as_of timestamptz) RETURNS SETOF curated.pnl_hourly
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT
        delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh, sell_mwh,
        net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh, cash_flow_eur,
        reference_price_eur_per_mwh, price_status, pnl_eur, realised_pnl_eur, unrealised_pnl_eur,
        performance_eur_per_mwh, capture_gap_seconds, is_complete, built_at, buy_value_eur, sell_value_eur
    FROM curated.pnl_hourly_history
    WHERE curated.require_past(as_of) AND valid_from <= as_of AND (valid_to IS NULL OR valid_to > as_of);
END;
COMMENT ON FUNCTION curated.pnl_hourly_as_of IS 'What curated.pnl_hourly said at that moment; an error for one in the future';
COMMENT ON FUNCTION curated.pnl_daily_as_of IS 'What curated.pnl_daily said at that moment; an error for one in the future';
COMMENT ON FUNCTION curated.portfolio_pnl_hourly_as_of IS
    'What curated.portfolio_pnl_hourly said at that moment; an error for one in the future';
COMMENT ON FUNCTION curated.portfolio_pnl_daily_as_of IS
    'What curated.portfolio_pnl_daily said at that moment; an error for one in the future';

-- ---------------------------------------------------------------- alarms
COMMENT ON COLUMN ops.alarms.alarm IS 'Its name; docs/runbook.md has a section for each';
COMMENT ON TABLE ops.alarms IS 'Alarms of the platform: one row from when it was raised until it was cleared';
