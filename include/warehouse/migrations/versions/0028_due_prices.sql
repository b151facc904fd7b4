CREATE OR REPLACE VIEW ops.missing_prices AS
WITH wanting AS (
    SELECT
        n.market, n.delivery_day, n.delivery_hour, p.delivery_start_at, n.price_status,
        CASE WHEN n.price_status = 'provisional' THEN p.price_final_from
             -- before that there is nothing that the provider could know
             ELSE greatest(h.missing_since_at, p.tradable_from) END AS since_at,
        p.price_current_from
    FROM (
        SELECT market, delivery_day, delivery_hour, min(price_status) AS price_status
        FROM curated.pnl_hourly
        WHERE price_status <> 'final'
        GROUP BY market, delivery_day, delivery_hour
    ) AS n
    JOIN raw.delivery_periods AS p USING (market, delivery_day, delivery_hour)
    CROSS JOIN LATERAL (
        SELECT min(valid_from) AS missing_since_at
        FROM curated.pnl_hourly_history AS h
        WHERE (h.market, h.delivery_day, h.delivery_hour) = (n.market, n.delivery_day, n.delivery_hour)
            AND h.price_status = 'missing' AND n.price_status = 'missing'
    ) AS h
)
SELECT
    w.market, w.delivery_day, w.delivery_hour, w.delivery_start_at, w.price_status, w.since_at,
    q.requested_at AS last_asked_at, q.status AS last_status, r.observed_at AS last_observed_at,
    CASE
        WHEN r.price_eur_per_mwh IS NOT NULL AND r.state <> 'accepted'
            THEN format('the provider answered, but batch %s of its reply is not validated yet', r.load_batch_id)
        WHEN q.requested_at IS NULL THEN 'the provider was never asked'
        WHEN q.status IS NULL THEN 'the provider did not answer'
        WHEN r.observed_at >= q.requested_at AND r.price_eur_per_mwh IS NULL THEN 'the provider has no price for it'
        WHEN q.status <> 200 AND NOT coalesce(q.is_answer, false) THEN format('the provider answered HTTP %s', q.status)
        WHEN r.observed_at IS NULL OR r.observed_at < q.requested_at
            THEN 'the reply was refused (ops.rejected_messages) or is not loaded yet'
        WHEN w.price_status = 'provisional' AND r.observed_at < w.since_at
            THEN 'the provider was not asked since the last publication'
        WHEN w.price_status = 'provisional' AND r.provider_updated_at < w.price_current_from
            THEN format('the provider still gives the value of %s UTC, from before the last trades',
                        to_char(r.provider_updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'))
        ELSE 'the price is there and not built in yet'
    END AS reason
FROM wanting AS w
LEFT JOIN LATERAL (
    SELECT requested_at, status, is_answer
    FROM ops.provider_requests AS q
    WHERE (q.market, q.delivery_day, q.delivery_hour) = (w.market, w.delivery_day, w.delivery_hour) AND q.finished_at IS NOT NULL
    ORDER BY q.finished_at DESC
    LIMIT 1
) AS q ON true
LEFT JOIN LATERAL (
    SELECT r.observed_at, r.price_eur_per_mwh, r.provider_updated_at, r.load_batch_id, b.state
    FROM raw.reference_prices AS r
    JOIN ops.load_batches AS b USING (load_batch_id)
    WHERE (r.market, r.delivery_day, r.delivery_hour) = (w.market, w.delivery_day, w.delivery_hour)
    ORDER BY r.observed_at DESC
    LIMIT 1
) AS r ON true
-- the provider publishes every 10 minutes, and a minute later it is asked
WHERE now() > w.since_at + interval '15 minutes';
COMMENT ON COLUMN ops.missing_prices.since_at IS 'First published without a price, or when the hour could be traded if that was later; for a provisional one, when the final one could be had';

CREATE OR REPLACE VIEW ops.troubles AS
WITH answers AS (
    SELECT market, finished_at, coalesce(is_answer, false) AS is_answer
    FROM ops.provider_requests
    WHERE requested_at > now() - interval '2 hours' AND finished_at IS NOT NULL
), found (precedence, market, code, since_at, text) AS (
    SELECT 1, market, coalesce(page_code, alarm), since_at, coalesce(page_text, detail)
    FROM ops.alarms
    WHERE cleared_at IS NULL AND (severity = 'critical' OR page_text IS NOT NULL)
    UNION ALL
    SELECT 2, market, 'provider_down', min(finished_at),
           'The provider of reference prices does not answer: prices stay as they are until it does.'
    FROM answers
    LEFT JOIN (SELECT market, max(finished_at) AS answered_at FROM answers WHERE is_answer GROUP BY market) AS last USING (market)
    WHERE NOT is_answer AND (answered_at IS NULL OR finished_at > answered_at)
    GROUP BY market, answered_at
    -- each pull asks last for the hours that failed, so a few of them may fail behind the answers of the others
    HAVING answered_at IS NULL OR max(finished_at) > answered_at + interval '5 minutes'
    UNION ALL
    SELECT 3, market, page_code, last_at, page_text
    FROM ops.freshness
    WHERE is_late AND alarm IS NULL
), first_of_each AS (
    SELECT DISTINCT ON (market, code) market, code, since_at, text FROM found ORDER BY market, code, precedence, since_at
)
SELECT market, code, since_at, text FROM first_of_each ORDER BY since_at NULLS LAST;
