-- What was refused, by source and reason
SELECT source, reason_code, count(*) AS count
FROM ops.rejected_messages
GROUP BY source, reason_code
