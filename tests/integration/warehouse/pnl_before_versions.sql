-- Rows of PnL as the platform wrote them until revision 0008, with the formulas of that time: 30 days, 20 traders.
-- Three versions of each row; some are removed, some were away for a while, some have no price or a gap.
INSERT INTO raw.delivery_periods
SELECT d::date, lpad(h::text, 2, '0') || '-' || lpad((h + 1)::text, 2, '0'), d + h * interval '1 hour',
       d + (h + 1) * interval '1 hour', 1, false, d - interval '1 day', d + h * interval '1 hour', d + interval '1 day'
FROM generate_series(timestamptz '2026-03-01Z', '2026-03-30Z', '1 day') AS d
CROSS JOIN generate_series(0, 23) AS h;

CREATE TEMPORARY TABLE facts AS
SELECT
    p.delivery_day, p.delivery_hour, 'trader ' || trader AS trader_id, p.delivery_start_at, p.delivery_end_at,
    1 + n % 5 AS trade_count,
    (n % 4) * 0.1 * version AS buy_mwh,
    (n % 3) * 0.25 + CASE WHEN n % 4 = 0 THEN 1.000 ELSE 0 END AS sell_mwh,
    (n % 4) * 0.1 * version * ((n * 7919) % 20011 - 5000) * 0.01 AS buy_value_eur,
    ((n % 3) * 0.25 + CASE WHEN n % 4 = 0 THEN 1.000 ELSE 0 END) * ((n * 104729) % 20011 - 3000) * 0.001 AS sell_value_eur,
    CASE WHEN hour_n % 13 = 0 AND version < 3 OR hour_n % 101 = 0 THEN NULL ELSE (hour_n * 31) % 400 * 0.25 - 20.5 END AS price,
    CASE WHEN hour_n % 17 = 0 THEN 12.345678 ELSE 0 END AS gap_seconds,
    p.delivery_start_at + version * interval '1 hour' + n * interval '1 microsecond' AS valid_from,
    CASE
        WHEN version = 3 THEN CASE WHEN n % 7 = 0 THEN p.delivery_start_at + interval '9 hours' END
        -- away until the next version comes
        WHEN n % 11 = 0 THEN p.delivery_start_at + (version + 0.5) * interval '1 hour'
        ELSE p.delivery_start_at + (version + 1) * interval '1 hour' + n * interval '1 microsecond'
    END AS valid_to
FROM (SELECT *, row_number() OVER (ORDER BY delivery_start_at) AS hour_n FROM raw.delivery_periods) AS p
CROSS JOIN generate_series(1, 20) AS trader
CROSS JOIN generate_series(1, 3) AS version
CROSS JOIN LATERAL (SELECT hour_n * 20 + trader AS n) AS number;

INSERT INTO curated.pnl_hourly_history
SELECT
    delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh, sell_mwh,
    buy_mwh - sell_mwh,
    trim_scale(round(buy_value_eur::numeric(100, 30) / nullif(buy_mwh, 0), 12)),
    trim_scale(round(sell_value_eur::numeric(100, 30) / nullif(sell_mwh, 0), 12)),
    trim_scale(round((buy_value_eur + sell_value_eur)::numeric(100, 30) / nullif(buy_mwh + sell_mwh, 0), 12)),
    cash_flow_eur, price,
    CASE WHEN price IS NULL THEN 'missing' WHEN valid_to IS NULL THEN 'final' ELSE 'provisional' END,
    pnl_eur, realised_pnl_eur, pnl_eur - realised_pnl_eur,
    trim_scale(round(pnl_eur::numeric(100, 30) / nullif(buy_mwh + sell_mwh, 0), 12)),
    gap_seconds, gap_seconds = 0, valid_from, buy_value_eur, sell_value_eur, valid_from, valid_to
FROM (
    SELECT
        *,
        sell_value_eur - buy_value_eur AS cash_flow_eur,
        sell_value_eur - buy_value_eur + (buy_mwh - sell_mwh) * price AS pnl_eur,
        CASE
            WHEN buy_mwh = 0 OR sell_mwh = 0 THEN 0
            ELSE trim_scale(round(
                (sell_value_eur * buy_mwh - buy_value_eur * sell_mwh)::numeric(100, 30) / greatest(buy_mwh, sell_mwh), 12))
        END AS realised_pnl_eur
    FROM facts
) AS results;

INSERT INTO curated.pnl_hourly
SELECT
    delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh, sell_mwh,
    net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh, cash_flow_eur,
    reference_price_eur_per_mwh, price_status, pnl_eur, realised_pnl_eur, unrealised_pnl_eur, performance_eur_per_mwh,
    capture_gap_seconds, is_complete, built_at, buy_value_eur, sell_value_eur
FROM curated.pnl_hourly_history
WHERE valid_to IS NULL;
