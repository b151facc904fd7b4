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
WHERE delivery_day = ANY(%(delivery_days)s::date[])
  AND (delivery_day, delivery_hour) NOT IN (SELECT delivery_day, delivery_hour FROM held)
UNION ALL
-- of a rebuild: every other period that is known
SELECT NULL, delivery_day, delivery_hour
FROM raw.delivery_periods
WHERE %(is_whole)s AND delivery_day = ANY(%(delivery_days)s::date[])
  AND (delivery_day, delivery_hour) NOT IN (SELECT delivery_day, delivery_hour FROM held)

-- name: forget_staged_days
-- What an earlier build of these days left when it was killed: their locks are ours
DELETE FROM staging.pnl_hourly WHERE delivery_day = ANY(%(delivery_days)s)

-- name: next_build_id
SELECT nextval('staging.build_id')

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
-- PnL of the periods of a build, from the trades and prices that count; include/domain/pnl.py says the same in Python.
-- Sums and products are exact; a ratio has one division, 30 decimals, rounded half up to 12.
-- Each part is materialized: the planner cannot know how few rows it has and would compute it again for each trader.
INSERT INTO staging.pnl_hourly (
    build_id, delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count,
    buy_mwh, sell_mwh, net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh,
    cash_flow_eur, reference_price_eur_per_mwh, price_status, pnl_eur, realised_pnl_eur, unrealised_pnl_eur,
    performance_eur_per_mwh, capture_gap_seconds, is_complete, buy_value_eur, sell_value_eur
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
), positions AS (
    SELECT
        w.delivery_start_at, w.delivery_end_at,
        s.delivery_day, s.delivery_hour, s.trader_id, s.trade_count,
        s.buy_mw * w.delivery_hours AS buy_mwh,
        s.sell_mw * w.delivery_hours AS sell_mwh,
        s.buy_value_per_hour * w.delivery_hours AS buy_value_eur,
        s.sell_value_per_hour * w.delivery_hours AS sell_value_eur,
        r.price_eur_per_mwh AS reference_price_eur_per_mwh,
        coalesce(r.price_status, 'missing') AS price_status,
        c.capture_gap_seconds
    FROM sums AS s
    JOIN wanted AS w USING (delivery_day, delivery_hour)
    JOIN completeness AS c USING (delivery_day, delivery_hour)
    LEFT JOIN prices AS r USING (delivery_day, delivery_hour)
), results AS (
    SELECT
        *,
        sell_value_eur - buy_value_eur AS cash_flow_eur,
        buy_mwh - sell_mwh AS net_position_mwh,
        sell_value_eur - buy_value_eur + (buy_mwh - sell_mwh) * reference_price_eur_per_mwh AS pnl_eur,
        CASE
            WHEN buy_mwh = 0 OR sell_mwh = 0 THEN 0
            ELSE trim_scale(round(
                (sell_value_eur * buy_mwh - buy_value_eur * sell_mwh)::numeric(100, 30) / greatest(buy_mwh, sell_mwh), 12))
        END AS realised_pnl_eur
    FROM positions
)
SELECT
    %(build_id)s, delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count,
    buy_mwh, sell_mwh, net_position_mwh,
    trim_scale(round(buy_value_eur::numeric(100, 30) / nullif(buy_mwh, 0), 12)),
    trim_scale(round(sell_value_eur::numeric(100, 30) / nullif(sell_mwh, 0), 12)),
    trim_scale(round((buy_value_eur + sell_value_eur)::numeric(100, 30) / nullif(buy_mwh + sell_mwh, 0), 12)),
    cash_flow_eur, reference_price_eur_per_mwh, price_status, pnl_eur,
    realised_pnl_eur, pnl_eur - realised_pnl_eur,
    trim_scale(round(pnl_eur::numeric(100, 30) / nullif(buy_mwh + sell_mwh, 0), 12)),
    capture_gap_seconds, capture_gap_seconds = 0, buy_value_eur, sell_value_eur
FROM results

-- name: pnl_hourly_changes
-- What publishing a build would change: rows that are new, differ, or have no trades any more
CREATE TEMPORARY TABLE pnl_changes ON COMMIT DROP AS
WITH built AS (
    SELECT * FROM staging.pnl_hourly WHERE build_id = %(build_id)s
), shown AS (
    SELECT p.*
    FROM unnest(%(delivery_days)s::date[], %(delivery_hours)s::text[]) AS w (delivery_day, delivery_hour)
    JOIN curated.pnl_hourly AS p USING (delivery_day, delivery_hour)
)
SELECT delivery_day, delivery_hour, trader_id, b.build_id IS NOT NULL AS is_built
FROM built AS b
FULL JOIN shown AS s USING (delivery_day, delivery_hour, trader_id)
WHERE (
    b.delivery_start_at, b.delivery_end_at, b.trade_count, b.buy_mwh, b.sell_mwh, b.net_position_mwh,
    b.buy_vwap_eur_per_mwh, b.sell_vwap_eur_per_mwh, b.average_price_eur_per_mwh, b.cash_flow_eur,
    b.reference_price_eur_per_mwh, b.price_status, b.pnl_eur, b.realised_pnl_eur, b.unrealised_pnl_eur,
    b.performance_eur_per_mwh, b.capture_gap_seconds, b.is_complete, b.buy_value_eur, b.sell_value_eur
) IS DISTINCT FROM (
    s.delivery_start_at, s.delivery_end_at, s.trade_count, s.buy_mwh, s.sell_mwh, s.net_position_mwh,
    s.buy_vwap_eur_per_mwh, s.sell_vwap_eur_per_mwh, s.average_price_eur_per_mwh, s.cash_flow_eur,
    s.reference_price_eur_per_mwh, s.price_status, s.pnl_eur, s.realised_pnl_eur, s.unrealised_pnl_eur,
    s.performance_eur_per_mwh, s.capture_gap_seconds, s.is_complete, s.buy_value_eur, s.sell_value_eur
)

-- name: published_at
-- The moment of a publication: a little ahead, since readers see it only once it is committed; and after each version
-- that it replaces, even if the clock was set back
SELECT greatest(
    clock_timestamp() + %(margin_seconds)s * interval '1 second',
    max(p.built_at) + interval '1 microsecond'
)
FROM pg_temp.pnl_changes AS c
JOIN curated.pnl_hourly AS p USING (delivery_day, delivery_hour, trader_id)

-- name: pnl_hourly_history_close
-- The versions that are about to be replaced or removed end now
UPDATE curated.pnl_hourly_history AS h
SET valid_to = %(published_at)s
FROM pg_temp.pnl_changes AS c
WHERE (h.delivery_day, h.delivery_hour, h.trader_id) = (c.delivery_day, c.delivery_hour, c.trader_id)
  AND h.valid_to IS NULL

-- name: pnl_hourly_remove
DELETE FROM curated.pnl_hourly AS p
USING pg_temp.pnl_changes AS c
WHERE (p.delivery_day, p.delivery_hour, p.trader_id) = (c.delivery_day, c.delivery_hour, c.trader_id)

-- name: publish_pnl_hourly
INSERT INTO curated.pnl_hourly (
    delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh,
    sell_mwh, net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh,
    cash_flow_eur, reference_price_eur_per_mwh, price_status, pnl_eur, realised_pnl_eur, unrealised_pnl_eur,
    performance_eur_per_mwh, capture_gap_seconds, is_complete, buy_value_eur, sell_value_eur, built_at
)
SELECT
    delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh,
    sell_mwh, net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh,
    cash_flow_eur, reference_price_eur_per_mwh, price_status, pnl_eur, realised_pnl_eur, unrealised_pnl_eur,
    performance_eur_per_mwh, capture_gap_seconds, is_complete, buy_value_eur, sell_value_eur, %(published_at)s
FROM staging.pnl_hourly
JOIN pg_temp.pnl_changes USING (delivery_day, delivery_hour, trader_id)
WHERE build_id = %(build_id)s

-- name: pnl_hourly_history
INSERT INTO curated.pnl_hourly_history (
    delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh,
    sell_mwh, net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh,
    cash_flow_eur, reference_price_eur_per_mwh, price_status, pnl_eur, realised_pnl_eur, unrealised_pnl_eur,
    performance_eur_per_mwh, capture_gap_seconds, is_complete, buy_value_eur, sell_value_eur, built_at,
    valid_from
)
SELECT
    delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh,
    sell_mwh, net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh,
    cash_flow_eur, reference_price_eur_per_mwh, price_status, pnl_eur, realised_pnl_eur, unrealised_pnl_eur,
    performance_eur_per_mwh, capture_gap_seconds, is_complete, buy_value_eur, sell_value_eur, built_at,
    built_at
FROM curated.pnl_hourly
JOIN pg_temp.pnl_changes USING (delivery_day, delivery_hour, trader_id)

-- name: published_at_wait
-- Waits for the moment of a publication; false: it had passed before everything was written
SELECT %(published_at)s >= clock_timestamp() AS is_in_time,
       pg_sleep(greatest(extract(epoch FROM %(published_at)s - clock_timestamp()), 0))

-- name: pending_done
DELETE FROM ops.pending_delivery_periods WHERE pending_id = ANY(%(pending_ids)s)

-- name: forget_build
DELETE FROM staging.pnl_hourly WHERE build_id = %(build_id)s
