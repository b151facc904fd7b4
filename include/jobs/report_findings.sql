-- name: landing_files_stuck
-- Files whose rest could not be loaded, all or those of a window of receipt
SELECT landing_file, line_count + 1 AS from_line, load_error
FROM ops.landing_files
WHERE load_error IS NOT NULL
    AND (%(start_at)s::timestamptz IS NULL OR hour_start_at >= %(start_at)s AND hour_start_at < %(end_at)s)
ORDER BY hour_start_at, landing_file
