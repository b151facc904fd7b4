-- The capture lines of the last day, as far as their files are loaded: a file an hour and process
WITH files AS (
    SELECT landing_file_id, last_received_at, is_connected AND NOT is_complete AS is_connected,
           regexp_match(landing_file, '([^/-]+)-([^/]+)-\d+-\d{8}T\d+Z\.jsonl$') AS parts
    FROM ops.landing_files
    WHERE source = 'trades' AND hour_start_at > now() - interval '1 day'
), lines AS (
    SELECT parts[1] AS name, parts[2] AS host, max(last_received_at) AS last_message_at,
           (array_agg(is_connected ORDER BY last_received_at DESC NULLS LAST))[1] AS is_connected
    FROM files
    WHERE parts IS NOT NULL
    GROUP BY parts
), spans AS (
    SELECT parts, connected_from,
           -- the turn of the hour, where the next file begins, is no new connection
           connected_from > interval '1 second' + max(connected_until) OVER (
               PARTITION BY parts ORDER BY connected_from, connected_until
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS is_new
    FROM files
    JOIN ops.connected_intervals USING (landing_file_id)
), since AS (
    SELECT parts[1] AS name, parts[2] AS host,
           max(connected_from) FILTER (WHERE is_new IS NOT false) AS connected_since
    FROM spans
    GROUP BY parts
), rates AS (
    -- what the loads of the last ten minutes brought, a minute
    SELECT parts[1] AS name, parts[2] AS host,
           round(sum(b.loaded_count + b.duplicate_count + b.rejected_count)
                 / greatest(extract(epoch FROM max(b.loaded_at) - min(b.loaded_at)) / 60, 1))::bigint AS per_minute
    FROM files
    JOIN ops.load_batches AS b USING (landing_file_id)
    WHERE b.loaded_at > now() - interval '10 minutes'
    GROUP BY parts
)
SELECT name, host, CASE WHEN is_connected THEN connected_since END AS connected_since, last_message_at,
       coalesce(per_minute, 0) AS messages_last_minute, is_connected
FROM lines
LEFT JOIN since USING (name, host)
LEFT JOIN rates USING (name, host)
ORDER BY name, host
