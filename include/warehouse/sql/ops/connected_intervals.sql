INSERT INTO ops.connected_intervals AS known (landing_file_id, connected_from, connected_until)
VALUES (%(landing_file_id)s, %(connected_from)s, %(connected_until)s)
ON CONFLICT (landing_file_id, connected_from) DO UPDATE
SET connected_until = greatest(known.connected_until, excluded.connected_until)
