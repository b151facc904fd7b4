-- name: connected_intervals_of_files
-- When the writers of these files were provably connected, as far as the files are loaded
SELECT connected_from, connected_until
FROM ops.connected_intervals
JOIN ops.landing_files USING (landing_file_id)
WHERE landing_file = ANY(%(landing_files)s::text[])

-- name: trades_received_before
-- Which of these trades were received before the given times, by their position: they came again
SELECT DISTINCT asked.number
FROM unnest(%(trade_ids)s::text[], %(directions)s::text[], %(revisions)s::bigint[], %(received_at)s::timestamptz[])
    WITH ORDINALITY AS asked (trade_id, direction, revision, received_at, number)
JOIN raw.trades AS t
    ON t.market = %(market)s AND t.trade_id = asked.trade_id AND left(t.direction, 1) = asked.direction
    AND t.revision = asked.revision AND t.received_at < asked.received_at

-- name: comparisons_delete
-- What an earlier comparison of the hour found for instances that have no files any more
DELETE FROM ops.capture_comparisons
WHERE market = %(market)s AND hour_start_at = %(hour_start_at)s
    AND capture_instance <> ALL(%(capture_instances)s::text[])

-- name: comparisons_store
INSERT INTO ops.capture_comparisons (
    market, hour_start_at, capture_instance, trade_count, shared_count, missed_count, missed_trade_ids, first_missed_at,
    last_missed_at
)
VALUES (
    %(market)s, %(hour_start_at)s, %(capture_instance)s, %(trade_count)s, %(shared_count)s, %(missed_count)s,
    %(missed_trade_ids)s::text[], %(first_missed_at)s, %(last_missed_at)s
)
ON CONFLICT (market, hour_start_at, capture_instance) DO UPDATE SET
    trade_count = excluded.trade_count,
    shared_count = excluded.shared_count,
    missed_count = excluded.missed_count,
    missed_trade_ids = excluded.missed_trade_ids,
    first_missed_at = excluded.first_missed_at,
    last_missed_at = excluded.last_missed_at,
    compared_at = excluded.compared_at
