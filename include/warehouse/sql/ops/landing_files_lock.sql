-- The file's ledger row, made if there is none, locked until the load commits: a second loader waits here
INSERT INTO ops.landing_files AS known (landing_file, source, hour_start_at)
VALUES (%(landing_file)s, %(source)s, %(hour_start_at)s)
ON CONFLICT (landing_file) DO UPDATE SET source = known.source
RETURNING landing_file_id, loaded_bytes, line_count, is_complete, is_connected, last_received_at
