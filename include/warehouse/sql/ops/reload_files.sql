-- Landing files to load again for a range of delivery days: received while these days were traded and delivered, or
-- known to hold rows of them; without those that this reload has loaded already
SELECT f.landing_file
FROM ops.landing_files AS f
WHERE f.source = %(source)s
  AND ((f.hour_start_at >= date_trunc('hour', %(start_at)s::timestamptz) AND f.hour_start_at < %(end_at)s)
       OR f.landing_file_id IN (
           SELECT landing_file_id FROM raw.trades WHERE delivery_day BETWEEN %(first_day)s AND %(last_day)s
           UNION
           SELECT landing_file_id FROM raw.reference_prices WHERE delivery_day BETWEEN %(first_day)s AND %(last_day)s))
  AND NOT EXISTS (
       SELECT FROM ops.load_batches AS b
       WHERE b.landing_file_id = f.landing_file_id AND b.is_reload AND b.loaded_at >= %(since)s)
ORDER BY f.hour_start_at, f.landing_file
