-- Of the known trades, those whose content is not that of the stored copy; the rest are plain duplicates
SELECT
    k.line_number,
    format('trade %%s has other content in %%s, line %%s, which counts', k.trade_id, f.landing_file, t.line_number) AS detail
FROM pg_temp.known_trades AS k
JOIN raw.trades AS t USING (trade_id)
JOIN ops.landing_files AS f ON f.landing_file_id = t.landing_file_id
WHERE (k.trader_id, k.direction, k.price_eur_per_mwh, k.quantity_mw, k.delivery_day, k.delivery_hour, k.executed_at)
      IS DISTINCT FROM
      (t.trader_id, t.direction, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day, t.delivery_hour, t.executed_at)
ORDER BY k.line_number
