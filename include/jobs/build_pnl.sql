-- name: pending_window
-- The hours that a window of receipt touches: delivered in it, or with trades, cancellations or rejects received in it
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
SELECT h.market, h.delivery_day, h.pnl_hour, 'rerun'
FROM raw.period_hours AS h
JOIN raw.delivery_periods AS p
    ON (p.market, p.delivery_day, p.delivery_hour) = (h.market, h.delivery_day, h.pnl_hour)
WHERE p.market = %(market)s AND p.delivery_start_at >= %(start_at)s AND p.delivery_start_at < %(end_at)s
  AND EXISTS (SELECT FROM raw.trades AS t
              WHERE (t.market, t.delivery_day, t.delivery_hour) = (h.market, h.delivery_day, h.delivery_hour))
UNION
SELECT market, delivery_day, delivery_hour, 'rerun'
FROM staging.affected_hours(ARRAY(
    SELECT b.load_batch_id
    FROM ops.load_batches AS b
    JOIN ops.landing_files AS f USING (landing_file_id)
    WHERE f.market = %(market)s AND f.source = 'trades' AND f.hour_start_at >= %(start_at)s AND f.hour_start_at < %(end_at)s))

-- name: pending_days
SELECT DISTINCT delivery_day FROM ops.pending_delivery_periods WHERE market = %(market)s ORDER BY delivery_day

-- name: pending_periods
-- Every change that waits for a build, of the given days of a market; not of hours that a reload took rows from and that wait for
-- the validation of what was loaded instead
WITH undecided AS MATERIALIZED (
    SELECT coalesce(array_agg(load_batch_id), '{}') AS load_batch_ids
    FROM ops.load_batches
    WHERE state <> 'accepted' AND is_reload
), held AS MATERIALIZED (
    SELECT a.market, a.delivery_day, a.delivery_hour
    FROM undecided
    CROSS JOIN LATERAL staging.affected_hours(load_batch_ids) AS a
    UNION
    -- an array, so that the index on the batch is used
    SELECT market, delivery_day, delivery_hour FROM raw.reference_prices
    WHERE load_batch_id = ANY((SELECT load_batch_ids FROM undecided)::bigint[])
)
SELECT pending_id, market, delivery_day, delivery_hour
FROM ops.pending_delivery_periods
WHERE market = %(market)s AND delivery_day = ANY(%(days)s::date[])
  AND (market, delivery_day, delivery_hour) NOT IN (SELECT market, delivery_day, delivery_hour FROM held)
UNION ALL
-- of a rebuild: every other hour that is known
SELECT NULL, market, delivery_day, pnl_hour
FROM raw.period_hours
WHERE %(is_whole)s AND market = %(market)s AND delivery_day = ANY(%(days)s::date[])
  AND (market, delivery_day, pnl_hour) NOT IN (SELECT market, delivery_day, delivery_hour FROM held)

-- name: forget_staged_days
-- The staged rows of these days, whose locks are ours: those of this build, or of one that was killed
DELETE FROM staging.pnl_hourly WHERE market = %(market)s AND delivery_day = ANY(%(days)s::date[])

-- name: wanted_hours
-- The hours of a build
CREATE TEMPORARY TABLE wanted_hours ON COMMIT DROP AS
SELECT DISTINCT *
FROM unnest(%(markets)s::text[], %(delivery_days)s::date[], %(delivery_hours)s::text[])
    AS w (market, delivery_day, delivery_hour)

-- name: wanted_periods
-- The delivery periods that deliver in these hours
SELECT DISTINCT h.market, h.delivery_day, h.delivery_hour
FROM raw.period_hours AS h
JOIN pg_temp.wanted_hours AS w
    ON (w.market, w.delivery_day, w.delivery_hour) = (h.market, h.delivery_day, h.pnl_hour)

-- name: special_trades
-- Ids of trades of these periods that have a cancellation, an amendment, a row of a statement or one in quarantine: few. All others count.
-- Joined by the id alone: it does no harm if the trade of another market has it, and by the market the planner would join all
-- of these with all periods
SELECT DISTINCT t.trade_id
FROM raw.trades AS t
JOIN (
    SELECT trade_id FROM raw.trade_cancellations
    UNION ALL
    SELECT trade_id FROM raw.trades WHERE revision <> 0
    UNION ALL
    SELECT trade_id FROM ops.quarantined_trades
) AS s USING (trade_id)
WHERE (t.market, t.delivery_day, t.delivery_hour) IN (
    SELECT * FROM unnest(%(markets)s::text[], %(delivery_days)s::date[], %(delivery_periods)s::text[]))

-- name: pnl_sums
-- The sums of a build, one row per delivery period, trader and direction: the only pass over the trades, but for the special
-- ones. A table of its own, because PostgreSQL uses all cores for CREATE TABLE AS, but not for INSERT; nor with temporary
-- tables, so periods and ids are parameters.
CREATE TEMPORARY TABLE pnl_sums ON COMMIT DROP AS
SELECT
    %(market)s::text COLLATE "C" AS market,
    t.delivery_day,
    t.delivery_hour,
    t.trader_id,
    t.direction,
    count(*) AS trade_count,
    0::bigint AS amended_count,
    0::bigint AS statement_count,
    sum(t.quantity_mw) AS quantity_mw,
    sum(t.quantity_mw * t.price_eur_per_mwh) AS value_eur_per_hour
FROM raw.trades AS t
WHERE t.market = %(market)s
  AND (t.delivery_day, t.delivery_hour) IN (
          SELECT * FROM unnest(%(delivery_days)s::date[], %(delivery_periods)s::text[]))
  AND t.load_batch_id NOT IN (SELECT load_batch_id FROM staging.undecided_batches)
  AND t.trade_id <> ALL (%(trade_ids)s::text[])
GROUP BY t.delivery_day, t.delivery_hour, t.trader_id, t.direction

-- name: pnl_special_sums
-- The same of the special trades that count, as curated.trades decides
INSERT INTO pg_temp.pnl_sums
SELECT
    t.market, t.delivery_day, t.delivery_hour, t.trader_id, t.direction, count(*), count(*) FILTER (WHERE t.revision > 0),
    count(*) FILTER (WHERE t.revision = -1), sum(t.quantity_mw), sum(t.quantity_mw * t.price_eur_per_mwh)
FROM curated.trades AS t
WHERE t.trade_id = ANY (%(trade_ids)s::text[])
  AND (t.market, t.delivery_day, t.delivery_hour) IN (
          SELECT * FROM unnest(%(markets)s::text[], %(delivery_days)s::date[], %(delivery_periods)s::text[]))
GROUP BY t.market, t.delivery_day, t.delivery_hour, t.trader_id, t.direction

-- name: pnl_lost
-- Special trades that the exchange took back, and revisions that another one replaced
CREATE TEMPORARY TABLE pnl_lost ON COMMIT DROP AS
WITH periods AS (
    SELECT * FROM unnest(%(markets)s::text[], %(delivery_days)s::date[], %(delivery_periods)s::text[])
        AS p (market, delivery_day, delivery_hour)
)
SELECT market, delivery_day, delivery_hour, trader_id, count(*) AS cancelled_count, 0 AS replaced_count
FROM curated.cancelled_trades
JOIN periods USING (market, delivery_day, delivery_hour)
WHERE trade_id = ANY (%(trade_ids)s::text[])
GROUP BY market, delivery_day, delivery_hour, trader_id
UNION ALL
SELECT market, delivery_day, delivery_hour, trader_id, 0, count(*)
FROM staging.standing_trades AS t
JOIN periods USING (market, delivery_day, delivery_hour)
WHERE t.trade_id = ANY (%(trade_ids)s::text[]) AND t.revision >= 0
  AND EXISTS (
      SELECT FROM staging.standing_trades AS a
      WHERE a.revision > 0 AND a.revision > t.revision
        AND (a.market, a.trade_id, a.direction) = (t.market, t.trade_id, t.direction))
GROUP BY market, delivery_day, delivery_hour, trader_id

-- name: stage_pnl_hourly
-- The facts of PnL of the hours of a build, from the trades and prices that count: exact sums and products. What
-- follows from them is generated by curated.pnl_versions (migration 0009); include/domain/pnl.py is the same in Python.
-- Each part is materialized: the planner cannot know how few rows it has and would compute it again for each trader.
INSERT INTO staging.pnl_hourly (
    market, delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh, sell_mwh,
    buy_value_eur, sell_value_eur, reference_price_eur_per_mwh, price_status, capture_gap_seconds, starting_trade_count,
    amendment_count, cancelled_trade_count, has_unreviewed_messages, statement_trade_count, reconciled_gap_seconds
)
WITH wanted AS MATERIALIZED (
    SELECT h.*
    FROM pg_temp.wanted_hours AS w
    JOIN staging.pnl_hours AS h USING (market, delivery_day, delivery_hour)
), shares AS MATERIALIZED (
    SELECT
        h.market, h.delivery_day, h.delivery_hour AS delivery_period, h.pnl_hour AS delivery_hour, h.hours,
        p.delivery_start_at >= w.delivery_start_at AS is_first
    FROM raw.period_hours AS h
    JOIN wanted AS w ON (w.market, w.delivery_day, w.delivery_hour) = (h.market, h.delivery_day, h.pnl_hour)
    JOIN raw.delivery_periods AS p
        ON (p.market, p.delivery_day, p.delivery_hour) = (h.market, h.delivery_day, h.delivery_hour)
), gaps AS MATERIALIZED (
    SELECT market, gap_start_at, gap_end_at FROM ops.capture_gaps
), stated AS MATERIALIZED (
    SELECT market, delivery_day FROM staging.stated_delivery_days
), known_gaps AS MATERIALIZED (
    SELECT market, gap_start_at, gap_end_at FROM staging.connection_gaps
), hours AS MATERIALIZED (
    -- all that is known of an hour, each part looked up for the hour by itself: without LIMIT the views would sort all
    -- observations and read all messages, and joined as tables of their own the planner would take each for one row
    SELECT
        w.market, w.delivery_day, w.delivery_hour, w.delivery_start_at, w.delivery_end_at,
        r.price_eur_per_mwh, coalesce(r.price_status, 'missing') AS price_status,
        c.seconds AS capture_gap_seconds,
        k.seconds - c.seconds AS reconciled_gap_seconds,
        u.is_unreviewed IS NOT NULL AS has_unreviewed_messages
    FROM wanted AS w
    LEFT JOIN LATERAL (
        SELECT p.price_eur_per_mwh, p.price_status
        FROM curated.reference_prices AS p
        WHERE (p.market, p.delivery_day, p.delivery_hour) = (w.market, w.delivery_day, w.delivery_hour)
        LIMIT 1
    ) AS r ON true
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(extract(epoch FROM least(g.gap_end_at, w.tradable_until)
                                               - greatest(g.gap_start_at, w.tradable_from))), 0) AS seconds
        FROM gaps AS g
        WHERE g.market = w.market AND g.gap_start_at < w.tradable_until AND g.gap_end_at > w.tradable_from
          AND (w.market, w.delivery_day) NOT IN (SELECT market, delivery_day FROM stated)
    ) AS c
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(extract(epoch FROM least(g.gap_end_at, w.tradable_until)
                                               - greatest(g.gap_start_at, w.tradable_from))), 0) AS seconds
        FROM known_gaps AS g
        WHERE g.market = w.market AND g.gap_start_at < w.tradable_until AND g.gap_end_at > w.tradable_from
    ) AS k
    LEFT JOIN LATERAL (
        SELECT true AS is_unreviewed
        FROM ops.unreviewed_messages AS m
        WHERE (m.market, m.delivery_day, m.delivery_hour) = (w.market, w.delivery_day, w.delivery_hour)
        LIMIT 1
    ) AS u ON true
), sums AS MATERIALIZED (
    SELECT
        s.market, s.delivery_day, h.delivery_hour, s.trader_id,
        sum(s.trade_count)::bigint AS trade_count,
        coalesce(sum(s.trade_count) FILTER (WHERE h.is_first), 0)::bigint AS starting_trade_count,
        sum(s.amended_count)::bigint AS amended_count,
        sum(s.statement_count)::bigint AS statement_count,
        coalesce(sum(s.quantity_mw * h.hours) FILTER (WHERE s.direction = 'buy'), 0) AS buy_mwh,
        coalesce(sum(s.quantity_mw * h.hours) FILTER (WHERE s.direction = 'sell'), 0) AS sell_mwh,
        coalesce(sum(s.value_eur_per_hour * h.hours) FILTER (WHERE s.direction = 'buy'), 0) AS buy_value_eur,
        coalesce(sum(s.value_eur_per_hour * h.hours) FILTER (WHERE s.direction = 'sell'), 0) AS sell_value_eur
    FROM pg_temp.pnl_sums AS s
    JOIN shares AS h
        ON (h.market, h.delivery_day, h.delivery_period) = (s.market, s.delivery_day, s.delivery_hour)
    GROUP BY s.market, s.delivery_day, h.delivery_hour, s.trader_id
), lost AS MATERIALIZED (
    SELECT
        l.market, l.delivery_day, h.delivery_hour, l.trader_id,
        sum(l.cancelled_count)::bigint AS cancelled_count, sum(l.replaced_count)::bigint AS replaced_count
    FROM pg_temp.pnl_lost AS l
    JOIN shares AS h
        ON (h.market, h.delivery_day, h.delivery_period) = (l.market, l.delivery_day, l.delivery_hour)
    GROUP BY l.market, l.delivery_day, h.delivery_hour, l.trader_id
)
SELECT
    s.market, s.delivery_day, s.delivery_hour, s.trader_id, h.delivery_start_at, h.delivery_end_at, s.trade_count,
    s.buy_mwh, s.sell_mwh, s.buy_value_eur, s.sell_value_eur,
    h.price_eur_per_mwh,
    h.price_status,
    h.capture_gap_seconds,
    s.starting_trade_count,
    s.amended_count + coalesce(l.replaced_count, 0),
    coalesce(l.cancelled_count, 0),
    h.has_unreviewed_messages,
    s.statement_count,
    h.reconciled_gap_seconds
FROM sums AS s
JOIN hours AS h USING (market, delivery_day, delivery_hour)
LEFT JOIN lost AS l USING (market, delivery_day, delivery_hour, trader_id)

-- name: analyze_staged
ANALYZE staging.pnl_hourly

-- name: pnl_changes
-- What the build changes: rows that are new, differ, or have no trades any more. Only facts are compared:
-- standing_facts has valid_from and then the columns of built_facts
CREATE TEMPORARY TABLE pnl_changes AS
WITH built AS (
    SELECT * FROM staging.built_facts WHERE market = %(market)s AND delivery_day = ANY(%(days)s::date[])
), standing AS (
    SELECT s.*
    FROM pg_temp.wanted_hours AS w
    JOIN staging.standing_facts AS s USING (market, delivery_day, delivery_hour)
)
SELECT market, delivery_day, delivery_hour, trader_id
FROM built AS b
FULL JOIN standing AS s USING (market, delivery_day, delivery_hour, trader_id)
WHERE ROW(s.valid_from, b.*) IS DISTINCT FROM ROW(s.*)

-- name: published_at
-- The moment of a publication: now, but after all that was published of its rows, even if the clock was set back
SELECT greatest(clock_timestamp(), max(greatest(v.valid_from, v.valid_to)) + interval '1 microsecond')
FROM pg_temp.pnl_changes
JOIN curated.pnl_versions AS v USING (market, delivery_day, delivery_hour, trader_id)

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
