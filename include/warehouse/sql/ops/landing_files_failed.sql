-- Why the file could not be loaded; the next load that succeeds clears it
INSERT INTO ops.landing_files AS known (landing_file, source, hour_start_at, load_error)
VALUES (%(landing_file)s, %(source)s, %(hour_start_at)s, %(load_error)s)
ON CONFLICT (landing_file) DO UPDATE SET load_error = excluded.load_error
