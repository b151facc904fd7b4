-- How a day's PnL came to be: one row a publication that changed it. Each version of a row adds its PnL when it is
-- published and takes it away when it is replaced
WITH versions AS (
    SELECT valid_from, valid_to, pnl_eur
    FROM curated.pnl_hourly_history
    WHERE delivery_day = %(day)s AND (%(trader_id)s IS NULL OR trader_id = %(trader_id)s)
), steps AS (
    SELECT at, sum(pnl_eur) AS pnl_eur, sum(row_count) AS row_count, sum(priced_count) AS priced_count
    FROM (
        SELECT valid_from AS at, coalesce(pnl_eur, 0) AS pnl_eur, 1 AS row_count, num_nonnulls(pnl_eur) AS priced_count
        FROM versions
        UNION ALL
        SELECT valid_to, -coalesce(pnl_eur, 0), -1, -num_nonnulls(pnl_eur)
        FROM versions
        WHERE valid_to IS NOT NULL
    ) AS changes
    GROUP BY at
), sums AS (
    SELECT
        at,
        trim_scale(sum(pnl_eur) OVER until_then) AS pnl_eur,
        sum(row_count) OVER until_then AS row_count,
        sum(priced_count) OVER until_then AS priced_count
    FROM steps
    WINDOW until_then AS (ORDER BY at)
), causes AS (
    SELECT changed_at AS at, string_agg(DISTINCT cause, ', ') AS cause
    FROM curated.pnl_hourly_changes
    CROSS JOIN LATERAL unnest(causes) AS cause
    WHERE delivery_day = %(day)s AND (%(trader_id)s IS NULL OR trader_id = %(trader_id)s)
    GROUP BY changed_at
)
SELECT
    at,
    CASE WHEN priced_count > 0 AND priced_count = row_count THEN pnl_eur END AS pnl_eur,
    CASE WHEN priced_count > 0 THEN pnl_eur END AS priced_pnl_eur,
    cause
FROM sums
LEFT JOIN causes USING (at)
ORDER BY at
