-- How far a rebuild got; one that was finished and is run again starts over
UPDATE ops.rebuilds SET
    done_until = CASE WHEN finished_at IS NULL THEN done_until END,
    rows_built = CASE WHEN finished_at IS NULL THEN rows_built ELSE 0 END,
    rows_changed = CASE WHEN finished_at IS NULL THEN rows_changed ELSE 0 END,
    finished_at = NULL
WHERE rebuild_id = %(rebuild_id)s
RETURNING done_until
