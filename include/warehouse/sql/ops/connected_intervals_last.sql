SELECT connected_from, connected_until
FROM ops.connected_intervals
WHERE landing_file_id = %(landing_file_id)s
ORDER BY connected_from DESC
LIMIT 1
