-- ---------------------------------------------------------------- has anything changed?
CREATE INDEX pnl_hourly_history_valid_from ON curated.pnl_hourly_history (valid_from);
CREATE INDEX pnl_hourly_history_valid_to ON curated.pnl_hourly_history (valid_to) WHERE valid_to IS NOT NULL;
COMMENT ON INDEX curated.pnl_hourly_history_valid_from IS 'The trading desk asks each second what was published last';
COMMENT ON INDEX curated.pnl_hourly_history_valid_to IS 'The trading desk asks each second what was replaced or removed last';

-- ---------------------------------------------------------------- who trades at all?
CREATE INDEX pnl_hourly_trader ON curated.pnl_hourly (trader_id, delivery_day);
COMMENT ON INDEX curated.pnl_hourly_trader IS 'The list of traders by jumping from one to the next, and one trader''s days';

-- ---------------------------------------------------------------- what did the other views say then?
-- each made of the view's own definition, so that the formulas cannot differ
DO $$
DECLARE
    relation text;
    definition text;
BEGIN
    FOREACH relation IN ARRAY ARRAY['pnl_daily', 'portfolio_pnl_hourly', 'portfolio_pnl_daily'] LOOP
        definition := rtrim(pg_get_viewdef(format('curated.%I', relation)::regclass), ';');
        -- a view reads either the table or another view
        definition := regexp_replace(definition, '\mFROM (curated\.)?(pnl_hourly|portfolio_pnl_hourly)\M',
                                     'FROM curated.\2_as_of($1) AS \2', 'g');
        IF definition NOT LIKE '%\_as\_of($1)%' THEN
            RAISE EXCEPTION 'curated.% is not defined as expected: %', relation, definition;
        END IF;
        EXECUTE format('CREATE FUNCTION curated.%I(as_of timestamptz) RETURNS SETOF curated.%I LANGUAGE sql STABLE'
                       ' BEGIN ATOMIC %s; END', relation || '_as_of', relation, definition);
    END LOOP;
END
$$;
COMMENT ON FUNCTION curated.pnl_daily_as_of IS 'What curated.pnl_daily said at that moment';
COMMENT ON FUNCTION curated.portfolio_pnl_hourly_as_of IS 'What curated.portfolio_pnl_hourly said at that moment';
COMMENT ON FUNCTION curated.portfolio_pnl_daily_as_of IS 'What curated.portfolio_pnl_daily said at that moment';
