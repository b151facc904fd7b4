-- What files claim stays as it was loaded; what a step of the clock takes away of it is decided when it is read: so it does not
-- matter which of the files is loaded first, or again
ALTER TABLE ops.connected_intervals SET SCHEMA staging;
ALTER TABLE staging.connected_intervals RENAME TO claimed_intervals;
ALTER INDEX staging.connected_intervals_span RENAME TO claimed_intervals_span;
ALTER INDEX staging.connected_intervals_pkey RENAME TO claimed_intervals_pkey;
COMMENT ON TABLE staging.claimed_intervals IS 'When a capture instance was provably connected by the clock that its file was written with';

CREATE TABLE staging.clock_steps (
    landing_file_id bigint NOT NULL REFERENCES ops.landing_files,
    landing_file text NOT NULL,
    seconds double precision NOT NULL,
    PRIMARY KEY (landing_file_id, landing_file)
);
CREATE INDEX clock_steps_file ON staging.clock_steps (landing_file);
COMMENT ON TABLE staging.clock_steps IS 'A capture instance whose clock was set right, and each file whose times this puts in doubt';
COMMENT ON COLUMN staging.clock_steps.landing_file_id IS 'The file at whose end the clock was set right';
COMMENT ON COLUMN staging.clock_steps.landing_file IS 'Path of a file whose times are in doubt, itself included; it may not be loaded yet';
COMMENT ON COLUMN staging.clock_steps.seconds IS 'By how much the clock was set, s; negative: back';

CREATE VIEW ops.connected_intervals AS
WITH doubted AS (
    SELECT s.landing_file_id AS step_file_id, s.seconds, f.landing_file_id
    FROM staging.clock_steps AS s
    JOIN ops.landing_files AS f USING (landing_file)
), shifted AS (
    SELECT
        d.step_file_id,
        range_agg(tstzrange(c.connected_from + make_interval(secs => d.seconds),
                            c.connected_until + make_interval(secs => d.seconds))) AS spans
    FROM doubted AS d
    JOIN staging.claimed_intervals AS c USING (landing_file_id)
    GROUP BY d.step_file_id
), confirmed AS (
    SELECT d.landing_file_id, range_intersect_agg(s.spans) AS spans
    FROM doubted AS d
    JOIN shifted AS s USING (step_file_id)
    GROUP BY d.landing_file_id
)
SELECT landing_file_id, connected_from, connected_until
FROM staging.claimed_intervals
WHERE landing_file_id NOT IN (SELECT landing_file_id FROM doubted)
UNION ALL
-- a moment counts as connected only if the files say so both by the clock as it went and by the clock as it was set
SELECT landing_file_id, lower(span), upper(span)
FROM (
    SELECT c.landing_file_id, unnest(range_agg(tstzrange(c.connected_from, c.connected_until)) * s.spans) AS span
    FROM confirmed AS s
    JOIN staging.claimed_intervals AS c USING (landing_file_id)
    GROUP BY c.landing_file_id, s.spans
) AS kept;
COMMENT ON VIEW ops.connected_intervals IS 'When a capture instance was provably connected to the exchange, from the journal in its files and what is known of its clock';
COMMENT ON COLUMN ops.connected_intervals.landing_file_id IS 'The file whose journal says so';
COMMENT ON COLUMN ops.connected_intervals.connected_from IS 'Connected, or the file began while connected';
COMMENT ON COLUMN ops.connected_intervals.connected_until IS 'Last proof of life: message, heartbeat or orderly end';

-- the gaps are those of what is proven
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW staging.connection_gaps AS '
            || replace(pg_get_viewdef('staging.connection_gaps'::regclass), 'staging.claimed_intervals', 'ops.connected_intervals');
END
$$;
