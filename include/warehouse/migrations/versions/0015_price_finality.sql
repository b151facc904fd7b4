-- ---------------------------------------------------------------- when a price is final
ALTER TABLE raw.delivery_periods ADD COLUMN price_current_from timestamptz, ADD COLUMN stale_price_final_from timestamptz;
-- as include/domain/delivery_period.py has it from now on
UPDATE raw.delivery_periods SET
    price_current_from = tradable_until - interval '10 minutes',
    stale_price_final_from = (delivery_day + 1 + time '12:00') AT TIME ZONE curated.market_timezone();
ALTER TABLE raw.delivery_periods
    ALTER COLUMN price_current_from SET NOT NULL, ALTER COLUMN stale_price_final_from SET NOT NULL;
COMMENT ON COLUMN raw.delivery_periods.price_final_from IS 'A reference price observed from then on is final, unless its last_update is older than price_current_from';
COMMENT ON COLUMN raw.delivery_periods.price_current_from IS 'Gate closure less one publication interval: a last_update before it is of a value without the last trades';
COMMENT ON COLUMN raw.delivery_periods.stale_price_final_from IS 'A reference price observed from then on is final whatever its last_update';

CREATE FUNCTION curated.is_final_price(
    observed_at timestamptz, provider_updated_at timestamptz, period raw.delivery_periods
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN observed_at >= (period).price_final_from
    AND (provider_updated_at IS NULL
         OR provider_updated_at >= (period).price_current_from
         OR observed_at >= (period).stale_price_final_from);
COMMENT ON FUNCTION curated.is_final_price IS
    'Whether a price that was observed then includes the last trades of its period; include/domain/reference_price.py is the same in Python';

ALTER TABLE raw.reference_prices ADD COLUMN unreadable_update_time text;
COMMENT ON COLUMN raw.reference_prices.provider_updated_at IS 'The provider''s time of the value (last_update); NULL: it does not say, or not readably';
COMMENT ON COLUMN raw.reference_prices.unreadable_update_time IS 'What last_update says if it cannot be read, at most 80 characters; NULL: it is readable or missing';

CREATE VIEW curated.reference_prices AS
SELECT DISTINCT ON (r.market, r.delivery_day, r.delivery_hour)
    r.market, r.delivery_day, r.delivery_hour, p.delivery_start_at, p.delivery_end_at,
    r.price_eur_per_mwh,
    CASE WHEN curated.is_final_price(r.observed_at, r.provider_updated_at, p) THEN 'final' ELSE 'provisional' END
        AS price_status,
    r.provider_updated_at, r.observed_at, r.load_batch_id,
    coalesce(r.observed_at >= p.price_final_from AND r.provider_updated_at < p.price_current_from, false) AS is_stale
FROM raw.reference_prices AS r
JOIN raw.delivery_periods AS p USING (market, delivery_day, delivery_hour)
JOIN ops.load_batches AS b USING (load_batch_id)
WHERE b.state = 'accepted' AND r.price_eur_per_mwh IS NOT NULL
ORDER BY r.market, r.delivery_day, r.delivery_hour, r.observed_at DESC, r.provider_updated_at DESC NULLS LAST,
         r.price_eur_per_mwh;
COMMENT ON VIEW curated.reference_prices IS 'The current reference price of each hour: the last one observed that was defined; no row, no price';
COMMENT ON COLUMN curated.reference_prices.market IS 'The market';
COMMENT ON COLUMN curated.reference_prices.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN curated.reference_prices.delivery_hour IS 'Label, local time';
COMMENT ON COLUMN curated.reference_prices.delivery_start_at IS 'Start of delivery, inclusive';
COMMENT ON COLUMN curated.reference_prices.delivery_end_at IS 'End of delivery, exclusive';
COMMENT ON COLUMN curated.reference_prices.price_eur_per_mwh IS 'Reference price, EUR/MWh';
COMMENT ON COLUMN curated.reference_prices.observed_at IS 'When we received it';
COMMENT ON COLUMN curated.reference_prices.load_batch_id IS 'The load that brought it';
COMMENT ON COLUMN curated.reference_prices.price_status IS 'final: observed after the last publication, with a last_update that includes the last trades, or at noon of the next day; provisional: it may still move';
COMMENT ON COLUMN curated.reference_prices.provider_updated_at IS 'The provider''s time of the value; NULL: it does not say, or not readably';
COMMENT ON COLUMN curated.reference_prices.is_stale IS 'Observed after the last publication, with a last_update from before it: the value may lack the last trades';

CREATE VIEW ops.price_revisions AS
SELECT
    r.market, r.delivery_day, r.delivery_hour, p.delivery_start_at,
    e.price_eur_per_mwh AS previous_price_eur_per_mwh, r.price_eur_per_mwh, r.provider_updated_at, r.observed_at
FROM raw.reference_prices AS r
JOIN raw.delivery_periods AS p USING (market, delivery_day, delivery_hour)
JOIN ops.load_batches AS b USING (load_batch_id)
JOIN LATERAL (
    SELECT o.price_eur_per_mwh
    FROM raw.reference_prices AS o
    JOIN ops.load_batches AS ob USING (load_batch_id)
    WHERE (o.market, o.delivery_day, o.delivery_hour) = (r.market, r.delivery_day, r.delivery_hour)
        AND o.observed_at < r.observed_at AND o.price_eur_per_mwh IS NOT NULL AND ob.state = 'accepted'
        AND curated.is_final_price(o.observed_at, o.provider_updated_at, p)
    ORDER BY o.observed_at DESC, o.provider_updated_at DESC NULLS LAST, o.price_eur_per_mwh
    LIMIT 1
) AS e ON e.price_eur_per_mwh <> r.price_eur_per_mwh
WHERE b.state = 'accepted' AND r.observed_at >= p.price_final_from;
COMMENT ON VIEW ops.price_revisions IS 'Reference prices that the provider changed after they were final: one row an observation that differs from the last final one before it';
COMMENT ON COLUMN ops.price_revisions.market IS 'The market';
COMMENT ON COLUMN ops.price_revisions.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN ops.price_revisions.delivery_hour IS 'Label, local time';
COMMENT ON COLUMN ops.price_revisions.delivery_start_at IS 'Start of delivery';
COMMENT ON COLUMN ops.price_revisions.previous_price_eur_per_mwh IS 'The last final price before, EUR/MWh';
COMMENT ON COLUMN ops.price_revisions.price_eur_per_mwh IS 'The price that was observed instead, EUR/MWh';
COMMENT ON COLUMN ops.price_revisions.provider_updated_at IS 'The provider''s time of the value; NULL: it does not say, or not readably';
COMMENT ON COLUMN ops.price_revisions.observed_at IS 'When we received it';

-- PnL that calls a price final which no longer is: once it is built it says so, and the provider is asked again
INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)
SELECT DISTINCT h.market, h.delivery_day, h.delivery_hour, 'reference_prices'
FROM curated.pnl_hourly AS h
JOIN curated.reference_prices AS r USING (market, delivery_day, delivery_hour)
WHERE h.price_status <> r.price_status;

-- ---------------------------------------------------------------- why a price is missing or not final
CREATE VIEW ops.missing_prices AS
WITH wanting AS (
    SELECT
        n.market, n.delivery_day, n.delivery_hour, p.delivery_start_at, n.price_status,
        CASE WHEN n.price_status = 'provisional' THEN p.price_final_from ELSE h.missing_since_at END AS since_at,
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

COMMENT ON VIEW ops.missing_prices IS 'Traded hours whose price is due and not there, or due to be final and still provisional';
COMMENT ON COLUMN ops.missing_prices.market IS 'The market';
COMMENT ON COLUMN ops.missing_prices.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN ops.missing_prices.delivery_hour IS 'Label, local time';
COMMENT ON COLUMN ops.missing_prices.delivery_start_at IS 'Start of delivery';
COMMENT ON COLUMN ops.missing_prices.price_status IS 'missing or provisional';
COMMENT ON COLUMN ops.missing_prices.since_at IS 'First published without a price; for a provisional one, when the final one could be had';
COMMENT ON COLUMN ops.missing_prices.last_asked_at IS 'When the provider was last asked and the request came to an end; NULL: never';
COMMENT ON COLUMN ops.missing_prices.last_status IS 'HTTP status of the answer; NULL: no answer';
COMMENT ON COLUMN ops.missing_prices.last_observed_at IS 'When the last reply that was loaded came in';
COMMENT ON COLUMN ops.missing_prices.reason IS 'Why, in words';
