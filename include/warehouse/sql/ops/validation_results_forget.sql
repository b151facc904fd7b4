-- What was met says nothing after a week that the state of its batches does not say; what was not met stays for ever
DELETE FROM ops.validation_results WHERE is_success AND validated_at < clock_timestamp() - interval '7 days'
