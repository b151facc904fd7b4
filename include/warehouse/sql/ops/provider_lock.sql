-- one process at a time decides about the budget; the lock ends with the transaction
SELECT
    set_config('lock_timeout', %(lock_milliseconds)s, true),
    pg_advisory_xact_lock(hashtextextended('ops.provider_requests', 0))
