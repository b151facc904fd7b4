-- The clock that these files were written by was set back: a moment counts as connected only if they say so
-- both by the clock as it went and by the clock as it was set
WITH claimed AS (
    DELETE FROM ops.connected_intervals
    WHERE landing_file_id IN (
        SELECT landing_file_id FROM ops.landing_files WHERE landing_file = ANY(%(landing_files)s::text[]))
    RETURNING landing_file_id, connected_from, connected_until
), shifted AS (
    SELECT range_agg(tstzrange(connected_from + make_interval(secs => %(seconds)s),
                               connected_until + make_interval(secs => %(seconds)s))) AS spans
    FROM claimed
), kept AS (
    SELECT landing_file_id,
           unnest(range_agg(tstzrange(connected_from, connected_until)) * (SELECT spans FROM shifted)) AS span
    FROM claimed
    GROUP BY landing_file_id
)
INSERT INTO ops.connected_intervals (landing_file_id, connected_from, connected_until)
SELECT landing_file_id, lower(span), upper(span)
FROM kept
