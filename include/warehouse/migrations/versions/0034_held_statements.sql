ALTER TABLE ops.statements ADD COLUMN alike_count bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN ops.statements.alike_count IS 'Its trades that were not captured and equal unexpected ones in all but the id, each another one, if it is held for that: ids seem to be written differently, and nothing of it is added or changed; 0: it is not held';
COMMENT ON COLUMN ops.reconciliation_differences.outcome IS 'missing: not captured, added; differs: captured with other content, changed; neither counts while the statement is held (alike_count of ops.statements); cancelled: a cancellation that was received before the statement was landed takes it out of PnL, and the statement has it; unexpected: captured, counts, and no statement has it';

CREATE OR REPLACE VIEW ops.reconciliations AS
SELECT
    s.market, s.statement_day,
    CASE WHEN s.alike_count > 0 THEN 'held'
         WHEN r.unreviewed_count > 0 THEN 'rejects'
         WHEN d.unreviewed_count + d.unreviewed_cancelled_count > 0 THEN 'differences'
         ELSE 'reconciled' END AS state,
    f.landing_file, s.landed_at, s.reconciled_at, s.covered_from, s.covered_until,
    f.line_count, f.rejected_count, r.unreviewed_count AS unreviewed_reject_count,
    -- what is matched is the same on both sides
    s.trade_count - d.missing_count - d.cancelled_count + d.unexpected_count AS captured_count,
    s.energy_mwh - d.missing_mwh - d.cancelled_mwh - d.differs_mwh + d.differs_captured_mwh + d.unexpected_mwh AS captured_mwh,
    s.cash_flow_eur - d.missing_eur - d.cancelled_eur - d.differs_eur + d.differs_captured_eur + d.unexpected_eur
        AS captured_cash_flow_eur,
    s.trade_count AS statement_count, s.energy_mwh AS statement_mwh, s.cash_flow_eur AS statement_cash_flow_eur,
    s.trade_count - d.missing_count - d.cancelled_count - d.differs_count AS matched_count,
    s.energy_mwh - d.missing_mwh - d.cancelled_mwh - d.differs_mwh AS matched_mwh,
    s.cash_flow_eur - d.missing_eur - d.cancelled_eur - d.differs_eur AS matched_cash_flow_eur,
    d.missing_count, d.missing_mwh, d.missing_eur AS missing_cash_flow_eur,
    d.differs_count, d.differs_mwh, d.differs_eur AS differs_cash_flow_eur,
    d.unexpected_count, d.unexpected_mwh, d.unexpected_eur AS unexpected_cash_flow_eur,
    d.unreviewed_count AS unreviewed_unexpected_count,
    d.cancelled_count, d.cancelled_mwh, d.cancelled_eur AS cancelled_cash_flow_eur,
    d.unreviewed_cancelled_count, s.alike_count
FROM ops.statements AS s
JOIN ops.landing_files AS f USING (landing_file_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS unreviewed_count
    FROM ops.rejected_messages AS m
    WHERE m.landing_file_id = s.landing_file_id AND m.review IS NULL
) AS r
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE outcome = 'missing') AS missing_count,
        coalesce(sum(statement_mwh) FILTER (WHERE outcome = 'missing'), 0) AS missing_mwh,
        coalesce(sum(statement_eur) FILTER (WHERE outcome = 'missing'), 0) AS missing_eur,
        count(*) FILTER (WHERE outcome = 'differs') AS differs_count,
        coalesce(sum(statement_mwh) FILTER (WHERE outcome = 'differs'), 0) AS differs_mwh,
        coalesce(sum(statement_eur) FILTER (WHERE outcome = 'differs'), 0) AS differs_eur,
        coalesce(sum(captured_mwh) FILTER (WHERE outcome = 'differs'), 0) AS differs_captured_mwh,
        coalesce(sum(captured_eur) FILTER (WHERE outcome = 'differs'), 0) AS differs_captured_eur,
        count(*) FILTER (WHERE outcome = 'unexpected') AS unexpected_count,
        coalesce(sum(captured_mwh) FILTER (WHERE outcome = 'unexpected'), 0) AS unexpected_mwh,
        coalesce(sum(captured_eur) FILTER (WHERE outcome = 'unexpected'), 0) AS unexpected_eur,
        count(*) FILTER (WHERE outcome = 'unexpected' AND NOT is_reviewed) AS unreviewed_count,
        count(*) FILTER (WHERE outcome = 'cancelled') AS cancelled_count,
        coalesce(sum(statement_mwh) FILTER (WHERE outcome = 'cancelled'), 0) AS cancelled_mwh,
        coalesce(sum(statement_eur) FILTER (WHERE outcome = 'cancelled'), 0) AS cancelled_eur,
        count(*) FILTER (WHERE outcome = 'cancelled' AND NOT is_reviewed) AS unreviewed_cancelled_count
    FROM (
        SELECT
            e.outcome,
            e.statement_quantity_mw * sp.delivery_hours AS statement_mwh,
            e.statement_quantity_mw * sp.delivery_hours * e.statement_price_eur_per_mwh
                * CASE e.direction WHEN 'sell' THEN 1 ELSE -1 END AS statement_eur,
            e.captured_quantity_mw * cp.delivery_hours AS captured_mwh,
            e.captured_quantity_mw * cp.delivery_hours * e.captured_price_eur_per_mwh
                * CASE e.direction WHEN 'sell' THEN 1 ELSE -1 END AS captured_eur,
            CASE e.outcome
                -- one that was accepted and is here all the same was cancelled again
                WHEN 'cancelled' THEN EXISTS (
                    SELECT FROM ops.cancellation_reviews AS r
                    WHERE (r.market, r.trade_id, r.direction) = (e.market, e.trade_id, e.direction)
                      AND r.review = 'discard')
                ELSE EXISTS (
                    SELECT FROM ops.quarantined_trades AS q
                    WHERE (q.market, q.trade_id, q.direction, q.revision)
                          = (e.market, e.trade_id, e.direction, e.captured_revision)
                      AND q.review IS NOT NULL AND q.is_unexpected)
            END AS is_reviewed
        FROM ops.reconciliation_differences AS e
        LEFT JOIN raw.delivery_periods AS sp
            ON (sp.market, sp.delivery_day, sp.delivery_hour) = (e.market, e.statement_delivery_day, e.statement_delivery_hour)
        LEFT JOIN raw.delivery_periods AS cp
            ON (cp.market, cp.delivery_day, cp.delivery_hour) = (e.market, e.captured_delivery_day, e.captured_delivery_hour)
        WHERE (e.market, e.statement_day) = (s.market, s.statement_day)
    ) AS differences
) AS d;
COMMENT ON VIEW ops.reconciliations IS 'Each day of which the exchange''s statement is loaded: what was captured beside what the statement says. captured = matched + differs (as captured) + unexpected; statement = matched + differs + missing + cancelled; trades that were cancelled after the statement was landed are in both';
COMMENT ON COLUMN ops.reconciliations.captured_count IS 'Trades that were captured and not cancelled before the statement was landed';
COMMENT ON COLUMN ops.reconciliations.cancelled_count IS 'Trades of the statement that a cancellation takes out of PnL which was received before the statement was landed';
COMMENT ON COLUMN ops.reconciliations.cancelled_mwh IS 'Their energy by the statement, MWh';
COMMENT ON COLUMN ops.reconciliations.cancelled_cash_flow_eur IS 'Their income from sells less cost of buys by the statement, EUR';
COMMENT ON COLUMN ops.reconciliations.unreviewed_cancelled_count IS 'Cancelled trades that nobody has reviewed';
COMMENT ON COLUMN ops.reconciliations.state IS 'reconciled: it closes the capture gaps of the day, or for the hours of the delivery day; held: it seems to write ids in another way than the messages (alike_count), nothing of it is added or changed until a corrected one comes; differences: unexpected or cancelled trades wait for a review; rejects: lines of the statement cannot be read and wait for a review';
COMMENT ON COLUMN ops.reconciliations.missing_count IS 'Trades that were not captured and are added, unless the state is held';
COMMENT ON COLUMN ops.reconciliations.differs_count IS 'Trades that were captured with other content and are changed, unless the state is held';
COMMENT ON COLUMN ops.reconciliations.alike_count IS 'If it is held, trades of the statement that equal unexpected ones in all but their id; else 0';
