-- name: landing_files_stuck
-- Files whose rest could not be loaded, all or those of a window of receipt
SELECT landing_file, line_count + 1 AS from_line, load_error
FROM ops.landing_files
WHERE market = %(market)s AND load_error IS NOT NULL
    AND (%(start_at)s::timestamptz IS NULL OR hour_start_at >= %(start_at)s AND hour_start_at < %(end_at)s)
ORDER BY hour_start_at, landing_file

-- name: hours_to_review
-- The hours of receipt with messages that nobody has reviewed: a quarantined trade, or many rejects that are a large
-- share of the messages of the hour, by all capture instances together. A torn line is no message.
SELECT *
FROM (
    SELECT
        hour_start_at,
        count(*) FILTER (WHERE problem = 'quarantined') AS trade_count,
        (array_agg(trade_id ORDER BY received_at, landing_file, line_number)
         FILTER (WHERE problem = 'quarantined'))[:%(examples)s] AS trade_ids,
        array_agg(DISTINCT reason) FILTER (WHERE problem = 'quarantined') AS expectations,
        count(*) FILTER (WHERE problem = 'rejected') AS reject_count,
        array_agg(DISTINCT reason) FILTER (WHERE problem = 'rejected') AS reasons
    FROM ops.review_queue
    WHERE market = %(market)s AND source = 'trades' AND hour_start_at >= %(start_at)s AND hour_start_at < %(end_at)s
    GROUP BY hour_start_at
) AS waiting
CROSS JOIN LATERAL (
    SELECT sum(loaded_count + duplicate_count + rejected_count)
           - (SELECT count(*)
              FROM ops.rejected_messages AS m
              JOIN ops.landing_files AS f USING (landing_file_id)
              WHERE f.market = %(market)s AND f.source = 'trades' AND f.hour_start_at = waiting.hour_start_at AND m.reason_code = 'torn_line')
           AS message_count
    FROM ops.landing_files
    WHERE market = %(market)s AND source = 'trades' AND hour_start_at = waiting.hour_start_at
) AS received
WHERE trade_count > 0
   OR (reject_count > %(few_rejects)s AND reject_count * 100 > message_count * %(max_percent)s)
ORDER BY hour_start_at
