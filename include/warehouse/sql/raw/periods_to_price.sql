-- delivery periods whose price may be asked for, and when a process last got an answer about it, of whatever kind
WITH open_periods AS (
    SELECT *
    FROM unnest(%(open_days)s::date[], %(open_hours)s::text[], %(open_starts)s::timestamptz[])
        AS o (delivery_day, delivery_hour, delivery_start_at)
), forced_by_trades AS (
    SELECT DISTINCT delivery_day, delivery_hour
    FROM raw.trades
    WHERE %(force)s AND received_at >= %(window_start_at)s AND received_at < %(window_end_at)s
), candidates AS (
    SELECT
        delivery_day,
        delivery_hour,
        coalesce(p.delivery_start_at, o.delivery_start_at) AS delivery_start_at,
        o.delivery_start_at IS NOT NULL AS is_open,
        coalesce(
            p.delivery_start_at >= %(window_start_at)s AND p.delivery_start_at < %(window_end_at)s, false
        ) AS is_in_window,
        f.delivery_day IS NOT NULL AS is_forced_by_trades,
        EXISTS (
            SELECT FROM raw.trades AS t
            WHERE t.delivery_day = p.delivery_day AND t.delivery_hour = p.delivery_hour
        ) AS is_traded,
        -- what curated.reference_prices calls final, without going through every observation of the period
        EXISTS (
            SELECT FROM raw.reference_prices AS r
            JOIN ops.load_batches AS b USING (load_batch_id)
            WHERE r.delivery_day = p.delivery_day AND r.delivery_hour = p.delivery_hour
                AND r.observed_at >= p.price_final_from
                AND r.price_eur_per_mwh IS NOT NULL
                AND b.state = 'accepted'
        ) AS is_final
    FROM raw.delivery_periods AS p
    FULL JOIN open_periods AS o USING (delivery_day, delivery_hour)
    LEFT JOIN forced_by_trades AS f USING (delivery_day, delivery_hour)
), wanted AS (
    SELECT *, %(force)s AND (is_in_window OR is_forced_by_trades) AS is_forced
    FROM candidates
)
SELECT
    delivery_day,
    delivery_hour,
    delivery_start_at,
    is_traded,
    is_forced,
    greatest(
        (
            SELECT max(r.observed_at)
            FROM raw.reference_prices AS r
            WHERE r.delivery_day = w.delivery_day AND r.delivery_hour = w.delivery_hour
        ),
        -- landed and perhaps not loaded yet, or rejected; 408, 425, 429 and 5xx say nothing about the price
        (
            SELECT max(q.finished_at)
            FROM ops.provider_requests AS q
            WHERE q.delivery_day = w.delivery_day AND q.delivery_hour = w.delivery_hour
                AND q.status < 500 AND q.status NOT IN (408, 425, 429)
        )
    ) AS last_answered_at
FROM wanted AS w
WHERE is_forced OR is_open OR (NOT is_final AND (is_traded OR is_in_window))
