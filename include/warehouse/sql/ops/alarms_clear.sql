-- Clears every alarm that is on and not among these
UPDATE ops.alarms SET cleared_at = clock_timestamp() WHERE cleared_at IS NULL AND alarm <> ALL(%(alarms)s::text[])
