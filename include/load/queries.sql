-- Queries of include/load: from landing files to raw.*, and the ledger beside it

-- name: landing_files_known
SELECT landing_file, loaded_bytes, is_complete, load_error
FROM ops.landing_files
WHERE market = %(market)s AND source = %(source)s

-- name: landing_files_lock
-- The file's ledger row, made if there is none, locked until the load commits: a second loader waits here
INSERT INTO ops.landing_files AS known (market, landing_file, source, hour_start_at)
VALUES (%(market)s, %(landing_file)s, %(source)s, %(hour_start_at)s)
ON CONFLICT (landing_file) DO UPDATE SET source = known.source
RETURNING landing_file_id, loaded_bytes, line_count, is_complete, is_connected, last_received_at, market

-- name: landing_files_complete
UPDATE ops.landing_files SET is_complete = true, load_error = NULL WHERE landing_file_id = %(landing_file_id)s

-- name: landing_files_advance
UPDATE ops.landing_files SET
    loaded_bytes = %(to_bytes)s,
    line_count = line_count + %(line_count)s,
    loaded_count = loaded_count + %(loaded_count)s,
    duplicate_count = duplicate_count + %(duplicate_count)s,
    rejected_count = rejected_count + %(rejected_count)s,
    event_count = event_count + %(event_count)s,
    first_received_at = coalesce(first_received_at, %(first_received_at)s),
    last_received_at = coalesce(%(last_received_at)s, last_received_at),
    is_connected = %(is_connected)s,
    is_complete = %(is_complete)s,
    load_error = NULL
WHERE landing_file_id = %(landing_file_id)s

-- name: landing_files_failed
-- Why the file could not be loaded; the next load that succeeds clears it
INSERT INTO ops.landing_files AS known (market, landing_file, source, hour_start_at, load_error)
VALUES (%(market)s, %(landing_file)s, %(source)s, %(hour_start_at)s, %(load_error)s)
ON CONFLICT (landing_file) DO UPDATE SET load_error = excluded.load_error

-- name: landing_folders_failed
-- What could not be loaded and may be a folder that could not be read: of those nothing is ever loaded
SELECT landing_file
FROM ops.landing_files
WHERE market = %(market)s AND load_error IS NOT NULL AND landing_file !~ '\.(jsonl|csv)$'

-- name: landing_folders_forget
DELETE FROM ops.landing_files WHERE landing_file = ANY(%(landing_files)s::text[]) AND line_count = 0

-- name: load_batches_begin
INSERT INTO ops.load_batches (
    source, landing_file_id, from_bytes, to_bytes, line_count, loaded_count, duplicate_count, rejected_count,
    event_count, state, is_reload
)
VALUES (%(source)s, %(landing_file_id)s, %(from_bytes)s, %(from_bytes)s, 0, 0, 0, 0, 0, 'loaded', %(is_reload)s)
RETURNING load_batch_id

-- name: load_batches_end
-- A batch that holds nothing but events needs no decision
UPDATE ops.load_batches SET
    to_bytes = %(to_bytes)s,
    line_count = %(line_count)s,
    loaded_count = %(loaded_count)s,
    duplicate_count = %(duplicate_count)s,
    rejected_count = %(rejected_count)s,
    event_count = %(event_count)s,
    state = CASE WHEN %(loaded_count)s + %(duplicate_count)s + %(rejected_count)s = 0 THEN 'accepted' ELSE 'loaded' END
WHERE load_batch_id = %(load_batch_id)s

-- name: delivery_periods
-- Periods as the calendar has them; a changed calendar (another zone) replaces what was stored. What is stored already is
-- left out: ON CONFLICT would lock it, and a reload of several files deadlock with a load. The others are in order of time for
-- the same reason
INSERT INTO raw.delivery_periods (
    market, delivery_day, delivery_hour, delivery_start_at, delivery_end_at, delivery_hours, is_dst_ambiguous,
    tradable_from, tradable_until, price_final_from, price_current_from, stale_price_final_from
)
SELECT
    market, delivery_day, delivery_hour, start_at, end_at, hours, is_dst_ambiguous, tradable_from, tradable_until,
    price_final_from, price_current_from, stale_price_final_from
FROM jsonb_to_recordset(%(periods)s) AS p (
    market text, delivery_day date, delivery_hour text, start_at timestamptz, end_at timestamptz, hours numeric,
    is_dst_ambiguous boolean, tradable_from timestamptz, tradable_until timestamptz, price_final_from timestamptz,
    price_current_from timestamptz, stale_price_final_from timestamptz
)
WHERE NOT EXISTS (
    SELECT FROM raw.delivery_periods AS known
    WHERE (known.market, known.delivery_day, known.delivery_hour) = (p.market, p.delivery_day, p.delivery_hour)
      AND (known.delivery_start_at, known.delivery_end_at, known.delivery_hours, known.is_dst_ambiguous, known.tradable_from,
           known.tradable_until, known.price_final_from, known.price_current_from, known.stale_price_final_from)
          IS NOT DISTINCT FROM
          (start_at, end_at, hours, p.is_dst_ambiguous, p.tradable_from, p.tradable_until, p.price_final_from,
           p.price_current_from, p.stale_price_final_from))
ORDER BY delivery_day, delivery_hour
ON CONFLICT (market, delivery_day, delivery_hour) DO UPDATE SET
    delivery_start_at = excluded.delivery_start_at,
    delivery_end_at = excluded.delivery_end_at,
    delivery_hours = excluded.delivery_hours,
    is_dst_ambiguous = excluded.is_dst_ambiguous,
    tradable_from = excluded.tradable_from,
    tradable_until = excluded.tradable_until,
    price_final_from = excluded.price_final_from,
    price_current_from = excluded.price_current_from,
    stale_price_final_from = excluded.stale_price_final_from

-- name: period_hours_outdated
-- Periods that deliver in other hours of PnL than before (a changed calendar): their trades count anew in both
WITH given AS MATERIALIZED (
    SELECT p.market, p.delivery_day, p.delivery_hour, s.pnl_hour, s.from_minute, s.hours
    FROM jsonb_to_recordset(%(periods)s) AS p (market text, delivery_day date, delivery_hour text, shares jsonb)
    CROSS JOIN jsonb_to_recordset(p.shares) AS s (pnl_hour text, from_minute integer, hours numeric)
), known AS MATERIALIZED (
    SELECT h.market, h.delivery_day, h.delivery_hour, h.pnl_hour, h.from_minute, h.hours
    FROM raw.period_hours AS h
    JOIN (SELECT DISTINCT market, delivery_day, delivery_hour FROM given) AS p
        USING (market, delivery_day, delivery_hour)
), changed AS MATERIALIZED (
    SELECT market, delivery_day, delivery_hour FROM (TABLE known EXCEPT TABLE given) AS gone
    UNION
    (SELECT market, delivery_day, delivery_hour FROM (TABLE given EXCEPT TABLE known) AS new
     INTERSECT
     SELECT market, delivery_day, delivery_hour FROM known)
), deleted AS (
    DELETE FROM raw.period_hours AS h USING changed AS c
    WHERE (h.market, h.delivery_day, h.delivery_hour) = (c.market, c.delivery_day, c.delivery_hour)
)
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
SELECT DISTINCT market, delivery_day, pnl_hour, 'calendar'
FROM (TABLE known UNION ALL TABLE given) AS hours
JOIN changed USING (market, delivery_day, delivery_hour)

-- name: period_hours
-- In which hours of PnL they deliver
INSERT INTO raw.period_hours (market, delivery_day, delivery_hour, pnl_hour, from_minute, hours)
SELECT market, delivery_day, delivery_hour, s.pnl_hour, s.from_minute, s.hours
FROM jsonb_to_recordset(%(periods)s) AS p (market text, delivery_day date, delivery_hour text, shares jsonb)
CROSS JOIN jsonb_to_recordset(p.shares) AS s (pnl_hour text, from_minute integer, hours numeric)
ORDER BY delivery_day, delivery_hour, s.pnl_hour
ON CONFLICT DO NOTHING

-- name: message_notes
INSERT INTO ops.message_notes AS known (
    market, landing_file_id, about, name, message_count, first_received_at, last_received_at
)
VALUES (
    %(market)s, %(landing_file_id)s, %(about)s, %(name)s, %(message_count)s, %(first_received_at)s, %(last_received_at)s
)
ON CONFLICT (landing_file_id, about, name) DO UPDATE SET
    message_count = known.message_count + excluded.message_count,
    last_received_at = greatest(known.last_received_at, excluded.last_received_at)

-- name: load_clock
SELECT clock_timestamp()

-- name: trades_known
-- The revisions of these trades that are stored. Each id is looked up by itself (OFFSET 0): without statistics, which a
-- table has not in the load that fills it, the planner would read all rows of the market for each portion of ids.
SELECT t.trade_id, t.direction, t.revision
FROM unnest(%(trade_ids)s::text[]) AS w (trade_id)
CROSS JOIN LATERAL (
    SELECT s.trade_id, s.direction, s.revision
    FROM raw.trades AS s
    WHERE (s.market, s.trade_id) = (%(market)s, w.trade_id)
    OFFSET 0
) AS t

-- name: statement_trades_known
-- The trades of a statement that earlier lines of it have, with their content as COPY writes it
SELECT trade_id, direction, trader_id, price_eur_per_mwh::text, quantity_mw::text, delivery_day::text, delivery_hour
FROM raw.statement_trades
WHERE market = %(market)s AND trade_id = ANY(%(trade_ids)s) AND landing_file_id = %(landing_file_id)s

-- name: claimed_intervals_last
SELECT connected_from, connected_until
FROM staging.claimed_intervals
WHERE landing_file_id = %(landing_file_id)s
ORDER BY connected_from DESC
LIMIT 1

-- name: claimed_intervals
INSERT INTO staging.claimed_intervals AS known (landing_file_id, connected_from, connected_until)
VALUES (%(landing_file_id)s, %(connected_from)s, %(connected_until)s)
ON CONFLICT (landing_file_id, connected_from) DO UPDATE
SET connected_until = greatest(known.connected_until, excluded.connected_until)

-- name: clock_steps
INSERT INTO staging.clock_steps (landing_file_id, landing_file, seconds)
SELECT %(landing_file_id)s, n.landing_file, %(seconds)s FROM unnest(%(landing_files)s::text[]) AS n (landing_file)
ON CONFLICT DO NOTHING

-- name: landing_scanned_at
SELECT scanned_at FROM ops.landing_scans WHERE market = %(market)s AND source = %(source)s

-- name: landing_scans
INSERT INTO ops.landing_scans AS known (market, source, scanned_at)
VALUES (%(market)s, %(source)s, %(scanned_at)s)
ON CONFLICT (market, source) DO UPDATE SET scanned_at = greatest(known.scanned_at, excluded.scanned_at)

-- name: pending_capture_gaps
-- Delivery periods whose PnL shows other gaps, reconciled ones included, than are known by now, of those tradable after a
-- moment. A statement reconciles all gaps of its days
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
WITH gaps AS MATERIALIZED (
    SELECT gap_start_at, gap_end_at, false AS is_of_connection FROM ops.capture_gaps WHERE market = %(market)s
    UNION ALL
    SELECT gap_start_at, gap_end_at, true FROM staging.connection_gaps WHERE market = %(market)s
), stated AS MATERIALIZED (
    SELECT delivery_day FROM staging.stated_delivery_days WHERE market = %(market)s
)
SELECT DISTINCT p.market, p.delivery_day, p.delivery_hour, 'capture_gaps'
FROM curated.pnl_versions AS p
JOIN staging.pnl_hours AS d USING (market, delivery_day, delivery_hour)
CROSS JOIN LATERAL (
    SELECT
        coalesce(sum(seconds) FILTER (WHERE NOT is_of_connection
                                        AND p.delivery_day NOT IN (SELECT delivery_day FROM stated)), 0) AS gap_seconds,
        coalesce(sum(seconds) FILTER (WHERE is_of_connection), 0) AS connection_gap_seconds
    FROM (
        SELECT
            is_of_connection,
            extract(epoch FROM least(gap_end_at, d.tradable_until) - greatest(gap_start_at, d.tradable_from)) AS seconds
        FROM gaps
        WHERE gap_start_at < d.tradable_until AND gap_end_at > d.tradable_from
    ) AS of_hour
) AS g
WHERE p.market = %(market)s AND p.valid_to IS NULL AND d.tradable_until > %(since)s
  AND (p.capture_gap_seconds, p.reconciled_gap_seconds)
      IS DISTINCT FROM (g.gap_seconds, g.connection_gap_seconds - g.gap_seconds)

-- name: reload_pending
-- The hours of PnL that a reload of files may change; they are built once its batches are accepted
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
SELECT market, delivery_day, delivery_hour, 'reload'
FROM staging.affected_hours(%(load_batch_ids)s::bigint[])
UNION
SELECT market, delivery_day, delivery_hour, 'reload'
FROM raw.reference_prices
WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])

-- name: reload_batches
SELECT load_batch_id FROM ops.load_batches WHERE landing_file_id = ANY(%(landing_file_ids)s::bigint[])

-- name: reload_trades
-- In one pass: where the space of removed rows was used again, the block index narrows little down
DELETE FROM raw.trades WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])

-- name: reload_statement_trades
DELETE FROM raw.statement_trades WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])

-- name: reload_trade_cancellations
DELETE FROM raw.trade_cancellations WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])

-- name: reload_trade_receipts
DELETE FROM raw.trade_receipts WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])

-- name: reload_trade_copies
DELETE FROM staging.trade_copies WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])

-- name: reload_reference_prices
DELETE FROM raw.reference_prices WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])

-- name: reload_message_notes
DELETE FROM ops.message_notes WHERE landing_file_id = ANY(%(landing_file_ids)s::bigint[])

-- name: reload_reviews
-- What people decided on the rejects of the files, for the rejects that the reload finds again
CREATE TEMPORARY TABLE reviews ON COMMIT DROP AS
SELECT landing_file_id, line_number, review, review_reason, reviewed_at
FROM ops.rejected_messages
WHERE landing_file_id = ANY(%(landing_file_ids)s::bigint[]) AND review IS NOT NULL

-- name: reload_reviewed
UPDATE ops.rejected_messages AS m
SET review = r.review, review_reason = r.review_reason, reviewed_at = r.reviewed_at
FROM pg_temp.reviews AS r
WHERE (m.landing_file_id, m.line_number) = (r.landing_file_id, r.line_number)

-- name: reload_rejected_messages
DELETE FROM ops.rejected_messages WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])

-- name: reload_load_batches
DELETE FROM ops.load_batches WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])

-- name: reload_claimed_intervals
DELETE FROM staging.claimed_intervals WHERE landing_file_id = ANY(%(landing_file_ids)s::bigint[])

-- name: reload_clock_steps
DELETE FROM staging.clock_steps WHERE landing_file_id = ANY(%(landing_file_ids)s::bigint[])

-- name: reload_landing_files
-- The ledger of the files as if nothing had been loaded
UPDATE ops.landing_files SET
    loaded_bytes = 0, line_count = 0, loaded_count = 0, duplicate_count = 0, rejected_count = 0, event_count = 0,
    first_received_at = NULL, last_received_at = NULL, is_connected = false, is_complete = false
WHERE landing_file_id = ANY(%(landing_file_ids)s::bigint[])

-- name: analyze_statement_trades
ANALYZE raw.statement_trades
