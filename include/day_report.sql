-- name: day_report_announced
-- The announcements of a day, the last first
SELECT revision, final_at, has_open_points
FROM ops.final_days
WHERE market = %(market)s AND delivery_day = %(delivery_day)s
ORDER BY revision DESC
LIMIT 2

-- name: day_report_open
-- What is open now, the hours first, and what the exchange's statements changed, which is not
WITH own_rows AS MATERIALIZED (
    SELECT * FROM ops.review_queue WHERE market = %(market)s AND delivery_day = %(delivery_day)s
)
SELECT reason AS what, delivery_hour, NULL AS trade_id, detail, from_at AS since_at, true AS is_open
FROM ops.incomplete_periods AS i
WHERE market = %(market)s AND delivery_day = %(delivery_day)s
    -- a message that waits for a review is one open point, however many hours it is about
    AND (reason NOT IN ('trades_quarantined', 'messages_rejected')
         OR EXISTS (SELECT FROM ops.unreviewed_messages AS u
                    WHERE (u.market, u.delivery_day, u.delivery_hour) = (i.market, i.delivery_day, i.delivery_hour)
                        AND u.problem = CASE i.reason WHEN 'trades_quarantined' THEN 'quarantined' ELSE 'rejected' END
                        AND (u.landing_file_id, u.line_number) NOT IN (SELECT landing_file_id, line_number FROM own_rows)))
UNION ALL
SELECT DISTINCT 'price_not_final', delivery_hour, NULL, 'the price is provisional', NULL::timestamptz, true
FROM curated.pnl_hourly AS h
WHERE market = %(market)s AND delivery_day = %(delivery_day)s AND price_status = 'provisional'
  AND NOT EXISTS (SELECT FROM ops.incomplete_periods AS i
                  WHERE (i.market, i.delivery_day, i.delivery_hour, i.reason)
                        = (h.market, h.delivery_day, h.delivery_hour, 'price_not_final'))
UNION ALL
SELECT problem || ', waits for a review', array_to_string(delivery_hours, ', '), trade_id, reason, received_at, true
FROM own_rows
UNION ALL
SELECT 'statement_missing', NULL, NULL, 'the exchange''s statement of the day is not reconciled yet', NULL, true
WHERE %(is_statement_expected)s
  AND NOT EXISTS (SELECT FROM ops.reconciliations AS r
                  WHERE r.market = %(market)s AND r.statement_day = %(delivery_day)s)
UNION ALL
SELECT 'statement_' || state, NULL, NULL,
       format('statement of %%s: %%s trades matched, %%s added, %%s changed, %%s cancelled (%%s not reviewed),'
              ' %%s unexpected (%%s not reviewed), %%s lines not reviewed', statement_day, matched_count, missing_count,
              differs_count, cancelled_count, unreviewed_cancelled_count, unexpected_count, unreviewed_unexpected_count,
              unreviewed_reject_count)
       || CASE state WHEN 'held'
                     THEN format('; nothing is added or changed: %%s of its trades equal captured ones in all but their id',
                                 alike_count)
                     ELSE '' END,
       reconciled_at, state <> 'reconciled'
FROM ops.reconciliations
WHERE market = %(market)s AND statement_day = %(delivery_day)s
UNION ALL
SELECT 'statement: ' || outcome, coalesce(statement_delivery_hour, captured_delivery_hour), trade_id,
       format('captured: %%s MW at %%s EUR/MWh; statement: %%s MW at %%s EUR/MWh',
              coalesce(trim_scale(captured_quantity_mw)::text, '-'),
              coalesce(trim_scale(captured_price_eur_per_mwh)::text, '-'),
              coalesce(trim_scale(statement_quantity_mw)::text, '-'),
              coalesce(trim_scale(statement_price_eur_per_mwh)::text, '-')),
       NULL, false
FROM ops.reconciliation_differences
WHERE market = %(market)s AND coalesce(statement_delivery_day, captured_delivery_day) = %(delivery_day)s
ORDER BY is_open DESC, what, delivery_hour, trade_id

-- name: day_report_changes
-- What changed between two announcements
SELECT
    changed_at, delivery_hour, trader_id, array_to_string(causes, ', ') AS causes, previous_trade_count, trade_count,
    previous_reference_price_eur_per_mwh, reference_price_eur_per_mwh, previous_pnl_eur, pnl_eur, pnl_change_eur
FROM curated.pnl_hourly_changes
WHERE market = %(market)s AND delivery_day = %(delivery_day)s AND changed_at > %(previous_at)s AND changed_at <= %(as_of)s
ORDER BY delivery_start_at, delivery_hour, trader_id, changed_at
