-- When no capture line was connected, the last first
SELECT gap_start_at, gap_end_at, gap_seconds, is_ongoing
FROM ops.capture_gaps
WHERE gap_start_at < %(until_at)s AND gap_end_at > %(from_at)s
ORDER BY gap_start_at DESC
LIMIT %(limit)s
