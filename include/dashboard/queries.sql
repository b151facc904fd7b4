-- Queries of the trading desk: read-only, as analyst

-- name: statement_timeout_of_session
SELECT set_config('statement_timeout', %(timeout)s, false)

-- name: version
-- Changes whenever anything on the page changes; costs a few index lookups. A publication is committed after its
-- valid_from, and perhaps after a later one, so those of the last minutes are counted as well
WITH recent AS (
    SELECT date_bin('10 minutes', now(), timestamptz 'epoch') - interval '10 minutes' AS since_at
)
SELECT
    md5(ROW(
        -- what is late depends on the clock as well
        date_trunc('minute', now()),
        (SELECT max(valid_from) FROM curated.pnl_versions),
        (SELECT count(*) FROM curated.pnl_versions WHERE valid_from >= (SELECT since_at FROM recent)),
        (SELECT max(valid_to) FROM curated.pnl_versions WHERE valid_to IS NOT NULL),
        (SELECT count(*) FROM curated.pnl_versions WHERE valid_to >= (SELECT since_at FROM recent)),
        (SELECT max(load_batch_id) FROM ops.load_batches),
        (SELECT ROW(count(*), sum(load_batch_id)) FROM ops.load_batches WHERE state <> 'accepted'),
        (SELECT ROW(count(*), count(review)) FROM ops.quarantined_trades),
        (SELECT ROW(count(*), max(reconciled_at)) FROM ops.statements),
        (SELECT ROW(count(*), max(pending_id)) FROM ops.pending_delivery_periods),
        (SELECT max(scanned_at) FROM ops.landing_scans),
        (SELECT max(validation_result_id) FROM ops.validation_results),
        (SELECT max(alarm_id) FROM ops.alarms),
        (SELECT count(*) FROM ops.alarms WHERE cleared_at IS NULL),
        (SELECT ROW(max(task_run_id), max(ended_at), count(ended_at))
         FROM (SELECT task_run_id, ended_at FROM ops.task_runs ORDER BY task_run_id DESC LIMIT 50) AS last)
    )::text) AS version,
    (SELECT min(delivery_day) FROM curated.pnl_hourly) AS first_day,
    (SELECT max(delivery_day) FROM curated.pnl_hourly) AS last_day

-- name: traders
-- Everybody who ever traded in the market, by jumping from one to the next in the index
WITH RECURSIVE traders AS (
    (SELECT trader_id FROM curated.pnl_hourly WHERE market = %(market)s ORDER BY trader_id LIMIT 1)
    UNION ALL
    SELECT (SELECT p.trader_id FROM curated.pnl_hourly AS p
            WHERE p.market = %(market)s AND p.trader_id > t.trader_id ORDER BY p.trader_id LIMIT 1)
    FROM traders AS t
    WHERE t.trader_id IS NOT NULL
)
SELECT trader_id FROM traders WHERE trader_id IS NOT NULL

-- name: pnl_hourly
-- PnL by delivery period of one trader or of each. Here and below as_of is a moment of the past, or NULL for what is said now:
-- the planner leaves the other half out
SELECT *
FROM (
    SELECT * FROM curated.pnl_hourly WHERE %(as_of)s IS NULL
    UNION ALL
    SELECT * FROM curated.pnl_hourly_as_of(%(as_of)s)
) AS pnl
WHERE market = %(market)s AND delivery_day BETWEEN %(from_day)s AND %(to_day)s
    AND (%(all_traders)s OR trader_id = %(trader_id)s)
ORDER BY delivery_start_at, delivery_end_at, delivery_hour, trader_id

-- name: portfolio_pnl_hourly
-- PnL by delivery period of the portfolio
SELECT *, NULL AS trader_id
FROM (
    SELECT * FROM curated.portfolio_pnl_hourly WHERE %(as_of)s IS NULL
    UNION ALL
    SELECT * FROM curated.portfolio_pnl_hourly_as_of(%(as_of)s)
) AS pnl
WHERE market = %(market)s AND delivery_day BETWEEN %(from_day)s AND %(to_day)s
ORDER BY delivery_start_at, delivery_end_at, delivery_hour

-- name: limit_breaches
-- Limits that were reached for a delivery day, by a trader or, of the portfolio, by anybody; of one that was changed the last
SELECT DISTINCT ON (delivery_hour, measure, trader_id)
       measure, trader_id, delivery_hour, reached_at, value, limit_value, trade_id,
       CASE WHEN measure = 'position_mwh' THEN value * (
           SELECT CASE WHEN sum(net_position_mwh) < 0 THEN -1 WHEN sum(net_position_mwh) >= 0 THEN 1 END
           FROM curated.pnl_versions AS v
           WHERE (v.market, v.delivery_day, v.delivery_hour) = (b.market, b.delivery_day, b.delivery_hour)
             AND (b.trader_id IS NULL OR v.trader_id = b.trader_id)
             AND v.valid_from <= b.reached_at AND (v.valid_to IS NULL OR v.valid_to > b.reached_at)
       ) END AS net_position_mwh
FROM ops.limit_breaches AS b
WHERE market = %(market)s AND delivery_day = %(day)s AND (%(trader_id)s IS NULL OR trader_id = %(trader_id)s)
    AND (%(as_of)s::timestamptz IS NULL OR reached_at <= %(as_of)s)
ORDER BY delivery_hour NULLS FIRST, measure, trader_id NULLS FIRST, reached_at DESC

-- name: limits_reached
-- Limits that are reached now for a delivery day that is not over
SELECT measure, trader_id, delivery_hour
FROM ops.limits_reached
WHERE market = %(market)s AND delivery_day = %(day)s

-- name: pnl_daily
-- PnL by delivery day of one trader or of each
SELECT *
FROM (
    SELECT * FROM curated.pnl_daily WHERE %(as_of)s IS NULL
    UNION ALL
    SELECT * FROM curated.pnl_daily_as_of(%(as_of)s)
) AS pnl
WHERE market = %(market)s AND delivery_day BETWEEN %(from_day)s AND %(to_day)s
    AND (%(all_traders)s OR trader_id = %(trader_id)s)
ORDER BY delivery_day, trader_id

-- name: pnl_quarter_hourly
-- PnL by quarter of an hour on a day, of one trader or of each, from the trades and prices of now
SELECT *
FROM curated.pnl_quarter_hourly
WHERE market = %(market)s AND delivery_day = %(day)s AND (%(trader_id)s IS NULL OR trader_id = %(trader_id)s)
ORDER BY delivery_start_at, delivery_quarter, trader_id

-- name: portfolio_pnl_daily
-- PnL by delivery day of the portfolio
SELECT *, NULL AS trader_id
FROM (
    SELECT * FROM curated.portfolio_pnl_daily WHERE %(as_of)s IS NULL
    UNION ALL
    SELECT * FROM curated.portfolio_pnl_daily_as_of(%(as_of)s)
) AS pnl
WHERE market = %(market)s AND delivery_day BETWEEN %(from_day)s AND %(to_day)s
ORDER BY delivery_day

-- name: pnl_weekly
-- PnL by week of one trader or of each, of those with any of these days
SELECT *
FROM (
    SELECT * FROM curated.pnl_weekly WHERE %(as_of)s IS NULL
    UNION ALL
    SELECT * FROM curated.pnl_weekly_as_of(%(as_of)s)
) AS pnl
WHERE market = %(market)s AND delivery_week BETWEEN date_trunc('week', %(from_day)s::timestamp)::date AND %(to_day)s
    AND (%(all_traders)s OR trader_id = %(trader_id)s)
ORDER BY delivery_week, trader_id

-- name: portfolio_pnl_weekly
-- PnL by week of the portfolio, of those with any of these days
SELECT *, NULL AS trader_id
FROM (
    SELECT * FROM curated.portfolio_pnl_weekly WHERE %(as_of)s IS NULL
    UNION ALL
    SELECT * FROM curated.portfolio_pnl_weekly_as_of(%(as_of)s)
) AS pnl
WHERE market = %(market)s AND delivery_week BETWEEN date_trunc('week', %(from_day)s::timestamp)::date AND %(to_day)s
ORDER BY delivery_week

-- name: pnl_monthly
-- PnL by month of one trader or of each, of those with any of these days
SELECT *
FROM (
    SELECT * FROM curated.pnl_monthly WHERE %(as_of)s IS NULL
    UNION ALL
    SELECT * FROM curated.pnl_monthly_as_of(%(as_of)s)
) AS pnl
WHERE market = %(market)s AND delivery_month BETWEEN date_trunc('month', %(from_day)s::timestamp)::date AND %(to_day)s
    AND (%(all_traders)s OR trader_id = %(trader_id)s)
ORDER BY delivery_month, trader_id

-- name: portfolio_pnl_monthly
-- PnL by month of the portfolio, of those with any of these days
SELECT *, NULL AS trader_id
FROM (
    SELECT * FROM curated.portfolio_pnl_monthly WHERE %(as_of)s IS NULL
    UNION ALL
    SELECT * FROM curated.portfolio_pnl_monthly_as_of(%(as_of)s)
) AS pnl
WHERE market = %(market)s AND delivery_month BETWEEN date_trunc('month', %(from_day)s::timestamp)::date AND %(to_day)s
ORDER BY delivery_month

-- name: range
-- PnL over delivery days: of one trader, or of the portfolio (trader_id NULL) and of each trader. A row a part: the range, the one before
-- (previous), the month to date, each step (days, weeks or months), each hour of the day, in which 02-03A and 02-03B count to
-- 02-03, and the hours with most gain and loss. Years have many hours: they are summed up to days before these are put into parts
WITH pnl AS NOT MATERIALIZED (
    SELECT * FROM curated.pnl_hourly WHERE %(as_of)s IS NULL
    UNION ALL
    SELECT * FROM curated.pnl_hourly_as_of(%(as_of)s)  -- nothing for NULL
), hours AS MATERIALIZED (
    SELECT
        delivery_day, delivery_hour, bool_and(is_complete) AS is_complete, sum(starting_trade_count) AS trade_count,
        sum(buy_mwh) AS buy_mwh, sum(sell_mwh) AS sell_mwh,
        CASE WHEN count(pnl_eur) = count(*) THEN sum(pnl_eur) END AS pnl_eur
    FROM pnl
    WHERE market = %(market)s AND delivery_day BETWEEN %(first_day)s AND %(last_day)s
        AND (%(trader_id)s IS NULL OR trader_id = %(trader_id)s)
    GROUP BY delivery_day, delivery_hour
), days AS MATERIALIZED (
    SELECT
        NULL AS trader_id, delivery_day, count(*) AS period_count, count(*) - count(pnl_eur) AS missing_price_count,
        bool_and(is_complete) AS is_complete, sum(trade_count) AS trade_count, sum(buy_mwh) AS buy_mwh, sum(sell_mwh) AS sell_mwh,
        sum(pnl_eur) AS pnl_eur
    FROM hours
    GROUP BY delivery_day
    UNION ALL
    SELECT
        trader_id, delivery_day, count(*), count(*) - count(pnl_eur), bool_and(is_complete), sum(starting_trade_count),
        sum(buy_mwh), sum(sell_mwh), sum(pnl_eur)
    FROM pnl
    WHERE %(trader_id)s IS NULL AND market = %(market)s AND delivery_day BETWEEN %(first_day)s AND %(last_day)s
    GROUP BY delivery_day, trader_id
), ranked AS (
    SELECT
        *,
        row_number() OVER (ORDER BY pnl_eur DESC, delivery_day, delivery_hour) AS best,
        row_number() OVER (ORDER BY pnl_eur, delivery_day, delivery_hour) AS worst
    FROM hours
    WHERE delivery_day BETWEEN %(from_day)s AND %(to_day)s AND pnl_eur IS NOT NULL
), parts AS (
    SELECT p.part, p.key, 0 AS place, d.*
    FROM days AS d
    CROSS JOIN LATERAL (VALUES
        ('range' COLLATE "C", NULL, delivery_day BETWEEN %(from_day)s AND %(to_day)s),
        ('previous', NULL, delivery_day BETWEEN %(previous_from_day)s AND %(previous_to_day)s),
        ('month', NULL, delivery_day BETWEEN %(month_from_day)s AND %(month_to_day)s),
        ('step', date_trunc(%(step)s, delivery_day::timestamp)::date::text, delivery_day BETWEEN %(from_day)s AND %(to_day)s)
    ) AS p (part, key, is_part)
    WHERE p.is_part
    UNION ALL
    SELECT
        'hour_of_day', left(delivery_hour, 5), 0, NULL, delivery_day, 1, 1 - num_nonnulls(pnl_eur), is_complete, trade_count,
        buy_mwh, sell_mwh, pnl_eur
    FROM hours
    WHERE delivery_day BETWEEN %(from_day)s AND %(to_day)s
    UNION ALL
    SELECT
        p.part, delivery_day || ' ' || delivery_hour, p.place, NULL, delivery_day, 1, 0, is_complete,
        -- all that deliver in the hour, and not only those that start in it; the index that the sums are read from has no such count
        (SELECT sum(h.trade_count)
         FROM pnl AS h
         WHERE h.market = %(market)s AND (h.delivery_day, h.delivery_hour) = (r.delivery_day, r.delivery_hour)
            AND (%(trader_id)s IS NULL OR h.trader_id = %(trader_id)s)),
        buy_mwh, sell_mwh, pnl_eur
    FROM ranked AS r
    CROSS JOIN LATERAL (VALUES ('best', best, pnl_eur > 0), ('worst', worst, pnl_eur < 0)) AS p (part, place, is_part)
    WHERE p.is_part AND p.place <= 5
)
SELECT
    part, trader_id, key, min(place) AS place,
    count(DISTINCT delivery_day) AS delivery_day_count,
    count(DISTINCT delivery_day) FILTER (WHERE NOT is_complete) AS incomplete_day_count,
    sum(period_count)::bigint AS delivery_period_count,
    sum(missing_price_count)::bigint AS missing_price_count,
    sum(trade_count)::bigint AS trade_count,
    sum(buy_mwh) AS buy_mwh,
    sum(sell_mwh) AS sell_mwh,
    sum(buy_mwh) - sum(sell_mwh) AS net_position_mwh,
    CASE WHEN sum(missing_price_count) = 0 THEN sum(pnl_eur) END AS pnl_eur,
    sum(pnl_eur) AS priced_pnl_eur,
    curated.ratio(sum(pnl_eur), count(DISTINCT delivery_day) FILTER (WHERE pnl_eur IS NOT NULL)) AS mean_pnl_eur,
    curated.ratio(CASE WHEN sum(missing_price_count) = 0 THEN sum(pnl_eur) END, sum(buy_mwh) + sum(sell_mwh))
        AS performance_eur_per_mwh,
    sum(sum(pnl_eur)) OVER steps AS cumulative_pnl_eur,
    (sum(sum(missing_price_count)) OVER steps)::bigint AS cumulative_missing_price_count
FROM parts
GROUP BY part, trader_id, key
WINDOW steps AS (PARTITION BY part, trader_id ORDER BY key)
ORDER BY part, trader_id, key

-- name: incomplete
-- What is missing in the hours of a day, except capture gaps, which each row of PnL has itself
SELECT delivery_hour, CASE problem WHEN 'quarantined' THEN 'trades_quarantined' ELSE 'messages_rejected' END AS reason,
       count(*) AS message_count,
       string_agg(DISTINCT reason, '; ' ORDER BY reason) FILTER (WHERE problem = 'quarantined') AS detail
FROM ops.unreviewed_messages
WHERE market = %(market)s AND delivery_day = %(day)s
GROUP BY delivery_hour, problem
UNION ALL
SELECT delivery_hour, reason, NULL, NULL
FROM ops.incomplete_periods
WHERE market = %(market)s AND delivery_day = %(day)s AND reason IN ('trades_not_validated', 'not_built')
    -- each load is validated within a minute or two
    AND (reason <> 'trades_not_validated' OR from_at < now() - interval '5 minutes')
UNION ALL
SELECT delivery_hour, CASE price_status WHEN 'missing' THEN 'price_missing' ELSE 'price_not_final' END, NULL, reason
FROM ops.missing_prices
WHERE market = %(market)s AND delivery_day = %(day)s
ORDER BY delivery_hour, reason

-- name: days
-- First and last delivery day with PnL in the market
SELECT min(delivery_day) AS first, max(delivery_day) AS last FROM curated.pnl_hourly WHERE market = %(market)s

-- name: history
-- History of a day's PnL: one row per publication that changed it. Each version of a row adds its PnL when it is
-- published and takes it away when it is replaced
WITH versions AS (
    SELECT valid_from, valid_to, pnl_eur
    FROM curated.pnl_versions
    WHERE market = %(market)s AND delivery_day = %(day)s AND (%(trader_id)s IS NULL OR trader_id = %(trader_id)s)
), steps AS (
    SELECT at, sum(pnl_eur) AS pnl_eur, sum(row_count) AS row_count, sum(priced_count) AS priced_count
    FROM (
        SELECT valid_from AS at, coalesce(pnl_eur, 0) AS pnl_eur, 1 AS row_count, num_nonnulls(pnl_eur) AS priced_count
        FROM versions
        UNION ALL
        SELECT valid_to, -coalesce(pnl_eur, 0), -1, -num_nonnulls(pnl_eur)
        FROM versions
        WHERE valid_to IS NOT NULL
    ) AS changes
    GROUP BY at
), sums AS (
    SELECT
        at,
        trim_scale(sum(pnl_eur) OVER until_then) AS pnl_eur,
        sum(row_count) OVER until_then AS row_count,
        sum(priced_count) OVER until_then AS priced_count
    FROM steps
    WINDOW until_then AS (ORDER BY at)
), causes AS (
    SELECT changed_at AS at, string_agg(DISTINCT cause, ', ') AS cause
    FROM curated.pnl_hourly_changes
    CROSS JOIN LATERAL unnest(causes) AS cause
    WHERE market = %(market)s AND delivery_day = %(day)s AND (%(trader_id)s IS NULL OR trader_id = %(trader_id)s)
    GROUP BY changed_at
)
SELECT
    at,
    CASE WHEN priced_count > 0 AND priced_count = row_count THEN pnl_eur END AS pnl_eur,
    CASE WHEN priced_count > 0 THEN pnl_eur END AS priced_pnl_eur,
    cause
FROM sums
LEFT JOIN causes USING (at)
ORDER BY at

-- name: trades
-- The trades that count of a delivery day or of one hour, the last received first, with their energy in it and what they
-- add to its PnL; undefined while an hour of theirs has no reference price
SELECT
    trade_id, trader_id, direction, t.price_eur_per_mwh, quantity_mw, quantity_mw * h.hours AS energy_mwh,
    CASE direction WHEN 'sell' THEN 1 ELSE -1 END * quantity_mw * (t.price_eur_per_mwh * h.hours - h.reference_value) AS pnl_eur,
    delivery_day, delivery_hour, delivery_start_at, delivery_end_at, executed_at, received_at, market, revision, t.source,
    is_disputed, landing_file, line_number
FROM curated.trades AS t
JOIN (
    SELECT market, delivery_day, h.delivery_hour, sum(hours) AS hours,
           CASE WHEN count(p.price_eur_per_mwh) = count(*) THEN sum(hours * p.price_eur_per_mwh) END AS reference_value
    FROM curated.period_hours AS h
    LEFT JOIN (SELECT market, delivery_day, delivery_hour AS pnl_hour, price_eur_per_mwh FROM curated.reference_prices) AS p
        USING (market, delivery_day, pnl_hour)
    WHERE market = %(market)s AND delivery_day = %(day)s AND (%(hour)s IS NULL OR %(hour)s IN (h.delivery_hour, pnl_hour))
    GROUP BY market, delivery_day, h.delivery_hour
) AS h USING (market, delivery_day, delivery_hour)
JOIN ops.landing_files USING (market, landing_file_id)
-- constants of the table itself: else all trades are read before the hours are joined
WHERE t.market = %(market)s AND t.delivery_day = %(day)s
  AND (%(hour)s IS NULL OR t.delivery_hour = ANY (ARRAY(
      SELECT delivery_hour FROM curated.period_hours
      WHERE market = %(market)s AND delivery_day = %(day)s AND %(hour)s IN (delivery_hour, pnl_hour))))
  AND (%(trader_id)s IS NULL OR trader_id = %(trader_id)s)
ORDER BY received_at DESC, trade_id, direction
LIMIT %(limit)s

-- name: cancelled_trades
-- The same of those that the exchange took back
SELECT
    trade_id, trader_id, direction, price_eur_per_mwh, quantity_mw, quantity_mw * h.hours AS energy_mwh, delivery_day,
    delivery_hour, delivery_start_at, delivery_end_at, executed_at, received_at, market, revision, t.source,
    cancelled_at, landing_file, line_number
FROM curated.cancelled_trades AS t
JOIN (
    SELECT market, delivery_day, delivery_hour, sum(hours) AS hours
    FROM curated.period_hours
    WHERE market = %(market)s AND delivery_day = %(day)s AND (%(hour)s IS NULL OR %(hour)s IN (delivery_hour, pnl_hour))
    GROUP BY market, delivery_day, delivery_hour
) AS h USING (market, delivery_day, delivery_hour)
JOIN ops.landing_files USING (market, landing_file_id)
WHERE t.market = %(market)s AND t.delivery_day = %(day)s
  AND (%(hour)s IS NULL OR t.delivery_hour = ANY (ARRAY(
      SELECT delivery_hour FROM curated.period_hours
      WHERE market = %(market)s AND delivery_day = %(day)s AND %(hour)s IN (delivery_hour, pnl_hour))))
  AND (%(trader_id)s IS NULL OR trader_id = %(trader_id)s)
ORDER BY cancelled_at DESC, trade_id, direction
LIMIT %(limit)s

-- name: quarantined_trades
-- The same of those that break an expectation and wait for a decision
SELECT
    trade_id, trader_id, direction, price_eur_per_mwh, quantity_mw, quantity_mw * h.hours AS energy_mwh, delivery_day,
    delivery_hour, received_at, market, revision, expectation, quarantined_at, landing_file, line_number
FROM ops.quarantined_trades
JOIN (
    SELECT market, delivery_day, delivery_hour, sum(hours) AS hours
    FROM curated.period_hours
    WHERE market = %(market)s AND delivery_day = %(day)s AND (%(hour)s IS NULL OR %(hour)s IN (delivery_hour, pnl_hour))
    GROUP BY market, delivery_day, delivery_hour
) AS h USING (market, delivery_day, delivery_hour)
JOIN ops.landing_files USING (market, landing_file_id)
WHERE review IS NULL AND (%(trader_id)s IS NULL OR trader_id = %(trader_id)s)
ORDER BY received_at DESC, trade_id, direction
LIMIT %(limit)s

-- name: reconciliations
-- What was captured on each day of the market beside what the exchange's statement says, the last day first
SELECT r.*, s.is_by_delivery_day
FROM ops.reconciliations AS r
JOIN ops.statements AS s USING (market, statement_day)
WHERE market = %(market)s AND statement_day BETWEEN %(from_day)s AND %(to_day)s
ORDER BY statement_day DESC

-- name: reconciliation_differences
-- The trades in which they differ: of days of statements, and perhaps of one delivery day or hour only
SELECT d.*, coalesce(s.alike_count > 0, false) AS is_held, coalesce(q.review, r.review) AS review, f.landing_file
FROM ops.reconciliation_differences AS d
JOIN ops.landing_files AS f USING (landing_file_id)
LEFT JOIN ops.quarantined_trades AS q
    ON (q.market, q.trade_id, q.direction, q.revision) = (d.market, d.trade_id, d.direction, d.captured_revision)
    AND q.is_unexpected
LEFT JOIN ops.statements AS s ON (s.market, s.statement_day) = (d.market, d.statement_day)
LEFT JOIN ops.cancellation_reviews AS r
    ON (r.market, r.trade_id, r.direction) = (d.market, d.trade_id, d.direction)
    AND d.outcome = 'cancelled' AND r.review = 'discard'
WHERE d.market = %(market)s AND d.statement_day BETWEEN %(from_day)s AND %(to_day)s
  AND (%(day)s IS NULL OR EXISTS (
      SELECT FROM curated.period_hours AS h
      WHERE h.market = d.market AND h.delivery_day = %(day)s
        AND (%(hour)s IS NULL OR %(hour)s IN (h.delivery_hour, h.pnl_hour))
        AND ((h.delivery_day, h.delivery_hour) = (d.captured_delivery_day, d.captured_delivery_hour)
             OR (h.delivery_day, h.delivery_hour) = (d.statement_delivery_day, d.statement_delivery_hour))))
  AND (%(trader_id)s IS NULL OR %(trader_id)s IN (d.captured_trader_id, d.statement_trader_id))
ORDER BY d.statement_day DESC, d.outcome, coalesce(d.statement_delivery_day, d.captured_delivery_day),
    coalesce(d.statement_delivery_hour, d.captured_delivery_hour), d.trade_id, d.direction
LIMIT %(limit)s

-- name: rejected_messages
-- The messages that could not be used, may concern a delivery day or one hour and were not reviewed
SELECT
    q.market, reason_code, detail, left(raw, 2000) AS raw, q.received_at, q.delivery_day, q.delivery_hours, landing_file,
    line_number
FROM ops.review_queue AS q
JOIN ops.rejected_messages USING (landing_file_id, line_number)
WHERE q.problem = 'rejected' AND (landing_file_id, line_number) IN (
    SELECT u.landing_file_id, u.line_number
    FROM ops.unreviewed_messages AS u
    WHERE u.problem = 'rejected' AND (u.market, u.delivery_day) = (%(market)s, %(day)s)
      AND (%(pnl_hours)s::text[] IS NULL OR u.delivery_hour = ANY(%(pnl_hours)s)))
ORDER BY q.received_at DESC, landing_file, line_number
LIMIT %(limit)s

-- name: landing_file
-- A landing file of the market, if there is one of this name
SELECT line_count FROM ops.landing_files WHERE market = %(market)s AND landing_file = %(landing_file)s

-- name: data_as_of
-- Up to when the trades are known: to the last line that is loaded, but no further than an instance was connected
SELECT least(last_at, (SELECT max(connected_until)
                       FROM ops.connected_intervals
                       JOIN ops.landing_files USING (landing_file_id)
                       WHERE market = %(market)s)) AS data_as_of
FROM ops.freshness WHERE market = %(market)s AND thing = 'trades'

-- name: troubles
-- What is wrong, the oldest first
SELECT code, since_at AS since, text FROM ops.troubles WHERE market = %(market)s ORDER BY since_at NULLS LAST

-- name: health_ledger
-- Every captured line, by what became of it
SELECT count(*) AS files, coalesce(sum(line_count), 0)::bigint AS lines, coalesce(sum(loaded_count), 0)::bigint AS loaded,
       coalesce(sum(duplicate_count), 0)::bigint AS duplicates, coalesce(sum(rejected_count), 0)::bigint AS rejected,
       coalesce(sum(event_count), 0)::bigint AS events
FROM ops.landing_files
WHERE market = %(market)s

-- name: health_quarantined
-- The trades that wait for a decision, by the expectation that they break, each with its oldest one
SELECT DISTINCT ON (reason)
    reason AS expectation, count(*) OVER (PARTITION BY reason) AS count, received_at AS oldest_received_at, trade_id,
    landing_file, line_number
FROM ops.review_queue
WHERE market = %(market)s AND problem = 'quarantined'
ORDER BY reason, received_at, landing_file, line_number

-- name: health_rejects
-- What was refused, by reason: how many wait for a review, the oldest of these, and the last example
WITH waiting AS (
    SELECT DISTINCT ON (reason)
        reason AS reason_code, count(*) OVER (PARTITION BY reason) AS unreviewed_count,
        received_at AS oldest_unreviewed_at, landing_file, line_number
    FROM ops.review_queue
    WHERE market = %(market)s AND problem = 'rejected'
    ORDER BY reason, received_at, landing_file, line_number
), last AS (
    SELECT DISTINCT ON (reason_code)
        reason_code, count(*) OVER (PARTITION BY reason_code) AS count, landing_file_id, line_number
    FROM ops.rejected_messages
    WHERE market = %(market)s
    ORDER BY reason_code, received_at DESC NULLS LAST, landing_file_id DESC, line_number DESC
)
SELECT reason_code, coalesce(w.unreviewed_count, 0) AS unreviewed_count, w.oldest_unreviewed_at, w.landing_file,
       w.line_number, last.count, m.received_at AS last_at, m.detail, left(m.raw, 2000) AS raw
FROM last
JOIN ops.rejected_messages AS m USING (landing_file_id, line_number, reason_code)
LEFT JOIN waiting AS w USING (reason_code)
ORDER BY unreviewed_count DESC, reason_code

-- name: health_operational_messages
-- What the exchange sends that is not about trades
SELECT kind, message_count, first_received_at, last_received_at FROM ops.operational_messages
WHERE market = %(market)s
ORDER BY kind

-- name: health_unknown_fields
-- Fields of trades that have no meaning for us
SELECT name, message_count, first_seen_at, last_seen_at FROM ops.unknown_fields
WHERE market = %(market)s
ORDER BY name

-- name: health_orphan_cancellations
-- Cancellations of trades that were never received, of the last month: each is looked up among all trades
SELECT trade_id, direction, revision, received_at, landing_file, line_number
FROM ops.orphan_cancellations
WHERE market = %(market)s AND received_at > now() - interval '1 month'
ORDER BY received_at DESC
LIMIT 50

-- name: health_validations
-- The last validations, the newest first
SELECT validation_id, suite, max(validated_at) AS validated_at, bool_and(is_success) AS success,
       count(*) FILTER (WHERE NOT is_success) AS failed_count, count(*) AS expectation_count,
       string_agg(format('%%s (%%s): %%s', expectation, severity, detail), '; ' ORDER BY validation_result_id)
           FILTER (WHERE NOT is_success) AS detail
FROM ops.validation_results
WHERE market = %(market)s AND validated_at > now() - interval '1 day'
GROUP BY validation_id, suite
ORDER BY validated_at DESC
LIMIT 20

-- name: health_runs
-- The last runs
WITH recent AS MATERIALIZED (
    SELECT dag_id, run_id
    FROM ops.task_runs
    WHERE market = %(market)s AND started_at > now() - interval '1 day'
    ORDER BY started_at DESC
    LIMIT 300
)
SELECT dag_id, run_id, state, started_at, ended_at, window_start_at, window_end_at, error
FROM ops.runs
WHERE dag_id = ANY (ARRAY(SELECT dag_id FROM recent)) AND run_id = ANY (ARRAY(SELECT run_id FROM recent))
ORDER BY started_at DESC
LIMIT 30
