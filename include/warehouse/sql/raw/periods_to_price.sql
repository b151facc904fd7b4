-- the delivery periods whose price may be asked for, and when each was last answered (in any way, by any process)
WITH candidates AS (
    SELECT
        p.delivery_day, p.delivery_hour, p.delivery_start_at,
        EXISTS (
            SELECT FROM raw.trades AS t
            WHERE t.delivery_day = p.delivery_day AND t.delivery_hour = p.delivery_hour
        ) AS is_traded,
        -- final as curated.reference_prices defines it, without sorting every observation ever made
        EXISTS (
            SELECT FROM raw.reference_prices AS r
            JOIN ops.load_batches AS b USING (load_batch_id)
            WHERE r.delivery_day = p.delivery_day AND r.delivery_hour = p.delivery_hour
                AND r.observed_at >= p.price_final_from
                AND r.price_eur_per_mwh IS NOT NULL
                AND b.state = 'accepted'
        ) AS is_final,
        p.delivery_start_at >= %(window_start_at)s AND p.delivery_start_at < %(window_end_at)s AS is_in_window
    FROM raw.delivery_periods AS p
), forced AS (
    SELECT DISTINCT delivery_day, delivery_hour
    FROM raw.trades
    WHERE %(force)s AND received_at >= %(window_start_at)s AND received_at < %(window_end_at)s
), wanted AS (
    SELECT c.delivery_day, c.delivery_hour, c.delivery_start_at, c.is_traded, 
        %(force)s AND (c.is_in_window OR f.delivery_day IS NOT NULL) AS is_forced
    FROM candidates AS c
    LEFT JOIN forced AS f USING (delivery_day, delivery_hour)
    WHERE NOT c.is_final AND (c.is_traded OR c.is_in_window)
)
SELECT 1
