-- One validation of a source at a time: a second one waits, then finds nothing left to do; held until the connection closes
SELECT pg_advisory_lock(hashtextextended('ops.load_batches ' || %(source)s, 0))
