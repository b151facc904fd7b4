-- name: final_days_due
-- Delivery days to be announced: those that are final for the first time, and announced ones whose numbers changed since
WITH zone AS MATERIALIZED (
    SELECT curated.market_timezone(%(market)s) AS name
), since AS MATERIALIZED (
    -- what was published before had its turn in a run of this task, even if it had to wait
    SELECT coalesce(max(started_at), %(now)s - interval '7 days') - interval '1 day' AS at
    FROM ops.task_runs
    WHERE market = %(market)s AND task_id = %(task_id)s AND state = 'success' AND ended_at > %(now)s - interval '7 days'
), changed AS MATERIALIZED (
    SELECT delivery_day FROM curated.pnl_versions WHERE market = %(market)s AND valid_from > (SELECT at FROM since)
    UNION
    SELECT delivery_day FROM curated.pnl_versions WHERE market = %(market)s AND valid_to > (SELECT at FROM since)
), days AS (
    SELECT delivery_day FROM raw.delivery_periods
    WHERE market = %(market)s AND delivery_day >= (SELECT (%(now)s AT TIME ZONE name)::date FROM zone) - %(first_within_days)s
    UNION
    SELECT delivery_day FROM ops.final_days JOIN changed USING (delivery_day) WHERE market = %(market)s
), announced AS (
    SELECT DISTINCT ON (delivery_day) delivery_day, revision, final_at
    FROM ops.final_days
    WHERE market = %(market)s
    ORDER BY delivery_day, revision DESC
)
SELECT d.delivery_day, coalesce(t.revision, 0) + 1 AS revision, o.has_open_points
FROM days AS d
LEFT JOIN announced AS t USING (delivery_day)
CROSS JOIN zone AS z
CROSS JOIN LATERAL (
    SELECT
        EXISTS (SELECT FROM ops.incomplete_periods AS i
                WHERE i.market = %(market)s AND i.delivery_day = d.delivery_day)
        OR EXISTS (SELECT FROM curated.pnl_hourly AS h
                   WHERE h.market = %(market)s AND h.delivery_day = d.delivery_day AND h.price_status <> 'final')
        -- which the view has when it is late
        OR EXISTS (SELECT FROM ops.pending_delivery_periods AS p
                   WHERE p.market = %(market)s AND p.delivery_day = d.delivery_day)
        OR (%(is_statement_expected)s
            AND NOT EXISTS (SELECT FROM ops.reconciliations AS r
                            WHERE r.market = %(market)s AND r.statement_day = d.delivery_day AND r.state = 'reconciled'))
        AS has_open_points,
        EXISTS (SELECT FROM ops.pending_delivery_periods AS p
                WHERE p.market = %(market)s AND p.delivery_day = d.delivery_day
                  AND p.pending_since > %(now)s - %(under_way)s)
        OR EXISTS (SELECT FROM ops.incomplete_periods AS i
                   WHERE i.market = %(market)s AND i.delivery_day = d.delivery_day
                     AND i.reason = 'trades_not_validated' AND i.from_at > %(now)s - %(under_way)s)
        AS is_under_way
) AS o
WHERE (%(now)s AT TIME ZONE z.name)::date > d.delivery_day
  AND NOT o.is_under_way
  AND CASE WHEN t.revision IS NULL
           THEN NOT o.has_open_points OR %(now)s >= (d.delivery_day + 1 + %(latest)s) AT TIME ZONE z.name
           ELSE t.final_at <= %(now)s - %(correction_interval)s
                -- only what was published since can make a difference
                AND EXISTS (SELECT FROM curated.pnl_versions AS v
                            WHERE v.market = %(market)s AND v.delivery_day = d.delivery_day
                              AND greatest(v.valid_from, v.valid_to) > t.final_at)
                AND EXISTS (
                    SELECT FROM (
                        SELECT delivery_hour, trader_id, trade_count, buy_mwh, sell_mwh, buy_value_eur, sell_value_eur,
                               reference_price_eur_per_mwh, valid_to IS NULL AS is_standing,
                               valid_from <= t.final_at AND (valid_to IS NULL OR valid_to > t.final_at) AS was_announced
                        FROM curated.pnl_versions
                        WHERE market = %(market)s AND delivery_day = d.delivery_day
                    ) AS v
                    WHERE v.is_standing OR v.was_announced
                    GROUP BY delivery_hour, trader_id, trade_count, buy_mwh, sell_mwh, buy_value_eur, sell_value_eur,
                             reference_price_eur_per_mwh
                    HAVING bool_or(v.is_standing) <> bool_or(v.was_announced))
      END
ORDER BY d.delivery_day

-- name: final_days_store
INSERT INTO ops.final_days (market, delivery_day, revision, has_open_points, announced_by)
VALUES (%(market)s, %(delivery_day)s, %(revision)s, %(has_open_points)s, %(run_id)s)

-- name: final_days_to_announce
-- Days whose event this run sends: its own, also when it is tried again, and those of a run that did not get that far
UPDATE ops.final_days AS f
SET announced_by = %(run_id)s
WHERE f.market = %(market)s
  AND (f.announced_by = %(run_id)s
       OR (f.final_at BETWEEN %(now)s - interval '7 days' AND %(now)s - interval '1 hour'
           AND NOT EXISTS (SELECT FROM ops.task_runs AS r
                           WHERE r.dag_id = %(dag_id)s AND r.run_id = f.announced_by
                             AND r.task_id = %(task_id)s AND r.state = 'success')))
RETURNING f.delivery_day
