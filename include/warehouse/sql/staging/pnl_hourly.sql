-- PnL of the periods of a build, from the trades and prices that count; include/domain/pnl.py says the same in Python.
-- Sums and products are exact; a ratio has one division, 30 decimals, rounded half up to 12.
-- Each part is materialized: the planner cannot know how few rows it has and would compute it again for each trader.
INSERT INTO staging.pnl_hourly (
    build_id, delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count,
    buy_mwh, sell_mwh, net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh,
    cash_flow_eur, reference_price_eur_per_mwh, price_status, pnl_eur, realised_pnl_eur, unrealised_pnl_eur,
    performance_eur_per_mwh, capture_gap_seconds, is_complete, buy_value_eur, sell_value_eur
)
WITH wanted AS MATERIALIZED (
    SELECT p.*
    FROM unnest(%(delivery_days)s::date[], %(delivery_hours)s::text[]) AS w (delivery_day, delivery_hour)
    JOIN raw.delivery_periods AS p USING (delivery_day, delivery_hour)
), gaps AS MATERIALIZED (
    SELECT gap_start_at, gap_end_at FROM ops.capture_gaps
), completeness AS MATERIALIZED (
    SELECT
        w.delivery_day, w.delivery_hour,
        -- the filter is for periods without any gap: least and greatest pass over a NULL
        coalesce(sum(extract(epoch FROM least(g.gap_end_at, w.tradable_until)
                                        - greatest(g.gap_start_at, w.tradable_from)))
                 FILTER (WHERE g.gap_start_at IS NOT NULL), 0) AS capture_gap_seconds
    FROM wanted AS w
    LEFT JOIN gaps AS g ON g.gap_start_at < w.tradable_until AND g.gap_end_at > w.tradable_from
    GROUP BY w.delivery_day, w.delivery_hour
), prices AS MATERIALIZED (
    -- asked for each period by itself: the view would else sort every observation there ever was
    SELECT w.delivery_day, w.delivery_hour, r.price_eur_per_mwh, r.price_status
    FROM wanted AS w
    CROSS JOIN LATERAL (
        SELECT c.price_eur_per_mwh, c.price_status
        FROM curated.reference_prices AS c
        WHERE c.delivery_day = w.delivery_day AND c.delivery_hour = w.delivery_hour
    ) AS r
), sums AS MATERIALIZED (
    SELECT
        delivery_day, delivery_hour, trader_id,
        sum(trade_count)::bigint AS trade_count,
        coalesce(sum(quantity_mw) FILTER (WHERE direction = 'buy'), 0) AS buy_mw,
        coalesce(sum(quantity_mw) FILTER (WHERE direction = 'sell'), 0) AS sell_mw,
        coalesce(sum(value_eur_per_hour) FILTER (WHERE direction = 'buy'), 0) AS buy_value_per_hour,
        coalesce(sum(value_eur_per_hour) FILTER (WHERE direction = 'sell'), 0) AS sell_value_per_hour
    FROM pg_temp.pnl_sums
    GROUP BY delivery_day, delivery_hour, trader_id
), positions AS (
    SELECT
        w.delivery_start_at, w.delivery_end_at,
        s.delivery_day, s.delivery_hour, s.trader_id, s.trade_count,
        s.buy_mw * w.delivery_hours AS buy_mwh,
        s.sell_mw * w.delivery_hours AS sell_mwh,
        s.buy_value_per_hour * w.delivery_hours AS buy_value_eur,
        s.sell_value_per_hour * w.delivery_hours AS sell_value_eur,
        r.price_eur_per_mwh AS reference_price_eur_per_mwh,
        coalesce(r.price_status, 'missing') AS price_status,
        c.capture_gap_seconds
    FROM sums AS s
    JOIN wanted AS w USING (delivery_day, delivery_hour)
    JOIN completeness AS c USING (delivery_day, delivery_hour)
    LEFT JOIN prices AS r USING (delivery_day, delivery_hour)
), results AS (
    SELECT
        *,
        sell_value_eur - buy_value_eur AS cash_flow_eur,
        buy_mwh - sell_mwh AS net_position_mwh,
        sell_value_eur - buy_value_eur + (buy_mwh - sell_mwh) * reference_price_eur_per_mwh AS pnl_eur,
        CASE
            WHEN buy_mwh = 0 OR sell_mwh = 0 THEN 0
            ELSE trim_scale(round(
                (sell_value_eur * buy_mwh - buy_value_eur * sell_mwh)::numeric(100, 30) / greatest(buy_mwh, sell_mwh), 12))
        END AS realised_pnl_eur
    FROM positions
)
SELECT
    %(build_id)s, delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count,
    buy_mwh, sell_mwh, net_position_mwh,
    trim_scale(round(buy_value_eur::numeric(100, 30) / nullif(buy_mwh, 0), 12)),
    trim_scale(round(sell_value_eur::numeric(100, 30) / nullif(sell_mwh, 0), 12)),
    trim_scale(round((buy_value_eur + sell_value_eur)::numeric(100, 30) / nullif(buy_mwh + sell_mwh, 0), 12)),
    cash_flow_eur, reference_price_eur_per_mwh, price_status, pnl_eur,
    realised_pnl_eur, pnl_eur - realised_pnl_eur,
    trim_scale(round(pnl_eur::numeric(100, 30) / nullif(buy_mwh + sell_mwh, 0), 12)),
    capture_gap_seconds, capture_gap_seconds = 0, buy_value_eur, sell_value_eur
FROM results
