-- Queries of include/expectations: what is validated, what was found, and what then counts

-- name: validation_batches
-- The batches of a market that wait for their validation, and how many rows they have to validate
SELECT
    b.load_batch_id,
    CASE b.source
         WHEN 'statements' THEN
             (SELECT count(*) FROM raw.trades AS t WHERE t.load_batch_id = b.load_batch_id AND t.revision = -1)
         ELSE b.loaded_count END
    + (SELECT count(*) FROM staging.trade_copies AS c WHERE c.load_batch_id = b.load_batch_id) AS row_count
FROM ops.load_batches AS b
JOIN ops.landing_files AS f USING (landing_file_id)
WHERE f.market = %(market)s AND b.source = ANY(%(sources)s) AND b.state = 'loaded'
ORDER BY b.load_batch_id

-- name: unsound_rows
-- The rows of a validation that break a critical expectation
CREATE TEMPORARY TABLE unsound_rows (landing_file_id bigint, line_number bigint, expectation text)

-- name: days_of_trades
-- The delivery days of the rows of validation_view_trades
SELECT DISTINCT delivery_day FROM (
    SELECT delivery_day FROM raw.trades WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
    UNION ALL
    SELECT delivery_day FROM staging.trade_copies WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
) AS t

-- name: validation_view_trades
-- The trades of the batches of a validation and the waiting copies that might count instead of stored ones, each with what
-- the calendar says of its delivery period, and the reference prices of the hours in which that delivers, if there are any.
-- The batches are given as bigint[]: PostgreSQL hashes such a list only if it has the column's type, and else compares
-- each row with hundreds of batches one by one.
SELECT
    t.market, t.trade_id, t.direction, t.revision, t.trader_id, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day,
    t.delivery_hour, t.delivery_start_at, t.delivery_end_at, t.executed_at, t.received_at,
    t.load_batch_id, t.landing_file_id, f.landing_file, t.line_number, b.loaded_at,
    p.delivery_start_at AS calendar_start_at,
    p.delivery_end_at AS calendar_end_at,
    -- under the doubled label of October a trade may be for the second of its two hours
    greatest(t.delivery_start_at, p.tradable_until) AS delivery_begins_at,
    (t.delivery_start_at AT TIME ZONE %(market_timezone)s)::date AS delivery_start_day,
    r.lowest_reference_price,
    r.highest_reference_price
FROM (
    SELECT * FROM raw.trades WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
    UNION ALL
    SELECT * FROM staging.trade_copies WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
) AS t
LEFT JOIN ops.landing_files AS f ON f.landing_file_id = t.landing_file_id
-- batches and days are said once more: else those of all years are read
LEFT JOIN ops.load_batches AS b
    ON b.load_batch_id = t.load_batch_id AND b.load_batch_id = ANY(%(load_batch_ids)s::bigint[])
LEFT JOIN raw.delivery_periods AS p
    ON (p.market, p.delivery_day, p.delivery_hour) = (t.market, t.delivery_day, t.delivery_hour)
    AND p.market = %(market)s AND p.delivery_day = ANY(%(delivery_days)s::date[])
LEFT JOIN (
    SELECT
        h.market, h.delivery_day, h.delivery_hour, min(c.price_eur_per_mwh) AS lowest_reference_price,
        max(c.price_eur_per_mwh) AS highest_reference_price
    FROM raw.period_hours AS h
    JOIN curated.reference_prices AS c
        ON (c.market, c.delivery_day, c.delivery_hour) = (h.market, h.delivery_day, h.pnl_hour)
    -- joined: looked up for each hour, they would keep PostgreSQL from using several cores
    WHERE h.market = %(market)s AND h.delivery_day = ANY(%(delivery_days)s::date[]) AND c.delivery_day = ANY(%(delivery_days)s::date[])
    GROUP BY h.market, h.delivery_day, h.delivery_hour
) AS r ON (r.market, r.delivery_day, r.delivery_hour) = (t.market, t.delivery_day, t.delivery_hour)

-- name: validation_view_reference_prices
-- The price observations of the batches of a validation, with what the calendar says of their delivery period
SELECT
    r.market, r.delivery_day, r.delivery_hour, r.price_eur_per_mwh, r.provider_updated_at, r.unreadable_update_time,
    r.observed_at, r.load_batch_id, r.landing_file_id, f.landing_file, r.line_number, p.tradable_from
FROM raw.reference_prices AS r
LEFT JOIN ops.landing_files AS f ON f.landing_file_id = r.landing_file_id
LEFT JOIN raw.delivery_periods AS p
    ON (p.market, p.delivery_day, p.delivery_hour) = (r.market, r.delivery_day, r.delivery_hour)
WHERE r.load_batch_id = ANY(%(load_batch_ids)s::bigint[])

-- name: validation_view_pnl_hourly
-- The rows of one build, which holds the locks of these days
SELECT * FROM staging.pnl_hourly WHERE market = %(market)s AND delivery_day = ANY(%(days)s::date[])

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
    market, validation_id, suite, expectation, column_name, severity, is_success, unexpected_count, detail, load_batch_ids
)
VALUES (
    %(market)s, %(validation_id)s, %(suite)s, %(expectation)s, %(column)s, %(severity)s, %(is_success)s, %(unexpected_count)s,
    %(detail)s, %(load_batch_ids)s::bigint[]
)

-- name: vacuum_trades
-- and the tables that trades are joined with: a few delivery periods by mistake mean nested loops over all trades
VACUUM (ANALYZE) raw.trades, raw.delivery_periods, raw.period_hours

-- name: trades_without_statistics
SELECT reltuples < 0 FROM pg_catalog.pg_class WHERE oid = 'raw.trades'::regclass

-- name: vacuum_reference_prices
VACUUM (ANALYZE) raw.reference_prices

-- name: accept_batches
UPDATE ops.load_batches SET state = 'accepted', validated_at = clock_timestamp()
WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[]) AND state = 'loaded'

-- name: mark_disputed
-- Whichever copy of a revision says that it is disputed
UPDATE raw.trades AS t SET is_disputed = true
FROM raw.trade_receipts AS r
WHERE r.is_disputed AND NOT t.is_disputed
  AND (t.market, t.trade_id, t.direction, t.revision) = (r.market, r.trade_id, r.direction, r.revision)
  AND (r.load_batch_id = ANY(%(load_batch_ids)s::bigint[]) OR t.load_batch_id = ANY(%(load_batch_ids)s::bigint[]))

-- name: release_sound
-- Trades that were in quarantine and are validated again: it starts anew, unless a person decided. A decision holds for as
-- long as the trade says the same
DELETE FROM ops.quarantined_trades AS q
USING raw.trades AS t
WHERE t.load_batch_id = ANY(%(load_batch_ids)s::bigint[])
  AND (q.market, q.trade_id, q.direction, q.revision) = (t.market, t.trade_id, t.direction, t.revision)
  AND (q.review IS NULL
       OR (q.trader_id, q.price_eur_per_mwh, q.quantity_mw, q.delivery_day, q.delivery_hour)
          <> (t.trader_id, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day, t.delivery_hour))

-- name: quarantine_unsound
-- A decision that is still there is about the same
INSERT INTO ops.quarantined_trades (
    market, trade_id, direction, revision, trader_id, price_eur_per_mwh, quantity_mw, delivery_day, delivery_hour,
    expectation, received_at, landing_file_id, line_number
)
SELECT
    t.market, t.trade_id, t.direction, t.revision, t.trader_id, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day,
    t.delivery_hour, u.expectation, t.received_at, t.landing_file_id, t.line_number
FROM (
    SELECT landing_file_id, line_number, string_agg(DISTINCT expectation, '; ') AS expectation
    FROM pg_temp.unsound_rows
    GROUP BY landing_file_id, line_number
) AS u
JOIN raw.trades AS t USING (landing_file_id, line_number)
WHERE t.load_batch_id = ANY(%(load_batch_ids)s::bigint[])
ON CONFLICT DO NOTHING

-- name: forget_unsound
TRUNCATE pg_temp.unsound_rows

-- name: accept_pending_trades
-- The hours of PnL that these batches change
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
SELECT market, delivery_day, delivery_hour, b.cause
FROM (
    SELECT array_agg(load_batch_id) AS load_batch_ids, CASE source WHEN 'statements' THEN 'statement' ELSE source END AS cause
    FROM ops.load_batches
    WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
    GROUP BY source
) AS b
CROSS JOIN LATERAL staging.affected_hours(b.load_batch_ids)

-- name: accept_pending_reference_prices
-- The traded hours whose current price, by the observations of these batches, is not what PnL shows
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
SELECT o.market, o.delivery_day, o.delivery_hour, 'reference_prices'
FROM (
    SELECT DISTINCT market, delivery_day, delivery_hour
    FROM raw.reference_prices
    WHERE load_batch_id = ANY(%(load_batch_ids)s::bigint[])
) AS o
LEFT JOIN LATERAL (
    SELECT r.price_eur_per_mwh, r.price_status
    FROM curated.reference_prices AS r
    WHERE (r.market, r.delivery_day, r.delivery_hour) = (o.market, o.delivery_day, o.delivery_hour)
    LIMIT 1  -- else the whole view is computed
) AS c ON true
WHERE EXISTS (
    SELECT FROM curated.pnl_hourly AS h
    WHERE (h.market, h.delivery_day, h.delivery_hour) = (o.market, o.delivery_day, o.delivery_hour)
      AND (h.reference_price_eur_per_mwh, h.price_status)
          IS DISTINCT FROM (c.price_eur_per_mwh, coalesce(c.price_status, 'missing')))
