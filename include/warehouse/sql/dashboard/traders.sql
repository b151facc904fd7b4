-- Everybody who ever traded, by jumping from one to the next in the index
WITH RECURSIVE traders AS (
    (SELECT trader_id FROM curated.pnl_hourly ORDER BY trader_id LIMIT 1)
    UNION ALL
    SELECT (SELECT p.trader_id FROM curated.pnl_hourly AS p WHERE p.trader_id > t.trader_id ORDER BY p.trader_id LIMIT 1)
    FROM traders AS t
    WHERE t.trader_id IS NOT NULL
)
SELECT trader_id FROM traders WHERE trader_id IS NOT NULL
