COMMENT ON TABLE curated.pnl_versions IS 'Every version of PnL of each trader in each hour of delivery: facts, and what is generated from them; curated.pnl_hourly shows the versions that stand';

-- one word for a trade, on the page as everywhere
DO $$
DECLARE
    query text := pg_get_viewdef('ops.freshness'::regclass);
    words text;
BEGIN
    FOREACH words IN ARRAY ARRAY[
        'The hourly calculation is late: what you see may lack the last trades and prices.',
        'New trades have not reached this page: what you see ends here.',
        'PnL has not been calculated anew: what you see may lack the last trades and prices.',
        'Some trades or prices have arrived and are not in PnL yet.'
    ] LOOP
        query := replace(query, replace(words, 'trades', 'deals'), words);
    END LOOP;
    EXECUTE 'CREATE OR REPLACE VIEW ops.freshness AS ' || query;
END
$$;

COMMENT ON COLUMN raw.reference_prices.price_eur_per_mwh IS 'EUR/MWh, rounded half up to 10 decimals if the provider sends more; NULL: the provider had none yet (undefined), never 0 for that';
