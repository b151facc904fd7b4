-- From when on a file counts as loaded again: a killed reload goes on, a finished one that is run again starts over
UPDATE ops.rebuilds SET
    started_at = CASE WHEN reloaded_at IS NULL THEN started_at ELSE clock_timestamp() END,
    reloaded_at = NULL
WHERE rebuild_id = %(rebuild_id)s
RETURNING started_at
