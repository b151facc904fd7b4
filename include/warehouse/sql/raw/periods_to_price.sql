-- delivery periods whose price may be asked for, and when a process last got an answer about it, of whatever kind
WITH calendar AS (
    SELECT *
    FROM unnest(%(calendar_days)s::date[], %(calendar_hours)s::text[], %(calendar_starts)s::timestamptz[])
        AS c (delivery_day, delivery_hour, delivery_start_at)
), traded_in_window AS (
    -- by the batches of the files of these hours of receipt: raw.trades has an index for them, none for received_at
    SELECT DISTINCT delivery_day, delivery_hour
    FROM raw.trades
    WHERE load_batch_id = ANY(ARRAY(
        SELECT b.load_batch_id
        FROM ops.load_batches AS b
        JOIN ops.landing_files AS f USING (landing_file_id)
        WHERE f.source = 'trades'
            AND f.hour_start_at >= %(window_start_at)s AND f.hour_start_at < %(window_end_at)s
    ))
), parts AS (
    SELECT delivery_day, delivery_hour, true AS may_be_forced FROM calendar
    UNION ALL
    -- never by force: many windows hold trades of one period, and a backfill would ask for it once for each
    SELECT delivery_day, delivery_hour, false FROM traded_in_window
    UNION ALL
    SELECT delivery_day, delivery_hour, true
    FROM raw.delivery_periods AS p
    WHERE (delivery_start_at >= %(window_start_at)s AND delivery_start_at < %(window_end_at)s)
        OR delivery_day BETWEEN %(first_day)s AND %(last_day)s
        OR (%(with_all_traded)s AND EXISTS (
            SELECT FROM raw.trades AS t
            WHERE t.delivery_day = p.delivery_day AND t.delivery_hour = p.delivery_hour
        ))
), scope AS (
    SELECT delivery_day, delivery_hour, %(force)s AND bool_or(may_be_forced) AS is_forced
    FROM parts
    GROUP BY delivery_day, delivery_hour
), candidates AS (
    SELECT
        delivery_day,
        delivery_hour,
        is_forced,
        coalesce(p.delivery_start_at, c.delivery_start_at) AS delivery_start_at,
        -- what curated.reference_prices calls final, or will once its batch is validated; without going through
        -- every observation of the period. If the batch is blocked then, the period is no longer final and a later
        -- run asks again, as soon as the last answer is old enough for its age: nothing is lost but that time.
        EXISTS (
            SELECT FROM raw.reference_prices AS r
            JOIN ops.load_batches AS b USING (load_batch_id)
            WHERE r.delivery_day = s.delivery_day AND r.delivery_hour = s.delivery_hour
                AND r.observed_at >= p.price_final_from
                AND r.price_eur_per_mwh IS NOT NULL
                AND b.state <> 'blocked'
        ) AS is_final
    FROM scope AS s
    LEFT JOIN raw.delivery_periods AS p USING (delivery_day, delivery_hour)
    LEFT JOIN calendar AS c USING (delivery_day, delivery_hour)
)
SELECT
    delivery_day,
    delivery_hour,
    delivery_start_at,
    EXISTS (
        SELECT FROM raw.trades AS t
        WHERE t.delivery_day = w.delivery_day AND t.delivery_hour = w.delivery_hour
    ) AS is_traded,
    is_forced,
    greatest(
        (
            SELECT max(r.observed_at)
            FROM raw.reference_prices AS r
            WHERE r.delivery_day = w.delivery_day AND r.delivery_hour = w.delivery_hour
        ),
        -- landed and perhaps not loaded yet
        (
            SELECT max(q.finished_at)
            FROM ops.provider_requests AS q
            WHERE q.delivery_day = w.delivery_day AND q.delivery_hour = w.delivery_hour
                AND q.is_answer
        )
    ) AS last_answered_at
FROM candidates AS w
WHERE is_forced OR NOT is_final
