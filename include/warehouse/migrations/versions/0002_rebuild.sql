-- ---------------------------------------------------------------- first received wins
CREATE TABLE staging.earlier_copies (LIKE raw.trades, PRIMARY KEY (landing_file_id, line_number));
CREATE INDEX earlier_copies_load_batch_id ON staging.earlier_copies (load_batch_id);
COMMENT ON TABLE staging.earlier_copies IS 'Copies of known trades that were received before the copy that was loaded first; each takes its place when its batch is accepted';

-- ---------------------------------------------------------------- reloads and rebuilds
ALTER TABLE ops.load_batches ADD COLUMN is_reload boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN ops.load_batches.is_reload IS 'Its file was loaded again from scratch: until the batch is decided on, PnL of its delivery periods stays as it was';

CREATE TABLE ops.rebuilds (
    rebuild_id text PRIMARY KEY,
    from_day date NOT NULL,
    to_day date NOT NULL CHECK (to_day >= from_day),
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reloaded_at timestamptz,
    done_until date,
    finished_at timestamptz,
    rows_built bigint NOT NULL DEFAULT 0,
    rows_changed bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE ops.rebuilds IS 'Rebuilds of curated.pnl_hourly over a range of delivery days, and how far each got';
COMMENT ON COLUMN ops.rebuilds.rebuild_id IS 'The run that does it; a rerun of the same run goes on where it stopped';
COMMENT ON COLUMN ops.rebuilds.from_day IS 'First delivery day';
COMMENT ON COLUMN ops.rebuilds.to_day IS 'Last delivery day, inclusive';
COMMENT ON COLUMN ops.rebuilds.started_at IS 'When it was asked for first';
COMMENT ON COLUMN ops.rebuilds.reloaded_at IS 'When its landing files had all been loaded again; NULL: not yet, or not asked for';
COMMENT ON COLUMN ops.rebuilds.done_until IS 'Delivery days up to this one are built and published';
COMMENT ON COLUMN ops.rebuilds.finished_at IS 'When the last day was done';
COMMENT ON COLUMN ops.rebuilds.rows_built IS 'Rows computed';
COMMENT ON COLUMN ops.rebuilds.rows_changed IS 'Of these, rows that were new or differed, and rows that went away';

-- ---------------------------------------------------------------- what changed
CREATE VIEW curated.pnl_hourly_changes AS
-- used twice, they would be computed for the whole history before anything is left out
WITH versions AS NOT MATERIALIZED (
    SELECT
        h.*,
        lag(valid_to) OVER version = valid_from AS is_successor,
        lag(trade_count) OVER version AS previous_trade_count,
        lag(buy_mwh) OVER version AS previous_buy_mwh,
        lag(sell_mwh) OVER version AS previous_sell_mwh,
        lag(cash_flow_eur) OVER version AS previous_cash_flow_eur,
        lag(reference_price_eur_per_mwh) OVER version AS previous_reference_price_eur_per_mwh,
        lag(price_status) OVER version AS previous_price_status,
        lag(pnl_eur) OVER version AS previous_pnl_eur,
        lag(capture_gap_seconds) OVER version AS previous_capture_gap_seconds,
        lead(valid_from) OVER version AS next_valid_from
    FROM curated.pnl_hourly_history AS h
    WINDOW version AS (PARTITION BY delivery_day, delivery_hour, trader_id ORDER BY valid_from)
)
SELECT
    valid_from AS changed_at, delivery_day, delivery_hour, trader_id, delivery_start_at,
    CASE WHEN is_successor THEN array_remove(ARRAY[
        CASE WHEN (trade_count, buy_mwh, sell_mwh, cash_flow_eur)
                  IS DISTINCT FROM (previous_trade_count, previous_buy_mwh, previous_sell_mwh, previous_cash_flow_eur)
             THEN CASE WHEN valid_from >= delivery_end_at THEN 'late trades' ELSE 'trades' END END,
        CASE WHEN reference_price_eur_per_mwh IS DISTINCT FROM previous_reference_price_eur_per_mwh
             THEN CASE WHEN previous_price_status = 'final' THEN 'price revision' ELSE 'price' END
             WHEN price_status <> previous_price_status THEN 'price status' END,
        CASE WHEN capture_gap_seconds <> previous_capture_gap_seconds THEN 'completeness' END
    ], NULL) ELSE ARRAY['new row'] END AS causes,
    CASE WHEN is_successor THEN previous_trade_count END AS previous_trade_count, trade_count,
    CASE WHEN is_successor THEN previous_reference_price_eur_per_mwh END AS previous_reference_price_eur_per_mwh,
    reference_price_eur_per_mwh,
    CASE WHEN is_successor THEN previous_price_status END AS previous_price_status, price_status,
    CASE WHEN is_successor THEN previous_pnl_eur END AS previous_pnl_eur, pnl_eur,
    CASE WHEN is_successor THEN pnl_eur - previous_pnl_eur END AS pnl_change_eur
FROM versions
UNION ALL
SELECT
    valid_to, delivery_day, delivery_hour, trader_id, delivery_start_at, ARRAY['row removed'],
    trade_count, NULL, reference_price_eur_per_mwh, NULL, price_status, NULL, pnl_eur, NULL, NULL
FROM versions
WHERE valid_to IS NOT NULL AND next_valid_from IS DISTINCT FROM valid_to;
COMMENT ON VIEW curated.pnl_hourly_changes IS 'What changed in curated.pnl_hourly, when and why: one row a change of a row';
COMMENT ON COLUMN curated.pnl_hourly_changes.changed_at IS 'When the change was published';
COMMENT ON COLUMN curated.pnl_hourly_changes.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN curated.pnl_hourly_changes.delivery_hour IS 'Label as the sources give it, local time';
COMMENT ON COLUMN curated.pnl_hourly_changes.trader_id IS 'Who traded';
COMMENT ON COLUMN curated.pnl_hourly_changes.delivery_start_at IS 'Start of delivery, inclusive';
COMMENT ON COLUMN curated.pnl_hourly_changes.causes IS 'new row, row removed, trades, late trades (published after the end of delivery), price, price revision (of a final price), price status, completeness';
COMMENT ON COLUMN curated.pnl_hourly_changes.previous_trade_count IS 'Number of trades before';
COMMENT ON COLUMN curated.pnl_hourly_changes.trade_count IS 'Number of trades since';
COMMENT ON COLUMN curated.pnl_hourly_changes.previous_reference_price_eur_per_mwh IS 'Reference price before, EUR/MWh';
COMMENT ON COLUMN curated.pnl_hourly_changes.reference_price_eur_per_mwh IS 'Reference price since, EUR/MWh';
COMMENT ON COLUMN curated.pnl_hourly_changes.previous_price_status IS 'final, provisional or missing, before';
COMMENT ON COLUMN curated.pnl_hourly_changes.price_status IS 'final, provisional or missing, since';
COMMENT ON COLUMN curated.pnl_hourly_changes.previous_pnl_eur IS 'PnL before, EUR; NULL: there was no price or no row';
COMMENT ON COLUMN curated.pnl_hourly_changes.pnl_eur IS 'PnL since, EUR; NULL: there is no price or no row';
COMMENT ON COLUMN curated.pnl_hourly_changes.pnl_change_eur IS 'pnl_eur - previous_pnl_eur, EUR; NULL where one of the two is';

COMMENT ON TABLE raw.trades IS 'Every trade once, the copy that was received first; curated.trades shows those that count';
COMMENT ON COLUMN ops.load_batches.duplicate_count IS 'Lines with a trade of which another copy, with the same content, counts';
COMMENT ON COLUMN ops.landing_files.duplicate_count IS 'Lines with a trade of which another copy, with the same content, counts';
COMMENT ON TABLE ops.landing_scans IS 'Up to when all landing files are loaded: what no file proves by then was not captured';
COMMENT ON COLUMN ops.landing_scans.scanned_at IS 'When all landing files were last looked through and nothing was left to load';
