-- name: review_waiting
-- What waits for a decision: of each expectation and reason so many messages, the first ones with their details
SELECT problem, reason, message_count, trade_id, landing_file, line_number, received_at, trader_id, direction, revision,
       price_eur_per_mwh, quantity_mw, delivery_day, delivery_hour, detail
FROM (
    SELECT
        q.problem, q.reason, q.trade_id, q.landing_file, q.line_number, q.received_at, t.trader_id, t.direction,
        t.revision, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day, t.delivery_hour, m.detail,
        count(*) OVER (PARTITION BY q.problem, q.reason) AS message_count,
        row_number() OVER (PARTITION BY q.problem, q.reason ORDER BY q.received_at, q.landing_file, q.line_number) AS place
    FROM ops.review_queue AS q
    LEFT JOIN ops.quarantined_trades AS t
        ON (t.market, t.trade_id, t.direction, t.revision) = (q.market, q.trade_id, q.direction, q.revision)
        AND NOT t.is_unexpected
    LEFT JOIN ops.rejected_messages AS m
        ON q.problem = 'rejected' AND (m.landing_file_id, m.line_number) = (q.landing_file_id, q.line_number)
    WHERE q.market = %(market)s
    UNION ALL
    SELECT
        'unexpected', %(in_statement)s, d.trade_id, f.landing_file, d.line_number, t.received_at, t.trader_id, t.direction,
        t.revision, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day, t.delivery_hour, NULL,
        count(*) OVER (), row_number() OVER (ORDER BY t.received_at, f.landing_file, d.line_number)
    FROM ops.reconciliation_differences AS d
    JOIN raw.trades AS t
        ON (t.market, t.trade_id, t.direction, t.revision) = (d.market, d.trade_id, d.direction, d.captured_revision)
    JOIN ops.landing_files AS f ON f.landing_file_id = d.landing_file_id
    WHERE d.market = %(market)s AND d.outcome = 'unexpected' AND NOT EXISTS (
        SELECT FROM ops.quarantined_trades AS r
        WHERE (r.market, r.trade_id, r.direction, r.revision) = (t.market, t.trade_id, t.direction, t.revision)
          AND r.is_unexpected)
    UNION ALL
    SELECT
        'cancelled', %(not_cancelled)s, d.trade_id, f.landing_file, d.line_number, f.first_received_at,
        coalesce(d.statement_trader_id, d.captured_trader_id), d.direction, d.captured_revision,
        d.statement_price_eur_per_mwh, d.statement_quantity_mw, d.statement_delivery_day, d.statement_delivery_hour, NULL,
        count(*) OVER (), row_number() OVER (ORDER BY f.first_received_at, f.landing_file, d.line_number)
    FROM ops.reconciliation_differences AS d
    JOIN ops.landing_files AS f ON f.landing_file_id = d.landing_file_id
    WHERE d.market = %(market)s AND d.outcome = 'cancelled' AND NOT EXISTS (
        SELECT FROM ops.cancellation_reviews AS r
        WHERE (r.market, r.trade_id, r.direction) = (d.market, d.trade_id, d.direction) AND r.review = 'discard')
) AS found
WHERE place <= %(examples)s
ORDER BY problem, reason, place

-- name: review_selection
-- The messages that a decision is about. A trade that is named is decided on again, others only once. If it was accepted and
-- is in no statement, the decision is about that and ends when a statement has it; it is still accepted then
CREATE TEMPORARY TABLE reviewed ON COMMIT DROP AS
SELECT CASE WHEN t.is_unexpected THEN 'unexpected' ELSE 'quarantined' END AS problem, t.market, t.trade_id, t.direction,
       t.revision, t.landing_file_id, t.line_number
FROM ops.quarantined_trades AS t
JOIN ops.landing_files AS f USING (landing_file_id)
WHERE t.market = %(market)s
  AND %(reason_code)s::text IS NULL
  AND (t.review IS NULL OR t.trade_id = %(trade_id)s::text AND NOT EXISTS (
      SELECT FROM ops.reconciliation_differences AS d
      WHERE (d.market, d.trade_id, d.direction, d.captured_revision) = (t.market, t.trade_id, t.direction, t.revision)
        AND d.outcome = 'unexpected' AND NOT t.is_unexpected))
  AND (%(trade_id)s::text IS NULL OR t.trade_id = %(trade_id)s)
  AND (%(expectation)s::text IS NULL OR strpos(lower(t.expectation), lower(%(expectation)s)) > 0)
  AND (%(landing_file)s::text IS NULL OR starts_with(f.landing_file, %(landing_file)s))
  AND (%(line_number)s::numeric IS NULL OR (f.landing_file, t.line_number) = (%(landing_file)s, %(line_number)s))
UNION ALL
SELECT q.problem, q.market, NULL, NULL, NULL, q.landing_file_id, q.line_number
FROM ops.review_queue AS q
WHERE q.market = %(market)s AND q.problem = 'rejected' AND %(action)s = 'discard' AND %(trade_id)s::text IS NULL AND %(expectation)s::text IS NULL
  AND (%(reason_code)s::text IS NULL OR q.reason = %(reason_code)s)
  AND (%(landing_file)s::text IS NULL OR starts_with(q.landing_file, %(landing_file)s))
  AND (%(line_number)s::numeric IS NULL OR (q.landing_file, q.line_number) = (%(landing_file)s, %(line_number)s))

-- name: review_unexpected
-- Trades that no statement has and that a decision is about, with the revisions before the one that counts, which must not
-- count instead. A later one is in quarantine and stays there, unless the decision is about that one, too
INSERT INTO pg_temp.reviewed (problem, market, trade_id, direction, revision, landing_file_id, line_number)
SELECT 'unexpected', t.market, t.trade_id, t.direction, t.revision, t.landing_file_id, t.line_number
FROM ops.reconciliation_differences AS d
JOIN raw.trades AS t USING (market, trade_id, direction)
JOIN ops.landing_files AS f ON f.landing_file_id = d.landing_file_id
WHERE d.market = %(market)s AND d.outcome = 'unexpected' AND t.revision >= 0 AND %(reason_code)s::text IS NULL
  AND (t.revision <= d.captured_revision OR EXISTS (
      SELECT FROM pg_temp.reviewed AS r
      WHERE (r.market, r.trade_id, r.direction, r.revision) = (t.market, t.trade_id, t.direction, t.revision)))
  AND (d.trade_id = %(trade_id)s::text OR NOT EXISTS (
      SELECT FROM ops.quarantined_trades AS r
      WHERE (r.market, r.trade_id, r.direction, r.revision) = (d.market, d.trade_id, d.direction, d.captured_revision)
        AND r.is_unexpected))
  AND (%(trade_id)s::text IS NULL OR d.trade_id = %(trade_id)s)
  AND (%(expectation)s::text IS NULL OR strpos(lower(%(in_statement)s), lower(%(expectation)s)) > 0)
  AND (%(landing_file)s::text IS NULL OR starts_with(f.landing_file, %(landing_file)s))
  AND (%(line_number)s::numeric IS NULL OR (f.landing_file, d.line_number) = (%(landing_file)s, %(line_number)s))

-- name: review_unexpected_trades
INSERT INTO ops.quarantined_trades (
    market, trade_id, direction, revision, trader_id, price_eur_per_mwh, quantity_mw, delivery_day, delivery_hour,
    expectation, received_at, landing_file_id, line_number, is_unexpected
)
SELECT
    t.market, t.trade_id, t.direction, t.revision, t.trader_id, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day,
    t.delivery_hour, %(in_statement)s, t.received_at, t.landing_file_id, t.line_number, true
FROM pg_temp.reviewed AS r
JOIN raw.trades AS t USING (market, trade_id, direction, revision)
WHERE r.problem = 'unexpected'
ON CONFLICT DO NOTHING

-- name: review_cancelled
-- Cancelled trades that a statement has and that a decision is about. One that was accepted counts as the others do, and is
-- decided on again by its id
INSERT INTO pg_temp.reviewed (problem, market, trade_id, direction, landing_file_id, line_number)
SELECT 'cancelled', d.market, d.trade_id, d.direction, d.landing_file_id, d.line_number
FROM (
    SELECT market, trade_id, direction, landing_file_id, line_number
    FROM ops.reconciliation_differences
    WHERE outcome = 'cancelled'
    UNION
    SELECT r.market, r.trade_id, r.direction, l.landing_file_id, l.line_number
    FROM ops.cancellation_reviews AS r
    JOIN raw.statement_trades AS l USING (market, trade_id, direction)
    JOIN ops.statements AS s USING (market, statement_day, landing_file_id)
    WHERE r.trade_id = %(trade_id)s::text
) AS d
JOIN ops.landing_files AS f USING (landing_file_id)
WHERE d.market = %(market)s AND %(reason_code)s::text IS NULL
  AND (d.trade_id = %(trade_id)s::text OR NOT EXISTS (
      SELECT FROM ops.cancellation_reviews AS r
      WHERE (r.market, r.trade_id, r.direction) = (d.market, d.trade_id, d.direction) AND r.review = 'discard'))
  AND (%(trade_id)s::text IS NULL OR d.trade_id = %(trade_id)s)
  AND (%(expectation)s::text IS NULL OR strpos(lower(%(not_cancelled)s), lower(%(expectation)s)) > 0)
  AND (%(landing_file)s::text IS NULL OR starts_with(f.landing_file, %(landing_file)s))
  AND (%(line_number)s::numeric IS NULL OR (f.landing_file, d.line_number) = (%(landing_file)s, %(line_number)s))

-- name: review_cancelled_trades
INSERT INTO ops.cancellation_reviews AS known (market, trade_id, direction, review, review_reason)
SELECT DISTINCT market, trade_id, direction, %(action)s, %(reason)s
FROM pg_temp.reviewed
WHERE problem = 'cancelled'
ON CONFLICT (market, trade_id, direction) DO UPDATE SET
    review = excluded.review, review_reason = excluded.review_reason, reviewed_at = excluded.reviewed_at

-- name: review_pending
-- The hours of PnL that these messages concern; of a trade those of all its revisions, since another one may count now
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
SELECT market, delivery_day, delivery_hour, 'review'
FROM (
    SELECT u.market, u.delivery_day, u.delivery_hour
    FROM pg_temp.reviewed AS r
    JOIN ops.unreviewed_messages AS u USING (problem, landing_file_id, line_number)
    UNION
    SELECT h.market, h.delivery_day, h.pnl_hour
    FROM pg_temp.reviewed AS r
    JOIN raw.trades AS t USING (market, trade_id, direction)
    JOIN raw.period_hours AS h ON (h.market, h.delivery_day, h.delivery_hour) = (t.market, t.delivery_day, t.delivery_hour)
) AS concerned

-- name: review_trades
UPDATE ops.quarantined_trades AS t
SET review = %(action)s, review_reason = %(reason)s, reviewed_at = clock_timestamp()
FROM pg_temp.reviewed AS r
WHERE (t.market, t.trade_id, t.direction, t.revision) = (r.market, r.trade_id, r.direction, r.revision)
  AND t.is_unexpected = (r.problem = 'unexpected')

-- name: review_rejects
UPDATE ops.rejected_messages AS m
SET review = 'discard', review_reason = %(reason)s, reviewed_at = clock_timestamp()
FROM pg_temp.reviewed AS r
WHERE r.problem = 'rejected' AND (m.landing_file_id, m.line_number) = (r.landing_file_id, r.line_number)
