CREATE FUNCTION curated.current_moment() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT greatest(
        clock_timestamp(),
        (SELECT max(valid_from) FROM curated.pnl_versions),
        (SELECT max(valid_to) FROM curated.pnl_versions WHERE valid_to IS NOT NULL)
    );
END;
COMMENT ON FUNCTION curated.current_moment IS
    'The moment whose numbers stand: now, or that of the last publication if the clock was set back since';

CREATE OR REPLACE FUNCTION curated.require_past(as_of timestamptz) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF as_of > clock_timestamp() AND as_of > curated.current_moment() THEN
        RAISE invalid_parameter_value USING MESSAGE = format('as_of is in the future: %s', as_of),
            HINT = 'What will be said then is not known. Ask for a moment of the past, or read the view for what stands.';
    END IF;
    RETURN as_of IS NOT NULL;
END
$$;

ALTER TABLE ops.final_days ALTER COLUMN final_at SET DEFAULT curated.current_moment();

COMMENT ON COLUMN ops.capture_comparisons.trade_count IS 'Trades that it received, each revision once';
