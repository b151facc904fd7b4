-- Waits for the moment of a publication; false: it had passed before everything was written
SELECT %(published_at)s >= clock_timestamp() AS is_in_time,
       pg_sleep(greatest(extract(epoch FROM %(published_at)s - clock_timestamp()), 0))
