-- Part of the transaction that publishes these days
UPDATE ops.rebuilds SET
    done_until = %(done_until)s,
    rows_built = rows_built + %(rows_built)s,
    rows_changed = rows_changed + %(rows_changed)s,
    finished_at = CASE WHEN %(done_until)s >= to_day THEN clock_timestamp() END
WHERE rebuild_id = %(rebuild_id)s
RETURNING rows_built, rows_changed
