-- ---------------------------------------------------------------- two decisions on one revision
ALTER TABLE ops.quarantined_trades
    DROP CONSTRAINT quarantined_trades_pkey,
    ADD PRIMARY KEY (market, trade_id, direction, revision, is_unexpected);
COMMENT ON COLUMN ops.quarantined_trades.is_unexpected IS 'The review is of a captured trade that the statement of its day does not have; it holds until a statement has it. false: of what the trade breaks, in a row of its own';

-- Where a decision on an unexpected trade was noted in the row of the quarantine, it was a decision on both
INSERT INTO ops.quarantined_trades (
    market, trade_id, direction, revision, trader_id, price_eur_per_mwh, quantity_mw, delivery_day, delivery_hour,
    expectation, received_at, landing_file_id, line_number, quarantined_at, review, review_reason, reviewed_at
)
SELECT market, trade_id, direction, revision, trader_id, price_eur_per_mwh, quantity_mw, delivery_day, delivery_hour,
       expectation, received_at, landing_file_id, line_number, quarantined_at, review, review_reason, reviewed_at
FROM ops.quarantined_trades
WHERE is_unexpected AND expectation <> 'each captured trade is in the statement of the exchange';
UPDATE ops.quarantined_trades
SET expectation = 'each captured trade is in the statement of the exchange'
WHERE is_unexpected AND expectation <> 'each captured trade is in the statement of the exchange';

-- ---------------------------------------------------------------- the trades of a day, whenever they deliver
-- A few trades with a wrong time must not spoil whole ranges of blocks: hence multi
CREATE INDEX trades_executed ON raw.trades USING brin (coalesce(executed_at, received_at) timestamptz_minmax_multi_ops)
    WITH (autosummarize = on);
CREATE INDEX trade_receipts_received ON raw.trade_receipts USING brin (received_at) WITH (autosummarize = on);
COMMENT ON TABLE raw.trade_receipts IS 'Every confirmation, copies included, of an amendment, a disputed trade or one without a readable time of execution: when a revision was first received decides whether a cancellation without a revision takes it back, and on which day a trade was executed that does not say so';
COMMENT ON FUNCTION staging.first_received_at IS 'When the first copy of a revision that has rows in raw.trade_receipts was received; stored_received_at is that of the stored one';
