-- Which hours are incomplete: as before, in other words
CREATE OR REPLACE VIEW ops.incomplete_periods AS
WITH known AS MATERIALIZED (
    SELECT range_agg(tstzrange(gap_start_at, gap_end_at)) AS gaps FROM ops.capture_gaps
), waiting AS (
    -- the few batches first: raw.trades is then read by its block index only where they lie
    SELECT t.delivery_day, t.delivery_hour, b.state, count(*) AS trade_count, array_agg(DISTINCT load_batch_id) AS batches,
           min(b.loaded_at) AS loaded_at
    FROM raw.trades AS t
    JOIN ops.load_batches AS b USING (load_batch_id)
    WHERE t.load_batch_id = ANY (ARRAY(SELECT load_batch_id FROM ops.load_batches
                                       WHERE state <> 'accepted' AND source = 'trades'))
    GROUP BY t.delivery_day, t.delivery_hour, b.state
)
SELECT p.delivery_day, p.delivery_hour, p.delivery_start_at, r.reason, r.detail, r.from_at, r.until_at, r.gap_seconds
FROM (
    SELECT p.delivery_day, p.delivery_hour, 'capture_gap' AS reason,
           format('no capture line was connected for %s while it was tradable, in %s', s.words,
                  CASE s.gaps WHEN 1 THEN '1 gap' ELSE s.gaps || ' gaps' END) AS detail,
           lower(g.gaps) AS from_at, upper(g.gaps) AS until_at, s.seconds AS gap_seconds
    FROM raw.delivery_periods AS p
    JOIN known AS k ON k.gaps && tstzrange(p.tradable_from, p.tradable_until)
    CROSS JOIN LATERAL (SELECT k.gaps * tstzmultirange(tstzrange(p.tradable_from, p.tradable_until)) AS gaps) AS g
    CROSS JOIN LATERAL (
        SELECT seconds, gaps,
               CASE WHEN seconds < 1 THEN 'less than 1 s'
                    WHEN seconds < 60 THEN trunc(seconds) || ' s'
                    WHEN seconds < 3600 THEN trunc(seconds / 60) || ' min'
                    ELSE trunc(seconds / 3600) || to_char(trunc(seconds / 60) % 60, '" h "FM00" min"')
               END AS words
        FROM (
            SELECT sum(extract(epoch FROM upper(gap) - lower(gap))) AS seconds, count(*) AS gaps
            FROM unnest(g.gaps) AS gap
        ) AS sums
    ) AS s
    UNION ALL
    SELECT delivery_day, delivery_hour,
           CASE min(price_status) WHEN 'missing' THEN 'price_missing' ELSE 'price_not_final' END,
           CASE min(price_status) WHEN 'missing' THEN 'there is no reference price'
                ELSE 'the price is provisional, the final one should be there; see ops.missing_prices' END,
           min(price_final_from) FILTER (WHERE price_status = 'provisional'), NULL, NULL
    FROM curated.pnl_hourly
    JOIN raw.delivery_periods USING (delivery_day, delivery_hour)
    WHERE price_status = 'missing'
        OR (price_status = 'provisional' AND now() > price_final_from + interval '15 minutes')
    GROUP BY delivery_day, delivery_hour
    UNION ALL
    SELECT delivery_day, delivery_hour, CASE state WHEN 'blocked' THEN 'trades_blocked' ELSE 'trades_not_validated' END,
           format('%s of %s %s %s',
                  CASE trade_count WHEN 1 THEN '1 trade' ELSE trade_count || ' trades' END,
                  CASE cardinality(batches) WHEN 1 THEN 'batch' ELSE 'batches' END || ' ' || array_to_string(batches, ', '),
                  CASE trade_count WHEN 1 THEN 'is' ELSE 'are' END,
                  CASE state WHEN 'blocked' THEN 'blocked: make batches' ELSE 'loaded and not validated yet' END),
           loaded_at, NULL, NULL
    FROM waiting
    UNION ALL
    SELECT delivery_day, delivery_hour, 'not_built',
           format('changes wait for a build: %s', string_agg(DISTINCT cause, ', ')), min(pending_since), NULL, NULL
    FROM ops.pending_delivery_periods
    GROUP BY delivery_day, delivery_hour
    HAVING min(pending_since) < now() - interval '15 minutes'
) AS r
JOIN raw.delivery_periods AS p USING (delivery_day, delivery_hour);
