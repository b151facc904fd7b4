-- Queries of include/expectations/reconciliation.py: what statements add to the captured trades and what they change.
-- include/domain/reconciliation.py is the same in Python

-- name: statements_known
-- Whether any statement of the market was ever reconciled
SELECT EXISTS (SELECT FROM ops.statements WHERE market = %(market)s)

-- name: stand_statements
-- The statement that stands for each of these days: of those that are loaded the one that was landed last
INSERT INTO ops.statements AS known (
    market, statement_day, landing_file_id, is_by_delivery_day, landed_at, covered_from, covered_until, trade_count, energy_mwh,
    cash_flow_eur
)
SELECT %(market)s, d.statement_day, f.landing_file_id, f.landing_file LIKE %(by_delivery_day)s, f.first_received_at,
       d.covered_from, d.covered_until, t.trade_count, t.energy_mwh, t.cash_flow_eur
FROM unnest(%(days)s::date[], %(folders)s::text[], %(covered_from)s::timestamptz[], %(covered_until)s::timestamptz[])
    AS d (statement_day, folder, covered_from, covered_until)
CROSS JOIN LATERAL (
    SELECT landing_file_id, landing_file, first_received_at
    FROM ops.landing_files
    WHERE source = 'statements' AND is_complete AND starts_with(landing_file, d.folder || '/')
    ORDER BY landing_file COLLATE "C" DESC
    LIMIT 1
) AS f
CROSS JOIN LATERAL (
    SELECT
        count(*) AS trade_count,
        coalesce(sum(s.quantity_mw * p.delivery_hours), 0) AS energy_mwh,
        coalesce(sum(s.quantity_mw * p.delivery_hours * s.price_eur_per_mwh
                     * CASE s.direction WHEN 'sell' THEN 1 ELSE -1 END), 0) AS cash_flow_eur
    FROM raw.statement_trades AS s
    JOIN raw.delivery_periods AS p USING (market, delivery_day, delivery_hour)
    WHERE s.landing_file_id = f.landing_file_id
) AS t
ON CONFLICT (market, statement_day) DO UPDATE SET
    landing_file_id = excluded.landing_file_id,
    is_by_delivery_day = excluded.is_by_delivery_day,
    landed_at = excluded.landed_at,
    covered_from = excluded.covered_from,
    covered_until = excluded.covered_until,
    trade_count = excluded.trade_count,
    energy_mwh = excluded.energy_mwh,
    cash_flow_eur = excluded.cash_flow_eur,
    reconciled_at = clock_timestamp()

-- name: scope_of_days
-- The trades that these days are about: of all their statements, since one that stands no more may have had others, of an
-- earlier comparison, and captured on these days, or for them
CREATE TEMPORARY TABLE statement_scope ON COMMIT DROP AS
WITH days AS (
    SELECT * FROM unnest(%(covered_from)s::timestamptz[], %(covered_until)s::timestamptz[]) AS d (covered_from, covered_until)
)
SELECT market, trade_id, direction
FROM raw.statement_trades
WHERE market = %(market)s AND landing_file_id = ANY(ARRAY(
    SELECT f.landing_file_id
    FROM ops.landing_files AS f
    JOIN unnest(%(folders)s::text[]) AS folder ON starts_with(f.landing_file, folder || '/')
    WHERE f.source = 'statements'))
UNION
SELECT market, trade_id, direction
FROM ops.reconciliation_differences
WHERE market = %(market)s AND statement_day = ANY(%(days)s::date[])
UNION
SELECT t.market, t.trade_id, t.direction
FROM days AS d
JOIN raw.trades AS t  -- by the expression of its index trades_executed
    ON coalesce(t.executed_at, t.received_at) >= d.covered_from AND coalesce(t.executed_at, t.received_at) < d.covered_until
WHERE t.market = %(market)s AND t.revision >= 0
UNION
SELECT t.market, t.trade_id, t.direction
FROM days AS d
-- nobody knows when it was executed, and another copy than the stored one may have been received first
JOIN raw.trade_receipts AS r ON r.received_at >= d.covered_from AND r.received_at < d.covered_until
JOIN raw.trades AS t USING (market, trade_id, direction, revision)
WHERE t.market = %(market)s AND t.executed_at IS NULL
UNION
SELECT t.market, t.trade_id, t.direction
FROM ops.statements AS s
JOIN raw.trades AS t ON (t.market, t.delivery_day) = (s.market, s.statement_day)
WHERE s.market = %(market)s AND s.statement_day = ANY(%(days)s::date[]) AND s.is_by_delivery_day AND t.revision >= 0

-- name: scope_of_batches
-- The trades of these batches of captured messages that a statement may be about: one has them, is about their day, or was
-- about that of what was captured before
CREATE TEMPORARY TABLE statement_scope ON COMMIT DROP AS
SELECT DISTINCT t.market, t.trade_id, t.direction
FROM (
    SELECT market, trade_id FROM raw.trades WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[]) AND revision >= 0
    UNION
    SELECT market, trade_id FROM raw.trade_cancellations WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
    UNION
    SELECT market, trade_id FROM raw.trade_receipts WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
) AS changed
JOIN raw.trades AS t USING (market, trade_id)
WHERE t.market = %(market)s
  AND (EXISTS (SELECT FROM raw.statement_trades AS l
               WHERE (l.market, l.trade_id, l.direction) = (t.market, t.trade_id, t.direction))
       OR (coalesce(t.executed_at,
                    staging.first_received_at(t.market, t.trade_id, t.direction, t.revision, t.received_at))
           AT TIME ZONE %(timezone)s)::date IN (
           SELECT statement_day FROM ops.statements WHERE market = %(market)s AND NOT is_by_delivery_day)
       OR t.delivery_day IN (
           SELECT statement_day FROM ops.statements WHERE market = %(market)s AND is_by_delivery_day)
       OR EXISTS (SELECT FROM ops.reconciliation_differences AS d
                  WHERE (d.market, d.trade_id, d.direction) = (t.market, t.trade_id, t.direction)))

-- name: scope_of_reviews
-- The trades that a person decided on
CREATE TEMPORARY TABLE statement_scope ON COMMIT DROP AS
SELECT DISTINCT market, trade_id, direction FROM pg_temp.reviewed WHERE market = %(market)s AND trade_id IS NOT NULL

-- name: days_of_reviews
-- The days of the statements that hold rejects which a person decided on
SELECT s.statement_day
FROM ops.statements AS s
JOIN pg_temp.reviewed AS r USING (landing_file_id)
WHERE s.market = %(market)s AND r.problem = 'rejected'

-- name: scope_index
CREATE UNIQUE INDEX ON pg_temp.statement_scope (market, trade_id, direction)

-- name: scope_statistics
ANALYZE pg_temp.statement_scope

-- name: statement_lines
-- What the statements say of these trades: the lines of those that stand
CREATE TEMPORARY TABLE statement_lines ON COMMIT DROP AS
SELECT DISTINCT ON (l.market, l.trade_id, l.direction) l.*, s.landed_at, s.covered_until
FROM pg_temp.statement_scope
JOIN raw.statement_trades AS l USING (market, trade_id, direction)
JOIN ops.statements AS s USING (market, statement_day, landing_file_id)
ORDER BY l.market, l.trade_id, l.direction, s.landed_at DESC, l.statement_day DESC

-- name: pending_stated
-- The hours of trades that a person discarded because no statement had them, and one has
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
SELECT DISTINCT h.market, h.delivery_day, h.pnl_hour, 'statement'
FROM pg_temp.statement_lines AS l
JOIN ops.quarantined_trades AS q USING (market, trade_id, direction)
JOIN raw.period_hours AS h ON (h.market, h.delivery_day, h.delivery_hour) = (q.market, q.delivery_day, q.delivery_hour)
WHERE q.is_unexpected

-- name: stated_after_all
-- A decision on a trade because no statement has it ends when one has it
DELETE FROM ops.quarantined_trades AS q
USING pg_temp.statement_lines AS l
WHERE (q.market, q.trade_id, q.direction) = (l.market, l.trade_id, l.direction) AND q.is_unexpected

-- name: pending_unstated
-- The hours of cancelled trades that a person let count because a statement had them, and none has any more
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
SELECT DISTINCT h.market, h.delivery_day, h.pnl_hour, 'statement'
FROM pg_temp.statement_scope AS s
JOIN ops.cancellation_reviews AS r USING (market, trade_id, direction)
JOIN raw.trades AS t USING (market, trade_id, direction)
JOIN raw.period_hours AS h ON (h.market, h.delivery_day, h.delivery_hour) = (t.market, t.delivery_day, t.delivery_hour)
WHERE NOT EXISTS (
    SELECT FROM pg_temp.statement_lines AS l
    WHERE (l.market, l.trade_id, l.direction) = (s.market, s.trade_id, s.direction))

-- name: unstated_after_all
-- A decision on a cancelled trade ends when no statement has it any more
DELETE FROM ops.cancellation_reviews AS r
USING pg_temp.statement_scope AS s
WHERE (r.market, r.trade_id, r.direction) = (s.market, s.trade_id, s.direction)
  AND NOT EXISTS (
      SELECT FROM pg_temp.statement_lines AS l
      WHERE (l.market, l.trade_id, l.direction) = (r.market, r.trade_id, r.direction))

-- name: statement_outcomes
-- Each line beside what was captured: the revision that counts, or the highest one in quarantine. Amendments that were
-- first received after the statement was landed are not compared, and a statement knows of none after its day
CREATE TEMPORARY TABLE statement_outcomes ON COMMIT DROP AS
SELECT
    l.market, l.trade_id, l.direction, l.statement_day,
    CASE WHEN c.revision IS NULL THEN 'missing' WHEN c.is_matched THEN 'matched' ELSE 'differs' END AS outcome,
    c.revision AS captured_revision, c.trader_id AS captured_trader_id,
    c.price_eur_per_mwh AS captured_price_eur_per_mwh, c.quantity_mw AS captured_quantity_mw,
    c.delivery_day AS captured_delivery_day, c.delivery_hour AS captured_delivery_hour,
    coalesce(c.is_disputed, false) AS is_disputed,
    -- the exchange says it later all the same; a cancellation after that is one of the usual ones
    EXISTS (
        SELECT FROM staging.cancellations AS t
        WHERE (t.market, t.trade_id) = (l.market, l.trade_id) AND t.received_at <= l.landed_at
          AND staging.cancels_stated(t, l.market, l.trade_id, l.direction)
          AND NOT staging.is_overruled(t, l.market, l.trade_id, l.direction)) AS is_cancelled,
    l.trader_id, l.price_eur_per_mwh, l.quantity_mw, l.delivery_day, l.delivery_hour, l.executed_at, l.landed_at,
    l.landing_file_id, l.line_number, l.load_batch_id
FROM pg_temp.statement_lines AS l
LEFT JOIN LATERAL (
    SELECT r.*, bool_or(is_same AND (revision >= standing_revision OR revision = revision_of_day)) OVER () AS is_matched
    FROM (
        SELECT
            t.*,
            coalesce(max(t.revision) FILTER (WHERE is_standing) OVER (), 0) AS standing_revision,
            max(t.revision) FILTER (WHERE is_standing AND (t.revision = 0 OR first_at < l.covered_until)) OVER ()
                AS revision_of_day
        FROM (
            SELECT
                t.*,
                f.first_at,
                NOT EXISTS (
                    SELECT FROM ops.quarantined_trades AS q
                    WHERE (q.market, q.trade_id, q.direction, q.revision) = (t.market, t.trade_id, t.direction, t.revision)
                      AND q.review IS DISTINCT FROM 'accept') AS is_standing,
                (t.price_eur_per_mwh, t.quantity_mw, t.delivery_day) = (l.price_eur_per_mwh, l.quantity_mw, l.delivery_day)
                    -- under the doubled label of October a trade may be for either of its two hours
                    AND (t.delivery_hour = l.delivery_hour
                         OR rtrim(t.delivery_hour, 'AB') = rtrim(l.delivery_hour, 'AB')
                         AND EXISTS (
                             SELECT FROM raw.delivery_periods AS p
                             WHERE (p.market, p.delivery_day, p.delivery_hour)
                                   = (l.market, l.delivery_day, rtrim(l.delivery_hour, 'AB'))
                               AND p.delivery_hour IN (t.delivery_hour, l.delivery_hour) AND p.is_dst_ambiguous))
                    AND (l.trader_id IS NULL OR l.trader_id = t.trader_id) AS is_same
            FROM raw.trades AS t
            CROSS JOIN LATERAL (
                SELECT CASE WHEN t.revision > 0 THEN
                    staging.first_received_at(t.market, t.trade_id, t.direction, t.revision, t.received_at) END
            ) AS f (first_at)
            WHERE (t.market, t.trade_id, t.direction) = (l.market, l.trade_id, l.direction) AND t.revision >= 0
              AND t.load_batch_id NOT IN (SELECT load_batch_id FROM staging.undecided_batches)
              AND (t.revision = 0 OR f.first_at <= l.landed_at)
        ) AS t
    ) AS r
    ORDER BY is_standing DESC, revision DESC
    LIMIT 1
) AS c ON true

-- name: hold_statements
-- Statements of these days that are held from now on, or no more: enough of their missing trades each equal an unexpected one
-- in all but the id. A line without a trader is any trader's; a discarded trade is nobody's other side
WITH traders AS (
    SELECT
        d.statement_day, d.direction,
        coalesce(d.statement_delivery_day, d.captured_delivery_day) AS delivery_day,
        rtrim(coalesce(d.statement_delivery_hour, d.captured_delivery_hour), 'AB') AS delivery_hour,
        coalesce(d.statement_quantity_mw, d.captured_quantity_mw) AS quantity_mw,
        coalesce(d.statement_price_eur_per_mwh, d.captured_price_eur_per_mwh) AS price_eur_per_mwh,
        CASE d.outcome WHEN 'missing' THEN d.statement_trader_id ELSE d.captured_trader_id END AS trader_id,
        count(*) FILTER (WHERE d.outcome = 'missing') AS missing_count,
        count(*) FILTER (WHERE d.outcome = 'unexpected') AS unexpected_count
    FROM ops.reconciliation_differences AS d
    WHERE d.market = %(market)s AND d.statement_day = ANY(%(days)s::date[])
      AND (d.outcome = 'missing' OR d.outcome = 'unexpected' AND NOT EXISTS (
          SELECT FROM ops.quarantined_trades AS q
          WHERE (q.market, q.trade_id, q.direction, q.revision) = (d.market, d.trade_id, d.direction, d.captured_revision)
            AND q.is_unexpected AND q.review = 'discard'))
    GROUP BY 1, 2, 3, 4, 5, 6, 7
), contents AS (
    SELECT
        statement_day, sum(missing_count) AS missing_count, sum(unexpected_count) AS unexpected_count,
        sum(least(missing_count, unexpected_count)) AS named_count,
        coalesce(sum(missing_count) FILTER (WHERE trader_id IS NULL), 0) AS unnamed_count
    FROM traders
    GROUP BY statement_day, direction, delivery_day, delivery_hour, quantity_mw, price_eur_per_mwh
), found AS (
    SELECT statement_day, sum(missing_count) AS missing_count,
           sum(named_count + least(unnamed_count, unexpected_count - named_count)) AS alike_count
    FROM contents
    GROUP BY statement_day
)
UPDATE ops.statements AS s
SET alike_count = n.alike_count
FROM (
    SELECT o.market, o.statement_day, o.alike_count AS old_count,
           CASE WHEN f.alike_count >= %(min_alike)s AND 2 * f.alike_count > f.missing_count THEN f.alike_count
                ELSE 0 END AS alike_count
    FROM ops.statements AS o
    LEFT JOIN found AS f USING (statement_day)
    WHERE o.market = %(market)s AND o.statement_day = ANY(%(days)s::date[])
) AS n
WHERE (s.market, s.statement_day) = (n.market, n.statement_day) AND n.alike_count <> n.old_count
RETURNING s.statement_day, (n.alike_count > 0) <> (n.old_count > 0) AS is_other

-- name: scope_of_held
-- All trades of the statements of these days
CREATE TEMPORARY TABLE statement_scope ON COMMIT DROP AS
SELECT l.market, l.trade_id, l.direction
FROM raw.statement_trades AS l
JOIN ops.statements AS s USING (market, statement_day, landing_file_id)
WHERE market = %(market)s AND statement_day = ANY(%(days)s::date[])
GROUP BY 1, 2, 3

-- name: statement_rows
-- What counts as the statement says; where it has a doubled label of October without A or B, in the captured one of the two
CREATE TEMPORARY TABLE statement_rows ON COMMIT DROP AS
SELECT
    o.market, o.trade_id, o.direction, -1 AS revision,
    coalesce(o.trader_id, o.captured_trader_id, %(unassigned)s) AS trader_id,
    o.price_eur_per_mwh, o.quantity_mw, o.delivery_day, p.delivery_hour, p.delivery_start_at, p.delivery_end_at,
    o.executed_at, o.landed_at AS received_at, o.is_disputed, o.load_batch_id, o.landing_file_id, o.line_number
FROM pg_temp.statement_outcomes AS o
JOIN raw.delivery_periods AS s USING (market, delivery_day, delivery_hour)
JOIN raw.delivery_periods AS p
    ON (p.market, p.delivery_day) = (s.market, s.delivery_day)
    AND p.delivery_hour = CASE
        WHEN s.is_dst_ambiguous
            AND (o.captured_delivery_day, rtrim(o.captured_delivery_hour, 'AB')) = (s.delivery_day, s.delivery_hour)
        THEN o.captured_delivery_hour
        ELSE s.delivery_hour
    END
WHERE o.outcome IN ('missing', 'differs')
  AND NOT EXISTS (
      SELECT FROM ops.statements AS d
      WHERE (d.market, d.statement_day) = (o.market, o.statement_day) AND d.alike_count > 0)

-- name: statement_changes
-- The trades whose row is new, differs from the one that is stored, or is wanted no more
CREATE TEMPORARY TABLE statement_changes ON COMMIT DROP AS
SELECT s.market, s.trade_id, s.direction
FROM pg_temp.statement_scope AS s
LEFT JOIN pg_temp.statement_rows AS r USING (market, trade_id, direction)
LEFT JOIN raw.trades AS t
    ON (t.market, t.trade_id, t.direction) = (s.market, s.trade_id, s.direction) AND t.revision = -1
WHERE (r.trader_id, r.price_eur_per_mwh, r.quantity_mw, r.delivery_day, r.delivery_hour, r.delivery_start_at,
       r.delivery_end_at, r.executed_at, r.received_at, r.is_disputed, r.load_batch_id, r.landing_file_id, r.line_number)
      IS DISTINCT FROM
      (t.trader_id, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day, t.delivery_hour, t.delivery_start_at,
       t.delivery_end_at, t.executed_at, t.received_at, t.is_disputed, t.load_batch_id, t.landing_file_id, t.line_number)

-- name: pending_statement_changes
-- The hours of whatever is stored of these trades: before and after the change
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
SELECT DISTINCT h.market, h.delivery_day, h.pnl_hour, 'statement'
FROM pg_temp.statement_changes AS c
JOIN raw.trades AS t USING (market, trade_id, direction)
JOIN raw.period_hours AS h ON (h.market, h.delivery_day, h.delivery_hour) = (t.market, t.delivery_day, t.delivery_hour)

-- name: delete_statement_rows
DELETE FROM raw.trades AS t
USING pg_temp.statement_changes AS c
WHERE (t.market, t.trade_id, t.direction) = (c.market, c.trade_id, c.direction) AND t.revision = -1

-- name: release_statement_rows
-- Quarantine starts anew with the row; what a person decided holds for as long as the trade says the same
DELETE FROM ops.quarantined_trades AS q
USING pg_temp.statement_changes AS c
LEFT JOIN pg_temp.statement_rows AS r USING (market, trade_id, direction)
WHERE (q.market, q.trade_id, q.direction) = (c.market, c.trade_id, c.direction) AND q.revision = -1
  AND (q.review IS NULL
       OR (q.trader_id, q.price_eur_per_mwh, q.quantity_mw, q.delivery_day, q.delivery_hour)
          <> (r.trader_id, r.price_eur_per_mwh, r.quantity_mw, r.delivery_day, r.delivery_hour))

-- name: insert_statement_rows
INSERT INTO raw.trades (
    market, trade_id, direction, revision, trader_id, price_eur_per_mwh, quantity_mw, delivery_day, delivery_hour,
    delivery_start_at, delivery_end_at, executed_at, received_at, is_disputed, load_batch_id, landing_file_id, line_number
)
SELECT r.market, r.trade_id, r.direction, r.revision, r.trader_id, r.price_eur_per_mwh, r.quantity_mw, r.delivery_day,
       r.delivery_hour, r.delivery_start_at, r.delivery_end_at, r.executed_at, r.received_at, r.is_disputed,
       r.load_batch_id, r.landing_file_id, r.line_number
FROM pg_temp.statement_rows AS r
JOIN pg_temp.statement_changes USING (market, trade_id, direction)

-- name: validate_statements_again
-- No row counts before it is validated; until then PnL of its hours stays as it was
UPDATE ops.load_batches AS b SET state = 'loaded', is_reload = true
WHERE b.load_batch_id IN (
    SELECT r.load_batch_id FROM pg_temp.statement_rows AS r JOIN pg_temp.statement_changes USING (market, trade_id, direction))

-- name: forget_differences
DELETE FROM ops.reconciliation_differences AS d
USING pg_temp.statement_scope AS s
WHERE (d.market, d.trade_id, d.direction) = (s.market, s.trade_id, s.direction)

-- name: note_differences
INSERT INTO ops.reconciliation_differences (
    market, statement_day, trade_id, direction, outcome, captured_revision, captured_trader_id,
    captured_price_eur_per_mwh, captured_quantity_mw, captured_delivery_day, captured_delivery_hour, statement_trader_id,
    statement_price_eur_per_mwh, statement_quantity_mw, statement_delivery_day, statement_delivery_hour, landing_file_id,
    line_number
)
SELECT market, statement_day, trade_id, direction, CASE WHEN is_cancelled THEN 'cancelled' ELSE outcome END,
       captured_revision, captured_trader_id, captured_price_eur_per_mwh, captured_quantity_mw, captured_delivery_day,
       captured_delivery_hour, trader_id, price_eur_per_mwh, quantity_mw, delivery_day, delivery_hour, landing_file_id,
       line_number
FROM pg_temp.statement_outcomes
WHERE outcome <> 'matched' OR is_cancelled

-- name: note_unexpected
-- Captured trades that count, or would if nobody had discarded them, and that no statement has: the highest revision
INSERT INTO ops.reconciliation_differences (
    market, statement_day, trade_id, direction, outcome, captured_revision, captured_trader_id,
    captured_price_eur_per_mwh, captured_quantity_mw, captured_delivery_day, captured_delivery_hour, landing_file_id,
    line_number
)
SELECT DISTINCT ON (t.market, t.trade_id, t.direction)
       t.market, d.statement_day, t.trade_id, t.direction, 'unexpected', t.revision, t.trader_id, t.price_eur_per_mwh,
       t.quantity_mw, t.delivery_day, t.delivery_hour, t.landing_file_id, t.line_number
FROM (
    SELECT DISTINCT ON (t.market, t.trade_id, t.direction)
        t.*,
        (coalesce(t.executed_at, staging.first_received_at(t.market, t.trade_id, t.direction, t.revision, t.received_at))
         AT TIME ZONE %(timezone)s)::date AS executed_day
    FROM pg_temp.statement_scope
    JOIN raw.trades AS t USING (market, trade_id, direction)
    WHERE t.revision >= 0
      AND t.load_batch_id NOT IN (SELECT load_batch_id FROM staging.undecided_batches)
      AND NOT EXISTS (
          SELECT FROM pg_temp.statement_lines AS l
          WHERE (l.market, l.trade_id, l.direction) = (t.market, t.trade_id, t.direction))
      AND NOT EXISTS (
          SELECT FROM ops.quarantined_trades AS q
          WHERE (q.market, q.trade_id, q.direction, q.revision) = (t.market, t.trade_id, t.direction, t.revision)
            AND q.review IS DISTINCT FROM 'accept' AND NOT q.is_unexpected)
    ORDER BY t.market, t.trade_id, t.direction, t.revision DESC
) AS t
JOIN ops.statements AS d
    ON d.market = t.market
    AND d.statement_day IN (t.executed_day, t.delivery_day)
    AND d.statement_day = CASE WHEN d.is_by_delivery_day THEN t.delivery_day ELSE t.executed_day END
WHERE NOT EXISTS (
    SELECT FROM staging.cancellations AS c
    WHERE (c.market, c.trade_id) = (t.market, t.trade_id)
      AND staging.cancels(c, t.market, t.trade_id, t.direction, t.revision, t.received_at))
ORDER BY t.market, t.trade_id, t.direction, d.statement_day

-- name: review_earlier_revisions
-- A decision on an unexpected trade is about all revisions up to the one that counted, also those that are loaded later:
-- none of them counts instead
INSERT INTO ops.quarantined_trades (
    market, trade_id, direction, revision, trader_id, price_eur_per_mwh, quantity_mw, delivery_day, delivery_hour,
    expectation, received_at, landing_file_id, line_number, review, review_reason, reviewed_at, is_unexpected
)
SELECT
    t.market, t.trade_id, t.direction, t.revision, t.trader_id, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day,
    t.delivery_hour, q.expectation, t.received_at, t.landing_file_id, t.line_number, q.review, q.review_reason,
    q.reviewed_at, true
FROM pg_temp.statement_scope
JOIN ops.reconciliation_differences AS d USING (market, trade_id, direction)
JOIN ops.quarantined_trades AS q
    ON (q.market, q.trade_id, q.direction, q.revision) = (d.market, d.trade_id, d.direction, d.captured_revision)
JOIN raw.trades AS t
    ON (t.market, t.trade_id, t.direction) = (d.market, d.trade_id, d.direction)
    AND t.revision >= 0 AND t.revision < d.captured_revision
WHERE d.outcome = 'unexpected' AND q.is_unexpected
ON CONFLICT DO NOTHING

-- name: pending_reconciled
-- The hours whose capture gap is another one than PnL shows, now that days are reconciled or are so no more
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
WITH gaps AS MATERIALIZED (
    SELECT gap_start_at, gap_end_at FROM ops.capture_gaps WHERE market = %(market)s
), stated AS MATERIALIZED (
    SELECT delivery_day FROM staging.stated_delivery_days WHERE market = %(market)s
)
SELECT DISTINCT p.market, p.delivery_day, p.delivery_hour, 'statement'
FROM curated.pnl_hourly AS p
JOIN staging.pnl_hours AS d USING (market, delivery_day, delivery_hour)
CROSS JOIN (
    SELECT min(covered_from) AS covered_from, max(covered_until) AS covered_until
    FROM ops.statements
    WHERE market = %(market)s AND statement_day = ANY(%(days)s::date[])
) AS s
CROSS JOIN LATERAL (
    SELECT coalesce(sum(extract(epoch FROM least(gap_end_at, d.tradable_until)
                                           - greatest(gap_start_at, d.tradable_from))), 0) AS gap_seconds
    FROM gaps
    WHERE gap_start_at < d.tradable_until AND gap_end_at > d.tradable_from
      AND p.delivery_day NOT IN (SELECT delivery_day FROM stated)
) AS g
WHERE p.market = %(market)s
  AND (d.tradable_from < s.covered_until AND d.tradable_until > s.covered_from OR p.delivery_day = ANY(%(days)s::date[]))
  AND p.capture_gap_seconds <> g.gap_seconds

-- name: days_in_scope
-- The days of statements whose state a change of these trades may have changed
SELECT DISTINCT statement_day FROM ops.reconciliation_differences JOIN pg_temp.statement_scope USING (market, trade_id, direction)
UNION
SELECT statement_day FROM pg_temp.statement_lines

-- name: reconciled_counts
-- How these days came out; what a statement that is held does not have as captured is neither added nor changed
SELECT
    count(*) AS days,
    coalesce(sum(matched_count), 0)::bigint AS matched,
    coalesce(sum(missing_count) FILTER (WHERE state <> 'held'), 0)::bigint AS missing,
    coalesce(sum(differs_count) FILTER (WHERE state <> 'held'), 0)::bigint AS differs,
    coalesce(sum(cancelled_count), 0)::bigint AS cancelled,
    coalesce(sum(unexpected_count), 0)::bigint AS unexpected,
    count(*) FILTER (WHERE state <> 'reconciled') AS not_reconciled
FROM ops.reconciliations
WHERE market = %(market)s AND statement_day = ANY(%(days)s::date[])

-- name: forget_scope
DROP TABLE pg_temp.statement_scope, pg_temp.statement_lines, pg_temp.statement_outcomes, pg_temp.statement_rows,
    pg_temp.statement_changes
