-- The rows of ops.rebuilds, which all tasks of a rebuild share

-- name: rebuild_begin
-- A rebuild that is asked for; asked for again with all its tasks, it starts over
INSERT INTO ops.rebuilds AS known (market, rebuild_id, from_day, to_day)
VALUES (%(market)s, %(rebuild_id)s, %(from_day)s, %(to_day)s)
ON CONFLICT (market, rebuild_id) DO UPDATE SET
    from_day = excluded.from_day, to_day = excluded.to_day, started_at = clock_timestamp(),
    reloaded_at = NULL, done_until = NULL, finished_at = NULL, rows_built = 0, rows_changed = 0

-- name: rebuild_state
-- A rebuild that was begun lately and not finished, and whether its files are loaded again already
SELECT reloaded_at IS NOT NULL AS is_reloaded
FROM ops.rebuilds
WHERE market = %(market)s AND rebuild_id = %(rebuild_id)s AND finished_at IS NULL AND started_at > clock_timestamp() - %(resume_within)s

-- name: rebuild_started_at
SELECT started_at FROM ops.rebuilds WHERE market = %(market)s AND rebuild_id = %(rebuild_id)s

-- name: reload_begin
-- From when on a file counts as loaded again: a killed reload goes on, a finished one that is run again starts over
UPDATE ops.rebuilds SET
    started_at = CASE WHEN reloaded_at IS NULL THEN started_at ELSE clock_timestamp() END,
    reloaded_at = NULL
WHERE market = %(market)s AND rebuild_id = %(rebuild_id)s
RETURNING started_at

-- name: reload_files
-- Landing files to load again for a range of delivery days: received while these days were traded and delivered, or
-- known to hold rows of them; without those that this reload has loaded already
SELECT f.landing_file
FROM ops.landing_files AS f
WHERE f.market = %(market)s AND f.source = %(source)s
  -- of statements those of the days on which these days were traded
  AND ((f.source = 'statements' AND substring(f.landing_file FROM 'date=(\d{4}-\d\d-\d\d)/')::date
            BETWEEN %(first_day)s - 1 AND %(last_day)s)
       OR (f.source <> 'statements' AND f.hour_start_at >= date_trunc('hour', %(start_at)s::timestamptz)
           AND f.hour_start_at < %(end_at)s)
       OR f.landing_file_id IN (
           SELECT landing_file_id FROM raw.trades WHERE market = %(market)s AND delivery_day BETWEEN %(first_day)s AND %(last_day)s
           UNION
           SELECT landing_file_id FROM raw.reference_prices
           WHERE market = %(market)s AND delivery_day BETWEEN %(first_day)s AND %(last_day)s))
  AND NOT EXISTS (
       SELECT FROM ops.load_batches AS b
       WHERE b.landing_file_id = f.landing_file_id AND b.is_reload AND b.loaded_at >= %(since)s)
ORDER BY f.hour_start_at, f.landing_file

-- name: reload_end
UPDATE ops.rebuilds SET reloaded_at = clock_timestamp() WHERE market = %(market)s AND rebuild_id = %(rebuild_id)s

-- name: rebuild_resume
-- How far a rebuild got; one that was finished and is run again starts over
UPDATE ops.rebuilds SET
    done_until = CASE WHEN finished_at IS NULL THEN done_until END,
    rows_built = CASE WHEN finished_at IS NULL THEN rows_built ELSE 0 END,
    rows_changed = CASE WHEN finished_at IS NULL THEN rows_changed ELSE 0 END,
    finished_at = NULL
WHERE market = %(market)s AND rebuild_id = %(rebuild_id)s
RETURNING done_until

-- name: rebuild_advance
-- Part of the transaction that publishes these days
UPDATE ops.rebuilds SET
    done_until = %(done_until)s,
    rows_built = rows_built + %(rows_built)s,
    rows_changed = rows_changed + %(rows_changed)s,
    finished_at = CASE WHEN %(done_until)s >= to_day THEN clock_timestamp() END
WHERE market = %(market)s AND rebuild_id = %(rebuild_id)s
RETURNING rows_built, rows_changed
