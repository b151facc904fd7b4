-- Queries of include/pull: which prices to ask for, and the provider's budget

-- name: periods_to_price
-- hours whose price may be asked for, when a process last got an answer about it, of whatever kind, and when a request
-- last failed because of it: not one after which the provider asked all to wait
WITH calendar AS (
    SELECT *
    FROM unnest(%(calendar_days)s::date[], %(calendar_hours)s::text[]) AS c (delivery_day, delivery_hour)
), traded_in_window AS MATERIALIZED (
    -- by the batches of the files of these hours of receipt: raw.trades has an index for them, none for received_at
    SELECT DISTINCT market, delivery_day, delivery_hour
    FROM raw.trades
    WHERE %(window_start_at)s::timestamptz IS NOT NULL AND market = %(market)s AND load_batch_id = ANY(ARRAY(
        SELECT b.load_batch_id
        FROM ops.load_batches AS b
        JOIN ops.landing_files AS f USING (landing_file_id)
        WHERE f.market = %(market)s AND f.source = 'trades'
            AND f.hour_start_at >= %(window_start_at)s AND f.hour_start_at < %(window_end_at)s
    ))
), known AS (
    -- the provider has prices of hours only: what is traded within an hour has the hour's
    SELECT p.*
    FROM raw.delivery_periods AS p
    WHERE p.market = %(market)s AND EXISTS (
        SELECT FROM raw.period_hours AS h
        WHERE (h.market, h.delivery_day, h.pnl_hour) = (p.market, p.delivery_day, p.delivery_hour)
    )
), parts AS (
    SELECT delivery_day, delivery_hour, true AS may_be_forced, false AS is_recheck FROM calendar
    UNION ALL
    -- never by force: many windows hold trades of one period, and a backfill would ask for it once for each
    SELECT delivery_day, pnl_hour, false, false
    FROM traded_in_window
    JOIN raw.period_hours USING (market, delivery_day, delivery_hour)
    UNION ALL
    SELECT delivery_day, delivery_hour, true, false
    FROM known AS p
    WHERE (delivery_start_at >= %(window_start_at)s AND delivery_start_at < %(window_end_at)s)
        OR delivery_day BETWEEN %(first_day)s AND %(last_day)s
    UNION ALL
    SELECT h.delivery_day, h.pnl_hour, true, false
    FROM raw.period_hours AS h
    -- one look into the index for each period; as a join it would go through all trades
    CROSS JOIN LATERAL (
        SELECT FROM raw.trades AS t
        WHERE (t.market, t.delivery_day, t.delivery_hour) = (h.market, h.delivery_day, h.delivery_hour)
        LIMIT 1
    ) AS traded
    WHERE %(with_all_traded)s AND h.market = %(market)s
    UNION ALL
    SELECT delivery_day, delivery_hour, false, true
    FROM known
    WHERE delivery_day BETWEEN %(rechecked_first_day)s AND %(rechecked_last_day)s
), scope AS (
    SELECT
        delivery_day,
        delivery_hour,
        %(force)s AND bool_or(may_be_forced) AS is_forced,
        bool_or(is_recheck) AS is_recheck,
        bool_and(is_recheck) AS is_recheck_only
    FROM parts
    GROUP BY delivery_day, delivery_hour
), candidates AS (
    SELECT
        s.*,
        -- what curated.reference_prices calls final, or will once its batch is validated; by two looks into the index
        -- instead of all observations of the hour
        coalesce((
            SELECT curated.is_final_price(r.observed_at, r.provider_updated_at, p)
            FROM raw.reference_prices AS r
            WHERE (r.market, r.delivery_day, r.delivery_hour) = (%(market)s, s.delivery_day, s.delivery_hour)
                AND r.price_eur_per_mwh IS NOT NULL
                AND r.observed_at = (
                    SELECT max(l.observed_at)
                    FROM raw.reference_prices AS l
                    WHERE (l.market, l.delivery_day, l.delivery_hour) = (%(market)s, s.delivery_day, s.delivery_hour)
                        AND l.price_eur_per_mwh IS NOT NULL
                )
            ORDER BY r.provider_updated_at DESC NULLS LAST, r.price_eur_per_mwh
            LIMIT 1
        ), false) AS is_final
    FROM scope AS s
    LEFT JOIN raw.delivery_periods AS p
        ON (p.market, p.delivery_day, p.delivery_hour) = (%(market)s, s.delivery_day, s.delivery_hour)
)
SELECT
    delivery_day,
    delivery_hour,
    EXISTS (
        SELECT FROM raw.period_hours AS h
        JOIN raw.trades AS t USING (market, delivery_day, delivery_hour)
        WHERE (h.market, h.delivery_day, h.pnl_hour) = (%(market)s, w.delivery_day, w.delivery_hour)
    ) AS is_traded,
    is_forced,
    is_final,
    greatest(
        (
            SELECT max(r.observed_at)
            FROM raw.reference_prices AS r
            WHERE (r.market, r.delivery_day, r.delivery_hour) = (%(market)s, w.delivery_day, w.delivery_hour)
        ),
        -- landed and perhaps not loaded yet
        requested.answered_at
    ) AS last_answered_at,
    requested.failed_at AS last_failed_at
FROM candidates AS w
CROSS JOIN LATERAL (
    SELECT
        max(q.finished_at) FILTER (WHERE q.is_answer) AS answered_at,
        max(q.finished_at) FILTER (WHERE NOT q.is_answer AND q.retry_at IS NULL) AS failed_at
    FROM ops.provider_requests AS q
    WHERE (q.market, q.delivery_day, q.delivery_hour) = (%(market)s, w.delivery_day, w.delivery_hour)
) AS requested
WHERE is_forced OR CASE WHEN is_final THEN is_recheck ELSE NOT is_recheck_only END

-- name: provider_clock
SELECT clock_timestamp() AS warehouse_time

-- name: provider_clock_set_back
-- Requests of the future, taken while the clock was ahead, count as if they were made now: they hold up nothing for longer
UPDATE ops.provider_requests
SET requested_at = least(requested_at, clock_timestamp()),
    finished_at = least(finished_at, clock_timestamp()),
    retry_at = retry_at - (greatest(requested_at, finished_at) - clock_timestamp())
WHERE provider = %(provider)s AND requested_at > now() - interval '2 hours'
    AND greatest(requested_at, finished_at) > clock_timestamp()

-- name: provider_is_asked
-- whether a process is asking for the period right now, or got an answer about its price since a moment
SELECT EXISTS (
    SELECT FROM ops.provider_requests
    WHERE market = %(market)s
        AND delivery_day = %(delivery_day)s
        AND delivery_hour = %(delivery_hour)s
        AND CASE
            WHEN finished_at IS NULL THEN requested_at > now() - %(request_seconds)s * interval '1 second'
            ELSE finished_at >= %(since)s AND is_answer
        END
)

-- name: provider_request
INSERT INTO ops.provider_requests (market, provider, delivery_day, delivery_hour, requested_at)
VALUES (%(market)s, %(provider)s, %(delivery_day)s, %(delivery_hour)s, clock_timestamp())
RETURNING provider_request_id

-- name: provider_reply
UPDATE ops.provider_requests
SET
    finished_at = clock_timestamp(),
    status = %(status)s,
    is_answer = %(is_answer)s,
    retry_at = clock_timestamp() + %(retry_after_seconds)s * interval '1 second'
WHERE provider_request_id = %(provider_request_id)s

-- name: provider_spent
-- what is occupied of the budget now: requests that count for the minute and for the hour
-- (as long as provider_wait lets each of them count)
SELECT
    count(*) FILTER (WHERE until > clock_timestamp() - %(minute_seconds)s * interval '1 second') AS last_minute,
    count(*) FILTER (WHERE until > clock_timestamp() - %(hour_seconds)s * interval '1 second') AS last_hour
FROM (
    SELECT CASE
        WHEN status IS NOT NULL THEN finished_at
        ELSE requested_at + %(request_seconds)s * interval '1 second'
    END AS until
    FROM ops.provider_requests
    WHERE provider = %(provider)s AND requested_at > now() - interval '2 hours'
) AS occupied

-- name: provider_wait
-- seconds until a request fits into the budget and no Retry-After forbids it; 0: now
-- a request occupies the budget from when it was taken until a minute (an hour) after its reply; without a reply,
-- until a minute (an hour) after the last moment at which it can reach the provider
WITH occupied AS MATERIALIZED (
    SELECT CASE
        WHEN status IS NOT NULL THEN finished_at
        ELSE requested_at + %(request_seconds)s * interval '1 second'
    END AS until
    FROM ops.provider_requests
    WHERE provider = %(provider)s AND requested_at > now() - interval '2 hours'
)
SELECT coalesce(extract(epoch FROM greatest(
    (SELECT max(retry_at) FROM ops.provider_requests WHERE provider = %(provider)s AND retry_at > now()),
    (SELECT until FROM occupied ORDER BY until DESC OFFSET %(per_minute)s - 1 LIMIT 1)
        + %(minute_seconds)s * interval '1 second',
    (SELECT until FROM occupied ORDER BY until DESC OFFSET %(per_hour)s - 1 LIMIT 1)
        + %(hour_seconds)s * interval '1 second',
    clock_timestamp()
) - clock_timestamp()), 0)::float8 AS wait_seconds
