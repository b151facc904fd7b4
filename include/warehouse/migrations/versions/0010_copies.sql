-- ---------------------------------------------------------------- copies that wait for the decision on their batch
-- those that wait already go on waiting; one whose equal is stored and accepted by then is forgotten
ALTER TABLE staging.earlier_copies RENAME TO trade_copies;
ALTER TABLE staging.trade_copies DROP CONSTRAINT earlier_copies_pkey;
ALTER INDEX staging.earlier_copies_load_batch_id RENAME TO trade_copies_load_batch_id;
COMMENT ON TABLE staging.trade_copies IS 'Further copies of stored trades, until their batch is decided on: some count if the stored copy does not';

CREATE TABLE staging.checked_copies (LIKE raw.trades);
COMMENT ON TABLE staging.checked_copies IS 'The copies that count once the batches under validation are accepted; filled by each validation';

-- the one place that says which columns make the content of a trade, and in which order copies were received
CREATE VIEW staging.compared_copies AS
SELECT
    c AS copy,
    c.trade_id, c.load_batch_id, c.received_at, f.landing_file, c.line_number,
    t.load_batch_id AS stored_load_batch_id, s.landing_file AS stored_landing_file, t.line_number AS stored_line_number,
    coalesce(b.state = 'accepted', false) AS is_stored_accepted,
    (c.trader_id, c.direction, c.price_eur_per_mwh, c.quantity_mw, c.delivery_day, c.delivery_hour, c.executed_at)
    IS DISTINCT FROM
    (t.trader_id, t.direction, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day, t.delivery_hour, t.executed_at)
        AS is_other_content,
    (c.received_at, f.landing_file COLLATE "C", c.line_number) < (t.received_at, s.landing_file COLLATE "C", t.line_number)
        AS is_earlier
FROM staging.trade_copies AS c
JOIN ops.landing_files AS f ON f.landing_file_id = c.landing_file_id
LEFT JOIN raw.trades AS t ON t.trade_id = c.trade_id
LEFT JOIN ops.landing_files AS s ON s.landing_file_id = t.landing_file_id
LEFT JOIN ops.load_batches AS b ON b.load_batch_id = t.load_batch_id;
COMMENT ON VIEW staging.compared_copies IS 'Each waiting copy beside the stored copy of its trade; the stored_ columns are NULL if there is none any more';

CREATE FUNCTION staging.trade_message(trade raw.trades) RETURNS text LANGUAGE sql STABLE
RETURN json_build_object('deal_confirmation', json_build_object(
    'id', (trade).trade_id, 'price', (trade).price_eur_per_mwh, 'quantity', (trade).quantity_mw,
    'direction', (trade).direction, 'delivery_day', (trade).delivery_day, 'delivery_hour', (trade).delivery_hour,
    'trader_id', (trade).trader_id, 'execution_time', (trade).executed_at))::text;
COMMENT ON FUNCTION staging.trade_message IS 'A message that says what the row says; the landing file has the one that was received';

-- ---------------------------------------------------------------- what the columns mean now
COMMENT ON TABLE raw.trades IS 'Every trade once. Of copies with equal content the one that was loaded first; where contents differ, the one received first';
COMMENT ON COLUMN raw.trades.received_at IS 'When capture received the copy that was loaded; another copy may have been received earlier';
COMMENT ON COLUMN raw.trades.load_batch_id IS 'The load that brought this copy';
COMMENT ON COLUMN raw.trades.landing_file_id IS 'The landing file that this copy was loaded from';
COMMENT ON COLUMN curated.trades.received_at IS 'When capture received the copy that was loaded; another copy may have been received earlier';
COMMENT ON COLUMN curated.trades.load_batch_id IS 'The load that brought this copy';
COMMENT ON COLUMN curated.trades.landing_file_id IS 'The landing file that this copy was loaded from';
