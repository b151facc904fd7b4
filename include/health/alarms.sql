-- name: late
-- What is late and raises an alarm
SELECT last_at, limit_seconds, meaning, alarm, page_code, page_text
FROM ops.freshness
WHERE market = %(market)s AND is_late AND alarm IS NOT NULL

-- name: unreviewed
-- Messages that wait for a person's decision
SELECT problem, count(*) AS message_count, min(received_at) AS since_at, string_agg(DISTINCT reason, '; ') AS reasons
FROM ops.review_queue
WHERE market = %(market)s AND (source = 'trades' OR problem = 'quarantined')
GROUP BY problem
ORDER BY problem

-- name: statement_differences
-- Days whose statement waits for a review, and those of which it added or changed trades within the last day
SELECT statement_day, state, landed_at, reconciled_at, unreviewed_reject_count, unreviewed_unexpected_count,
       unreviewed_cancelled_count, missing_count, differs_count, alike_count
FROM ops.reconciliations
WHERE market = %(market)s
  AND (state <> 'reconciled' OR (missing_count + differs_count > 0 AND reconciled_at > now() - interval '1 day'))
ORDER BY statement_day

-- name: new_fields
-- Fields of trades that were first received after a moment
SELECT name, message_count, first_seen_at
FROM ops.unknown_fields
WHERE market = %(market)s AND first_seen_at > %(since)s
ORDER BY first_seen_at, name
LIMIT 10

-- name: last_trade
-- When the last trade was received, and how long capture instances have been connected since then, since the platform first
-- ran, and since trading opened; by the last batches with trades, since received_at has no index. Times in the future were
-- written while a clock was ahead: they say nothing, and all of this hour's may be such
WITH loads AS NOT MATERIALIZED (
    SELECT f.hour_start_at, b.load_batch_id
    FROM ops.load_batches AS b
    JOIN ops.landing_files AS f USING (landing_file_id)
    WHERE f.market = %(market)s AND b.source = 'trades' AND b.loaded_count > 0
), newest AS (
    SELECT max(received_at) AS last_trade_at
    FROM raw.trades
    WHERE received_at <= now() + interval '30 seconds' AND load_batch_id = ANY (ARRAY(
        (SELECT load_batch_id FROM loads
         WHERE hour_start_at > now() - interval '1 hour' AND hour_start_at <= now() + interval '30 seconds'
         ORDER BY hour_start_at DESC, load_batch_id DESC LIMIT 4)
        UNION ALL
        (SELECT load_batch_id FROM loads
         WHERE hour_start_at <= now() - interval '1 hour'
         ORDER BY hour_start_at DESC, load_batch_id DESC LIMIT 4)
    ))
), silence AS (
    SELECT last_trade_at, greatest(last_trade_at, %(first_run_at)s, %(trading_since)s) AS since_at FROM newest
), connected AS (
    SELECT range_agg(tstzrange(greatest(connected_from, since_at), least(connected_until, now()))) AS spans
    FROM silence
    JOIN ops.connected_intervals ON connected_until > since_at AND greatest(connected_from, since_at) < now()
    JOIN ops.landing_files AS f USING (landing_file_id)
    WHERE f.market = %(market)s
)
SELECT last_trade_at, since_at,
       (SELECT coalesce(sum(extract(epoch FROM upper(span) - lower(span))), 0) FROM unnest(spans) AS span) AS connected_seconds
FROM silence CROSS JOIN connected

-- name: capture_differences
-- What capture instances missed in the last hour that was compared
SELECT capture_instance, hour_start_at, missed_count, missed_trade_ids, first_missed_at
FROM ops.capture_differences
WHERE market = %(market)s
    AND hour_start_at = (SELECT max(hour_start_at) FROM ops.capture_comparisons WHERE market = %(market)s)
    AND hour_start_at > now() - interval '4 hours' AND NOT is_separate_stream
ORDER BY capture_instance

-- name: revised_prices
-- What the provider revised within the last day, the last first
SELECT delivery_day, delivery_hour, previous_price_eur_per_mwh, price_eur_per_mwh, observed_at
FROM ops.price_revisions
WHERE market = %(market)s AND observed_at > now() - interval '1 day'
ORDER BY observed_at DESC, delivery_start_at DESC

-- name: stale_prices
-- Prices that became final within the last day although the provider never updated them, the last first.
-- LIMIT 1, here and wherever the price of some hours is looked up: it keeps the planner from computing the whole view.
SELECT r.delivery_day, r.delivery_hour, r.provider_updated_at, r.observed_at
FROM (
    SELECT DISTINCT o.market, o.delivery_day, o.delivery_hour
    FROM raw.reference_prices AS o
    JOIN raw.delivery_periods AS p USING (market, delivery_day, delivery_hour)
    WHERE o.market = %(market)s AND o.observed_at > now() - interval '1 day'
        AND o.observed_at >= p.stale_price_final_from AND o.provider_updated_at < p.price_current_from
) AS stale
CROSS JOIN LATERAL (
    SELECT * FROM curated.reference_prices AS c
    WHERE (c.market, c.delivery_day, c.delivery_hour) = (stale.market, stale.delivery_day, stale.delivery_hour)
    LIMIT 1
) AS r
WHERE r.is_stale AND r.price_status = 'final'
ORDER BY r.observed_at DESC, r.delivery_start_at DESC

-- name: equal_prices
-- Whether the hours that are open for trading, and whose price was answered lately, all have the same one
SELECT count(*) AS hours, trim_scale(min(r.price_eur_per_mwh)) AS price_eur_per_mwh, max(r.observed_at) AS observed_at
FROM raw.delivery_periods AS p
CROSS JOIN LATERAL (
    SELECT c.price_eur_per_mwh, c.observed_at
    FROM curated.reference_prices AS c
    WHERE (c.market, c.delivery_day, c.delivery_hour) = (p.market, p.delivery_day, p.delivery_hour)
    LIMIT 1
) AS r
WHERE p.market = %(market)s AND p.delivery_start_at > now() AND p.delivery_start_at < now() + interval '3 days'
    AND p.tradable_from <= now() AND p.tradable_until > now()
    AND r.observed_at > now() - interval '25 minutes'
HAVING count(*) >= %(suspicious_hours)s AND count(DISTINCT r.price_eur_per_mwh) = 1

-- name: undefined_prices
-- Whether the provider lately knew no price of any hour that it was asked for, although some of them are traded
WITH asked AS MATERIALIZED (
    SELECT DISTINCT ON (delivery_day, delivery_hour) delivery_day, delivery_hour, price_eur_per_mwh, observed_at
    FROM raw.reference_prices
    WHERE market = %(market)s AND observed_at > now() - interval '25 minutes'
    ORDER BY delivery_day, delivery_hour, observed_at DESC
), judged AS (
    SELECT a.*, EXISTS (
        SELECT FROM raw.period_hours AS h
        JOIN raw.trades AS t USING (market, delivery_day, delivery_hour)
        WHERE (h.market, h.delivery_day, h.pnl_hour) = (%(market)s, a.delivery_day, a.delivery_hour)
    ) AS is_traded
    FROM asked AS a
)
SELECT
    count(*) AS hours,
    count(*) FILTER (WHERE is_traded) AS traded_hours,
    min(observed_at) AS since_at,
    (
        SELECT string_agg(DISTINCT 'HTTP ' || status, ', ')
        FROM ops.provider_requests
        WHERE market = %(market)s AND requested_at > now() - interval '25 minutes' AND is_answer
    ) AS statuses
FROM judged
HAVING count(*) >= %(suspicious_hours)s AND bool_and(price_eur_per_mwh IS NULL) AND bool_or(is_traded)

-- name: alarms_raise
-- Raises an alarm; one that is on says what is the matter by now
INSERT INTO ops.alarms (market, alarm, since_at, detail, page_code, page_text, severity)
VALUES (%(market)s, %(alarm)s, %(since_at)s, %(detail)s, %(page_code)s, %(page_text)s, %(severity)s)
ON CONFLICT (market, alarm) WHERE cleared_at IS NULL DO UPDATE SET
    detail = excluded.detail, page_code = excluded.page_code, page_text = excluded.page_text, severity = excluded.severity
WHERE (alarms.detail, alarms.page_code, alarms.page_text, alarms.severity)
      IS DISTINCT FROM (excluded.detail, excluded.page_code, excluded.page_text, excluded.severity)

-- name: alarms_outdated
-- Clears an alarm that has news, or another severity by now: it is raised again, so that people are notified
UPDATE ops.alarms SET cleared_at = clock_timestamp()
WHERE market = %(market)s AND alarm = %(alarm)s AND cleared_at IS NULL
    AND (severity <> %(severity)s OR (since_at < %(since_at)s AND %(is_news)s))

-- name: alarms_clear
-- Clears every alarm of the market that is on and not among these
UPDATE ops.alarms SET cleared_at = clock_timestamp()
WHERE market = %(market)s AND cleared_at IS NULL AND alarm <> ALL(%(alarms)s::text[])

-- name: alarms_to_tell
-- Alarms of the market that are on, and for a week those that are over, each with the channels that heard of it and not yet of its end.
-- One that was raised again says nothing of its first end to a channel while it is on, nor if that heard of it once more: the next end
-- is the end of both. Only the end of a critical alarm that is a warning now is announced meanwhile
SELECT
    alarm_id, alarm, severity, since_at, raised_at, cleared_at, detail, open_channels,
    cleared_at IS NOT NULL AND EXISTS (
        SELECT FROM ops.alarms AS n
        WHERE (n.market, n.alarm) = (a.market, a.alarm) AND n.cleared_at IS NULL AND n.severity = 'warning'
    ) AS is_warning_now,
    -- who reads it has to know which market it is about
    (SELECT count(*) > 1 FROM ops.markets WHERE position IS NOT NULL) AS has_several_markets
FROM ops.alarms AS a
CROSS JOIN LATERAL (
    SELECT array_agg(DISTINCT sent.channel) AS open_channels
    FROM ops.notifications AS sent
    WHERE sent.about = format('alarm %%s raised', a.alarm_id) AND sent.channel = ANY(%(channels)s) AND sent.state = 'sent'
        AND NOT EXISTS (SELECT FROM ops.notifications AS n
                        WHERE (n.about, n.channel, n.state) = (format('alarm %%s cleared', a.alarm_id), sent.channel, 'sent'))
        AND NOT EXISTS (SELECT FROM ops.alarms AS again
                        WHERE (again.market, again.alarm) = (a.market, a.alarm) AND again.alarm_id > a.alarm_id
                            AND again.severity IN (a.severity, 'critical')
                            AND (again.cleared_at IS NULL
                                 OR EXISTS (SELECT FROM ops.notifications AS n
                                            WHERE (n.about, n.channel, n.state)
                                                = (format('alarm %%s raised', again.alarm_id), sent.channel, 'sent'))))
) AS heard
WHERE market = %(market)s
    AND (cleared_at IS NULL OR cleared_at > now() - interval '7 days')
    AND (cleared_at IS NULL OR open_channels IS NOT NULL)
ORDER BY alarm_id
