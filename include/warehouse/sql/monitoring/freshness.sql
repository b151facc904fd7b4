-- What has to stay fresh: when it last was, how old it may be, and whether it is late
SELECT thing, last_at, limit_seconds, is_late FROM ops.freshness
