-- ---------------------------------------------------------------- a statement may be of a delivery day
ALTER TABLE ops.statements ADD COLUMN is_by_delivery_day boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN ops.statements.is_by_delivery_day IS 'Its day is that of delivery: it has all trades for that day, whenever they were executed; false: it has all trades that were executed on its day';
COMMENT ON COLUMN ops.statements.statement_day IS 'Local day of the market on which its trades were executed, or of is_by_delivery_day deliver';
COMMENT ON COLUMN raw.statement_trades.statement_day IS 'Local day of the market that the statement is about: on which its trades were executed, or deliver';
COMMENT ON COLUMN ops.reconciliations.statement_day IS 'Local day of the market on which the trades were executed, or deliver (is_by_delivery_day of ops.statements)';
COMMENT ON COLUMN ops.reconciliation_differences.statement_day IS 'The day of the statement; of an unexpected trade the day of the statement that should have it';
COMMENT ON COLUMN ops.reconciliations.state IS 'reconciled: it closes the capture gaps of the day, or for the hours of the delivery day; differences: unexpected trades wait for a review; rejects: lines of the statement cannot be read and wait for a review';

CREATE VIEW staging.stated_delivery_days AS
SELECT market, statement_day AS delivery_day
FROM ops.reconciliations
JOIN ops.statements AS s USING (market, statement_day)
WHERE state = 'reconciled' AND s.is_by_delivery_day;
COMMENT ON VIEW staging.stated_delivery_days IS 'Delivery days of which a reconciled statement has all trades: no capture gap costs one of them';

CREATE OR REPLACE VIEW ops.capture_gaps AS
WITH reconciled AS MATERIALIZED (
    SELECT market, range_agg(tstzrange(s.covered_from, s.covered_until)) AS spans
    FROM ops.reconciliations
    JOIN ops.statements AS s USING (market, statement_day)
    WHERE state = 'reconciled' AND NOT s.is_by_delivery_day
    GROUP BY market
)
SELECT
    c.market,
    lower(gap) AS gap_start_at,
    upper(gap) AS gap_end_at,
    extract(epoch FROM upper(gap) - lower(gap)) AS gap_seconds,
    c.is_ongoing AND upper(gap) = c.gap_end_at AS is_ongoing
FROM staging.connection_gaps AS c
LEFT JOIN reconciled AS r USING (market)
CROSS JOIN LATERAL unnest(tstzmultirange(tstzrange(c.gap_start_at, c.gap_end_at))
                          - coalesce(r.spans, '{}'::tstzmultirange)) AS gap;
COMMENT ON VIEW ops.capture_gaps IS 'When no capture instance of a market was connected, as far as the landing files are known, without the days of trading that are reconciled with the exchange''s statement; messages of that time were not received. For the hours of staging.stated_delivery_days nothing is missing all the same';

-- ---------------------------------------------------------------- what is incomplete
CREATE OR REPLACE VIEW ops.incomplete_periods AS
WITH known AS MATERIALIZED (
    SELECT market, range_agg(tstzrange(gap_start_at, gap_end_at)) AS gaps FROM ops.capture_gaps GROUP BY market
), waiting AS (
    -- the few batches first: raw.trades is then read by its block index only where they lie
    SELECT t.market, t.delivery_day, h.pnl_hour AS delivery_hour, count(*) AS trade_count,
           array_agg(DISTINCT load_batch_id) AS batches, min(b.loaded_at) AS loaded_at
    FROM raw.trades AS t
    JOIN raw.period_hours AS h USING (market, delivery_day, delivery_hour)
    JOIN ops.load_batches AS b USING (load_batch_id)
    WHERE t.load_batch_id = ANY (ARRAY(SELECT load_batch_id FROM ops.load_batches
                                       WHERE state <> 'accepted' AND source <> 'reference_prices'))
    GROUP BY t.market, t.delivery_day, h.pnl_hour
)
SELECT
    market, delivery_day, delivery_hour, p.delivery_start_at, r.reason,
    r.detail || CASE WHEN r.reason IN ('trades_quarantined', 'messages_rejected')
                     -- as Settings.market_argument says
                     THEN '; make review' || CASE m.position WHEN 1 THEN '' ELSE ' MARKET=' || market COLLATE "default" END
                     ELSE '' END AS detail,
    r.from_at, r.until_at, r.gap_seconds
FROM (
    SELECT p.market, p.delivery_day, p.delivery_hour, 'capture_gap' AS reason,
           format('no capture instance was connected for %s while it was tradable, in %s', s.words,
                  CASE s.gaps WHEN 1 THEN '1 gap' ELSE s.gaps || ' gaps' END) AS detail,
           lower(g.gaps) AS from_at, upper(g.gaps) AS until_at, s.seconds AS gap_seconds
    FROM staging.pnl_hours AS p
    JOIN known AS k ON k.market = p.market AND k.gaps && tstzrange(p.tradable_from, p.tradable_until)
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
    WHERE (p.market, p.delivery_day) NOT IN (SELECT market, delivery_day FROM staging.stated_delivery_days)
    UNION ALL
    SELECT market, delivery_day, delivery_hour, 'trades_quarantined',
           format('%s in quarantine: %s', CASE count(*) WHEN 1 THEN '1 trade is' ELSE count(*) || ' trades are' END,
                  string_agg(DISTINCT reason, '; ')),
           min(received_at), NULL, NULL
    FROM ops.unreviewed_messages
    WHERE problem = 'quarantined'
    GROUP BY market, delivery_day, delivery_hour
    UNION ALL
    SELECT market, delivery_day, delivery_hour, 'messages_rejected',
           format('%s not reviewed: %s',
                  CASE count(*) WHEN 1 THEN '1 rejected message is' ELSE count(*) || ' rejected messages are' END,
                  string_agg(DISTINCT reason, ', ')),
           min(received_at), NULL, NULL
    FROM ops.unreviewed_messages
    WHERE problem = 'rejected'
    GROUP BY market, delivery_day, delivery_hour
    UNION ALL
    SELECT market, delivery_day, delivery_hour,
           CASE min(price_status) WHEN 'missing' THEN 'price_missing' ELSE 'price_not_final' END,
           CASE min(price_status) WHEN 'missing' THEN 'there is no reference price'
                ELSE 'the price is provisional, the final one should be there; see ops.missing_prices' END,
           min(price_final_from) FILTER (WHERE price_status = 'provisional'), NULL, NULL
    FROM curated.pnl_hourly
    JOIN raw.delivery_periods USING (market, delivery_day, delivery_hour)
    WHERE price_status = 'missing'
        OR (price_status = 'provisional' AND now() > price_final_from + interval '15 minutes')
    GROUP BY market, delivery_day, delivery_hour
    UNION ALL
    SELECT market, delivery_day, delivery_hour, 'trades_not_validated',
           format('%s of %s %s loaded and not validated yet',
                  CASE trade_count WHEN 1 THEN '1 trade' ELSE trade_count || ' trades' END,
                  CASE cardinality(batches) WHEN 1 THEN 'batch' ELSE 'batches' END || ' ' || array_to_string(batches, ', '),
                  CASE trade_count WHEN 1 THEN 'is' ELSE 'are' END),
           loaded_at, NULL, NULL
    FROM waiting
    UNION ALL
    SELECT market, delivery_day, delivery_hour, 'not_built',
           format('changes wait for a build: %s', string_agg(DISTINCT cause, ', ')), min(pending_since), NULL, NULL
    FROM ops.pending_delivery_periods
    GROUP BY market, delivery_day, delivery_hour
    HAVING min(pending_since) < now() - interval '15 minutes'
) AS r
JOIN raw.delivery_periods AS p USING (market, delivery_day, delivery_hour)
LEFT JOIN ops.markets AS m USING (market);
