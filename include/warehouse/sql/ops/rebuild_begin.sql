-- A rebuild that is asked for; asked for again with all its tasks, it starts over
INSERT INTO ops.rebuilds AS known (rebuild_id, from_day, to_day)
VALUES (%(rebuild_id)s, %(from_day)s, %(to_day)s)
ON CONFLICT (rebuild_id) DO UPDATE SET
    from_day = excluded.from_day, to_day = excluded.to_day, started_at = clock_timestamp(),
    reloaded_at = NULL, done_until = NULL, finished_at = NULL, rows_built = 0, rows_changed = 0
