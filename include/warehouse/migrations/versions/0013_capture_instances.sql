-- The term for what captures is capture instance, also in what views say
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW ops.incomplete_periods AS '
            || replace(pg_get_viewdef('ops.incomplete_periods'::regclass), 'no capture line was', 'no capture instance was');
END
$$;
COMMENT ON VIEW ops.capture_gaps IS 'When no capture instance was connected, as far as the landing files are known; messages of that time were not received';
COMMENT ON TABLE ops.connected_intervals IS 'When a capture instance was provably connected to the exchange, from the journal in its files';
