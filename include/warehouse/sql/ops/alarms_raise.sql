-- Raises an alarm that is not on
INSERT INTO ops.alarms (alarm, since_at, detail)
VALUES (%(alarm)s, %(since_at)s, %(detail)s)
ON CONFLICT (alarm) WHERE cleared_at IS NULL DO NOTHING
