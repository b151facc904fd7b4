-- Queries of include/expectations: what is validated, what was found, and what then counts

-- name: validation_batches
-- The batches that wait for a decision
SELECT b.load_batch_id, f.landing_file, b.loaded_count
FROM ops.load_batches AS b
JOIN ops.landing_files AS f USING (landing_file_id)
WHERE b.source = %(source)s AND b.state = 'loaded'
ORDER BY b.load_batch_id

-- name: validation_view_trades
-- The trades of the batches of a validation and the further copies that would count with them, each with what the calendar
-- says of its delivery period.
-- The batches are given as bigint[]: PostgreSQL hashes such a list only if it has the column's type, and else compares
-- each row with hundreds of batches one by one.
SELECT
    t.trade_id, t.trader_id, t.direction, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day, t.delivery_hour,
    t.delivery_start_at, t.delivery_end_at, t.executed_at, t.received_at,
    t.load_batch_id, f.landing_file, t.line_number, b.loaded_at, t.is_stored,
    p.delivery_start_at AS calendar_start_at,
    p.delivery_end_at AS calendar_end_at,
    -- under the doubled label of October a trade may be for the second of its two hours
    greatest(t.delivery_start_at, p.tradable_until) AS delivery_begins_at,
    (t.delivery_start_at AT TIME ZONE %(market_timezone)s)::date AS delivery_start_day
FROM (
    SELECT s.*, true AS is_stored
    FROM raw.trades AS s
    WHERE s.load_batch_id = ANY(%(load_batch_ids)s::bigint[])
    UNION ALL
    SELECT c.*, false
    FROM staging.checked_copies AS c
) AS t
LEFT JOIN ops.landing_files AS f ON f.landing_file_id = t.landing_file_id
LEFT JOIN ops.load_batches AS b ON b.load_batch_id = t.load_batch_id
LEFT JOIN raw.delivery_periods AS p ON p.delivery_day = t.delivery_day AND p.delivery_hour = t.delivery_hour

-- name: validation_view_reference_prices
-- The price observations of the batches of a validation, with what the calendar says of their delivery period
SELECT
    r.delivery_day, r.delivery_hour, r.price_eur_per_mwh, r.provider_updated_at, r.unreadable_update_time,
    r.observed_at, r.load_batch_id, f.landing_file, r.line_number, true AS is_stored,
    p.tradable_from
FROM raw.reference_prices AS r
LEFT JOIN ops.landing_files AS f ON f.landing_file_id = r.landing_file_id
LEFT JOIN raw.delivery_periods AS p ON p.delivery_day = r.delivery_day AND p.delivery_hour = r.delivery_hour
WHERE r.load_batch_id = ANY(%(load_batch_ids)s::bigint[])

-- name: validation_view_batches
-- The batches of a validation: the messages that each brought; a line torn by a crash of ours was never a message
SELECT
    b.load_batch_id, f.landing_file, b.loaded_at, b.loaded_count,
    b.rejected_count - torn.line_count AS rejected_count,
    b.loaded_count + b.duplicate_count + b.rejected_count - torn.line_count AS message_count
FROM ops.load_batches AS b
JOIN ops.landing_files AS f USING (landing_file_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS line_count
    FROM ops.rejected_messages AS r
    WHERE r.load_batch_id = b.load_batch_id AND r.reason_code = 'torn_line'
) AS torn
WHERE b.load_batch_id = ANY(%(load_batch_ids)s::bigint[])

-- name: validation_view_pnl_hourly
-- The rows of one build, which holds the locks of these days
SELECT * FROM staging.pnl_hourly WHERE delivery_day = ANY(%(days)s::date[])

-- name: validation_views_left
-- Views of validations whose connection, named in them by its process id, is gone
SELECT viewname
FROM pg_catalog.pg_views
WHERE schemaname = 'staging'
  AND viewname ~ '^checked_[a-z_]+_[0-9]+_[0-9a-f]+$'
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_stat_activity
      WHERE pid = substring(viewname FROM '_([0-9]+)_[0-9a-f]+$')::integer)

-- name: validation_results
INSERT INTO ops.validation_results (
    validation_id, suite, expectation, column_name, severity, is_success, unexpected_count, detail, load_batch_ids
)
VALUES (
    %(validation_id)s, %(suite)s, %(expectation)s, %(column)s, %(severity)s, %(is_success)s, %(unexpected_count)s,
    %(detail)s, %(load_batch_ids)s::bigint[]
)

-- name: vacuum_trades
VACUUM (ANALYZE) raw.trades

-- name: vacuum_reference_prices
VACUUM (ANALYZE) raw.reference_prices

-- name: accept_batches
UPDATE ops.load_batches SET state = 'accepted', validated_at = clock_timestamp()
WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[]) AND state = 'loaded'

-- name: block_batches
UPDATE ops.load_batches SET state = 'blocked', validated_at = clock_timestamp()
WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[]) AND state = 'loaded'

-- name: accept_pending_trades
-- The delivery periods that the trades of these batches change
INSERT INTO ops.pending_delivery_periods (delivery_day, delivery_hour, cause)
SELECT DISTINCT delivery_day, delivery_hour, 'trades'
FROM raw.trades
WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])

-- name: accept_pending_reference_prices
-- The traded delivery periods whose current price, by the observations of these batches, is not what PnL shows
INSERT INTO ops.pending_delivery_periods (delivery_day, delivery_hour, cause)
SELECT o.delivery_day, o.delivery_hour, 'reference_prices'
FROM (
    SELECT DISTINCT delivery_day, delivery_hour
    FROM raw.reference_prices
    WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
) AS o
LEFT JOIN LATERAL (
    SELECT r.price_eur_per_mwh, r.price_status
    FROM curated.reference_prices AS r
    WHERE r.delivery_day = o.delivery_day AND r.delivery_hour = o.delivery_hour
) AS c ON true
WHERE EXISTS (
          SELECT FROM curated.pnl_hourly AS h
          WHERE h.delivery_day = o.delivery_day AND h.delivery_hour = o.delivery_hour
            AND (h.reference_price_eur_per_mwh, h.price_status)
                IS DISTINCT FROM (c.price_eur_per_mwh, coalesce(c.price_status, 'missing')))
   OR (NOT EXISTS (
           SELECT FROM curated.pnl_hourly AS h
           WHERE h.delivery_day = o.delivery_day AND h.delivery_hour = o.delivery_hour)
       AND EXISTS (
           SELECT FROM curated.trades AS t
           WHERE t.delivery_day = o.delivery_day AND t.delivery_hour = o.delivery_hour))
