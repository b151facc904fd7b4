-- name: pending_window
-- The delivery periods that a window of receipt touches: delivered in it, or traded in it
INSERT INTO ops.pending_delivery_periods (delivery_day, delivery_hour, cause)
SELECT delivery_day, delivery_hour, 'rerun'
FROM raw.delivery_periods AS p
WHERE delivery_start_at >= %(start_at)s AND delivery_start_at < %(end_at)s
  AND EXISTS (SELECT FROM raw.trades AS t
              WHERE (t.delivery_day, t.delivery_hour) = (p.delivery_day, p.delivery_hour))
UNION
SELECT delivery_day, delivery_hour, 'rerun'
FROM raw.trades
-- an array, so that the index on the batch is used: there is none on the file
WHERE load_batch_id = ANY(ARRAY(
    SELECT b.load_batch_id
    FROM ops.load_batches AS b
    JOIN ops.landing_files AS f USING (landing_file_id)
    WHERE f.source = 'trades' AND f.hour_start_at >= %(start_at)s AND f.hour_start_at < %(end_at)s))

-- name: pending_days
SELECT DISTINCT delivery_day FROM ops.pending_delivery_periods ORDER BY delivery_day

-- name: pending_periods
-- Every change that waits for a build, of the given days; not of periods that a reload took rows from and that wait for
-- a decision on what was loaded instead
WITH undecided AS MATERIALIZED (
    SELECT array_agg(load_batch_id) AS load_batch_ids
    FROM ops.load_batches
    WHERE state <> 'accepted' AND review IS NULL AND is_reload
), held AS MATERIALIZED (
    -- an array, so that the index on the batch is used
    SELECT delivery_day, delivery_hour FROM raw.trades
    WHERE load_batch_id = ANY((SELECT load_batch_ids FROM undecided)::bigint[])
    UNION
    SELECT delivery_day, delivery_hour FROM raw.reference_prices
    WHERE load_batch_id = ANY((SELECT load_batch_ids FROM undecided)::bigint[])
)
SELECT pending_id, delivery_day, delivery_hour
FROM ops.pending_delivery_periods
WHERE delivery_day = ANY(%(days)s::date[])
  AND (delivery_day, delivery_hour) NOT IN (SELECT delivery_day, delivery_hour FROM held)
UNION ALL
-- of a rebuild: every other period that is known
SELECT NULL, delivery_day, delivery_hour
FROM raw.delivery_periods
WHERE %(is_whole)s AND delivery_day = ANY(%(days)s::date[])
  AND (delivery_day, delivery_hour) NOT IN (SELECT delivery_day, delivery_hour FROM held)

-- name: forget_staged_days
-- The staged rows of these days, whose locks are ours: those of this build, or of one that was killed
DELETE FROM staging.pnl_hourly WHERE delivery_day = ANY(%(days)s::date[])

-- name: pnl_sums
-- The sums of a build, a row a direction: the only pass over the trades.
-- A table of its own, because PostgreSQL uses all cores for CREATE TABLE AS, but not for INSERT.
CREATE TEMPORARY TABLE pnl_sums ON COMMIT DROP AS
SELECT
    t.delivery_day,
    t.delivery_hour,
    t.trader_id,
    t.direction,
    count(*) AS trade_count,
    sum(t.quantity_mw) AS quantity_mw,
    sum(t.quantity_mw * t.price_eur_per_mwh) AS value_eur_per_hour
FROM raw.trades AS t
WHERE (t.delivery_day, t.delivery_hour) IN (
          SELECT * FROM unnest(%(delivery_days)s::date[], %(delivery_hours)s::text[]))
  AND t.load_batch_id NOT IN (SELECT load_batch_id FROM ops.load_batches WHERE state <> 'accepted')
GROUP BY t.delivery_day, t.delivery_hour, t.trader_id, t.direction

-- name: stage_pnl_hourly
-- The facts of PnL of the periods of a build, from the trades and prices that count: exact sums and products. What
-- follows from them is generated (curated.pnl_versions); include/domain/pnl.py says the same in Python.
-- Each part is materialized: the planner cannot know how few rows it has and would compute it again for each trader.
INSERT INTO staging.pnl_hourly (
    delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh, sell_mwh,
    buy_value_eur, sell_value_eur, reference_price_eur_per_mwh, price_status, capture_gap_seconds
)
WITH wanted AS MATERIALIZED (
    SELECT p.*
    FROM unnest(%(delivery_days)s::date[], %(delivery_hours)s::text[]) AS w (delivery_day, delivery_hour)
    JOIN raw.delivery_periods AS p USING (delivery_day, delivery_hour)
), gaps AS MATERIALIZED (
    SELECT gap_start_at, gap_end_at FROM ops.capture_gaps
), completeness AS MATERIALIZED (
    SELECT
        w.delivery_day, w.delivery_hour,
        -- the filter is for periods without any gap: least and greatest pass over a NULL
        coalesce(sum(extract(epoch FROM least(g.gap_end_at, w.tradable_until)
                                        - greatest(g.gap_start_at, w.tradable_from)))
                 FILTER (WHERE g.gap_start_at IS NOT NULL), 0) AS capture_gap_seconds
    FROM wanted AS w
    LEFT JOIN gaps AS g ON g.gap_start_at < w.tradable_until AND g.gap_end_at > w.tradable_from
    GROUP BY w.delivery_day, w.delivery_hour
), prices AS MATERIALIZED (
    -- asked for each period by itself: the view would else sort every observation there ever was
    SELECT w.delivery_day, w.delivery_hour, r.price_eur_per_mwh, r.price_status
    FROM wanted AS w
    CROSS JOIN LATERAL (
        SELECT c.price_eur_per_mwh, c.price_status
        FROM curated.reference_prices AS c
        WHERE c.delivery_day = w.delivery_day AND c.delivery_hour = w.delivery_hour
    ) AS r
), sums AS MATERIALIZED (
    SELECT
        delivery_day, delivery_hour, trader_id,
        sum(trade_count)::bigint AS trade_count,
        coalesce(sum(quantity_mw) FILTER (WHERE direction = 'buy'), 0) AS buy_mw,
        coalesce(sum(quantity_mw) FILTER (WHERE direction = 'sell'), 0) AS sell_mw,
        coalesce(sum(value_eur_per_hour) FILTER (WHERE direction = 'buy'), 0) AS buy_value_per_hour,
        coalesce(sum(value_eur_per_hour) FILTER (WHERE direction = 'sell'), 0) AS sell_value_per_hour
    FROM pg_temp.pnl_sums
    GROUP BY delivery_day, delivery_hour, trader_id
)
SELECT
    s.delivery_day, s.delivery_hour, s.trader_id, w.delivery_start_at, w.delivery_end_at, s.trade_count,
    s.buy_mw * w.delivery_hours,
    s.sell_mw * w.delivery_hours,
    s.buy_value_per_hour * w.delivery_hours,
    s.sell_value_per_hour * w.delivery_hours,
    r.price_eur_per_mwh,
    coalesce(r.price_status, 'missing'),
    c.capture_gap_seconds
FROM sums AS s
JOIN wanted AS w USING (delivery_day, delivery_hour)
JOIN completeness AS c USING (delivery_day, delivery_hour)
LEFT JOIN prices AS r USING (delivery_day, delivery_hour)

-- name: pnl_changes
-- What the build changes: rows that are new, differ, or have no trades any more. Only facts are compared:
-- standing_facts has valid_from and then the columns of built_facts
CREATE TEMPORARY TABLE pnl_changes AS
WITH built AS (
    SELECT * FROM staging.built_facts WHERE delivery_day = ANY(%(days)s::date[])
), standing AS (
    SELECT s.*
    FROM unnest(%(delivery_days)s::date[], %(delivery_hours)s::text[]) AS w (delivery_day, delivery_hour)
    JOIN staging.standing_facts AS s USING (delivery_day, delivery_hour)
)
SELECT market, delivery_day, delivery_hour, trader_id
FROM built AS b
FULL JOIN standing AS s USING (market, delivery_day, delivery_hour, trader_id)
WHERE ROW(s.valid_from, b.*) IS DISTINCT FROM ROW(s.*)

-- name: published_at
-- The moment of a publication: now, but after each version that it replaces, even if the clock was set back
SELECT greatest(clock_timestamp(), max(s.valid_from) + interval '1 microsecond')
FROM pg_temp.pnl_changes
JOIN staging.standing_facts AS s USING (market, delivery_day, delivery_hour, trader_id)

-- name: close_versions
UPDATE curated.pnl_versions AS v
SET valid_to = %(published_at)s
FROM pg_temp.pnl_changes AS c
WHERE (v.market, v.delivery_day, v.delivery_hour, v.trader_id) = (c.market, c.delivery_day, c.delivery_hour, c.trader_id)
  AND v.valid_to IS NULL

-- name: publish_versions
-- Both views have the facts in the same order
INSERT INTO staging.standing_facts
SELECT %(published_at)s, b.*
FROM staging.built_facts AS b
JOIN pg_temp.pnl_changes USING (market, delivery_day, delivery_hour, trader_id)

-- name: pending_done
DELETE FROM ops.pending_delivery_periods WHERE pending_id = ANY(%(pending_ids)s)

-- name: forget_changes
DROP TABLE pg_temp.pnl_changes
