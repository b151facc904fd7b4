INSERT INTO ops.landing_scans AS known (source, scanned_at)
VALUES (%(source)s, %(scanned_at)s)
ON CONFLICT (source) DO UPDATE SET scanned_at = greatest(known.scanned_at, excluded.scanned_at)
