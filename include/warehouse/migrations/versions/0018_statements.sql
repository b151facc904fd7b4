-- No build may be under way: the key of PNL_INPUTS in include/warehouse/locks.py
SELECT pg_advisory_xact_lock(7301003);

-- ---------------------------------------------------------------- a third source
ALTER TABLE ops.landing_files
    DROP CONSTRAINT landing_files_source_check,
    ADD CONSTRAINT landing_files_source_check CHECK (source IN ('trades', 'reference_prices', 'statements'));
ALTER TABLE ops.load_batches
    DROP CONSTRAINT load_batches_source_check,
    ADD CONSTRAINT load_batches_source_check CHECK (source IN ('trades', 'reference_prices', 'statements'));
ALTER TABLE ops.rejected_messages
    DROP CONSTRAINT rejected_messages_source_check,
    ADD CONSTRAINT rejected_messages_source_check CHECK (source IN ('trades', 'reference_prices', 'statements'));
COMMENT ON COLUMN ops.landing_files.source IS 'trades, reference_prices or statements';
COMMENT ON COLUMN ops.landing_files.hour_start_at IS 'UTC hour of receipt, from the path; of a statement the hour in which it was landed';
COMMENT ON COLUMN ops.landing_files.loaded_count IS 'Lines that became a row of raw.trades, raw.trade_cancellations, raw.reference_prices or raw.statement_trades';
COMMENT ON COLUMN ops.landing_files.event_count IS 'Lines of the journal: connections, heartbeats, failed requests; of a statement its header, comments and blank lines';
COMMENT ON COLUMN ops.load_batches.source IS 'trades, reference_prices or statements';
COMMENT ON COLUMN ops.load_batches.loaded_count IS 'Lines that became a row of raw.trades, raw.trade_cancellations, raw.reference_prices or raw.statement_trades';
COMMENT ON COLUMN ops.load_batches.is_reload IS 'Its file was loaded again from scratch, or its rows of raw.trades changed since they were validated: until the batch is decided on, PnL of its delivery periods stays as it was';
COMMENT ON COLUMN ops.rejected_messages.source IS 'trades, reference_prices or statements';
COMMENT ON COLUMN ops.pending_delivery_periods.cause IS 'trades, reference_prices, capture_gaps, reload, rerun, review or statement';

CREATE TABLE raw.statement_trades (
    market text COLLATE "C" NOT NULL,
    statement_day date NOT NULL,
    trade_id text COLLATE "C" NOT NULL,
    direction text COLLATE "C" NOT NULL,
    trader_id text COLLATE "C",
    price_eur_per_mwh numeric NOT NULL,
    quantity_mw numeric NOT NULL,
    delivery_day date NOT NULL,
    delivery_hour text COLLATE "C" NOT NULL,
    executed_at timestamptz,
    landing_file_id bigint NOT NULL,
    line_number bigint NOT NULL,
    load_batch_id bigint NOT NULL,
    PRIMARY KEY (market, trade_id, direction, landing_file_id)
);
CREATE INDEX statement_trades_file ON raw.statement_trades USING brin (landing_file_id, load_batch_id) WITH (autosummarize = on);
COMMENT ON TABLE raw.statement_trades IS 'Every trade of every statement of the exchange (its end-of-day file), also of those that another one of the same day replaced';
COMMENT ON COLUMN raw.statement_trades.market IS 'The market';
COMMENT ON COLUMN raw.statement_trades.statement_day IS 'Local day of the market on which the trades of the statement were executed';
COMMENT ON COLUMN raw.statement_trades.trade_id IS 'The exchange''s id';
COMMENT ON COLUMN raw.statement_trades.direction IS 'buy or sell';
COMMENT ON COLUMN raw.statement_trades.trader_id IS 'Who traded; NULL: the statement does not say';
COMMENT ON COLUMN raw.statement_trades.price_eur_per_mwh IS 'Price, EUR/MWh';
COMMENT ON COLUMN raw.statement_trades.quantity_mw IS 'Power, MW';
COMMENT ON COLUMN raw.statement_trades.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN raw.statement_trades.delivery_hour IS 'Canonical label of the delivery period, local time: 15-16, 15:00-15:15, 08-20';
COMMENT ON COLUMN raw.statement_trades.executed_at IS 'Execution time; NULL: it cannot be read';
COMMENT ON COLUMN raw.statement_trades.landing_file_id IS 'The landing file of the statement';
COMMENT ON COLUMN raw.statement_trades.line_number IS 'The line in that file, from 1';
COMMENT ON COLUMN raw.statement_trades.load_batch_id IS 'The load that brought it';

CREATE TABLE ops.statements (
    market text COLLATE "C" NOT NULL,
    statement_day date NOT NULL,
    landing_file_id bigint NOT NULL REFERENCES ops.landing_files,
    landed_at timestamptz NOT NULL,
    covered_from timestamptz NOT NULL,
    covered_until timestamptz NOT NULL CHECK (covered_until > covered_from),
    trade_count bigint NOT NULL,
    energy_mwh numeric NOT NULL,
    cash_flow_eur numeric NOT NULL,
    reconciled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (market, statement_day)
);
COMMENT ON TABLE ops.statements IS 'The statement that stands for each day: of several the one that was landed last';
COMMENT ON COLUMN ops.statements.market IS 'The market';
COMMENT ON COLUMN ops.statements.statement_day IS 'Local day of the market on which its trades were executed';
COMMENT ON COLUMN ops.statements.landing_file_id IS 'Its landing file';
COMMENT ON COLUMN ops.statements.landed_at IS 'When it was landed';
COMMENT ON COLUMN ops.statements.covered_from IS 'Start of that day';
COMMENT ON COLUMN ops.statements.covered_until IS 'Start of the next day';
COMMENT ON COLUMN ops.statements.trade_count IS 'Its trades';
COMMENT ON COLUMN ops.statements.energy_mwh IS 'Their energy, MWh';
COMMENT ON COLUMN ops.statements.cash_flow_eur IS 'Their income from sells less cost of buys, EUR';
COMMENT ON COLUMN ops.statements.reconciled_at IS 'When it was last compared with all that was captured';

CREATE TABLE ops.reconciliation_differences (
    market text COLLATE "C" NOT NULL,
    statement_day date NOT NULL,
    trade_id text COLLATE "C" NOT NULL,
    direction text COLLATE "C" NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('missing', 'differs', 'unexpected')),
    captured_revision integer,
    captured_trader_id text COLLATE "C",
    captured_price_eur_per_mwh numeric,
    captured_quantity_mw numeric,
    captured_delivery_day date,
    captured_delivery_hour text COLLATE "C",
    statement_trader_id text COLLATE "C",
    statement_price_eur_per_mwh numeric,
    statement_quantity_mw numeric,
    statement_delivery_day date,
    statement_delivery_hour text COLLATE "C",
    landing_file_id bigint NOT NULL,
    line_number bigint NOT NULL,
    PRIMARY KEY (market, trade_id, direction)
);
CREATE INDEX reconciliation_differences_day ON ops.reconciliation_differences (market, statement_day);
COMMENT ON TABLE ops.reconciliation_differences IS 'Trades in which the statement of a day differs from what was captured: one row a trade that is not matched';
COMMENT ON COLUMN ops.reconciliation_differences.market IS 'The market';
COMMENT ON COLUMN ops.reconciliation_differences.statement_day IS 'The day of the statement; of an unexpected trade the day on which it was executed';
COMMENT ON COLUMN ops.reconciliation_differences.trade_id IS 'The exchange''s id';
COMMENT ON COLUMN ops.reconciliation_differences.direction IS 'buy or sell';
COMMENT ON COLUMN ops.reconciliation_differences.outcome IS 'missing: not captured, added; differs: captured with other content, changed; unexpected: captured, counts, and no statement has it';
COMMENT ON COLUMN ops.reconciliation_differences.captured_revision IS 'Revision that was captured; NULL: none was';
COMMENT ON COLUMN ops.reconciliation_differences.captured_trader_id IS 'Who traded, as captured';
COMMENT ON COLUMN ops.reconciliation_differences.captured_price_eur_per_mwh IS 'Price as captured, EUR/MWh';
COMMENT ON COLUMN ops.reconciliation_differences.captured_quantity_mw IS 'Power as captured, MW';
COMMENT ON COLUMN ops.reconciliation_differences.captured_delivery_day IS 'Delivery day as captured';
COMMENT ON COLUMN ops.reconciliation_differences.captured_delivery_hour IS 'Label of the delivery period as captured';
COMMENT ON COLUMN ops.reconciliation_differences.statement_trader_id IS 'Who traded, by the statement; NULL: it does not say';
COMMENT ON COLUMN ops.reconciliation_differences.statement_price_eur_per_mwh IS 'Price by the statement, EUR/MWh; NULL: it does not have the trade';
COMMENT ON COLUMN ops.reconciliation_differences.statement_quantity_mw IS 'Power by the statement, MW';
COMMENT ON COLUMN ops.reconciliation_differences.statement_delivery_day IS 'Delivery day by the statement';
COMMENT ON COLUMN ops.reconciliation_differences.statement_delivery_hour IS 'Label of the delivery period by the statement';
COMMENT ON COLUMN ops.reconciliation_differences.landing_file_id IS 'Landing file of the statement; of an unexpected trade that of its message';
COMMENT ON COLUMN ops.reconciliation_differences.line_number IS 'The line in that file, from 1';

-- ---------------------------------------------------------------- which trades count
DROP INDEX raw.trades_amendments;
CREATE INDEX trades_amendments ON raw.trades (market, trade_id, direction, revision) WHERE revision <> 0;
COMMENT ON TABLE raw.trades IS 'Every revision of every trade once, and what statements of the exchange say instead (revision -1). Of copies with equal content the one that was loaded first; where contents differ, the one received first';
COMMENT ON COLUMN raw.trades.trader_id IS 'Who traded; unassigned: only a statement has the trade, and it does not say';
COMMENT ON COLUMN raw.trades.revision IS 'Revision of the trade, 0 if the exchange names none; the highest counts. -1: what a statement of the exchange says, where it was not captured like that';
COMMENT ON COLUMN raw.trades.received_at IS 'When capture received it; of revision -1 when the statement was landed';

-- SECURITY DEFINER: analyst reads views that call these functions, and none of the tables that they read
CREATE FUNCTION staging.first_received_at(
    of_market text, of_trade_id text, of_direction text, of_revision integer, stored_received_at timestamptz
) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE COST 1
RETURN least(stored_received_at, (
    SELECT min(c.received_at)
    FROM raw.trade_receipts AS c
    WHERE (c.market, c.trade_id, c.direction, c.revision) = (of_market, of_trade_id, of_direction, of_revision)
      AND c.load_batch_id NOT IN (SELECT load_batch_id FROM staging.undecided_batches)));
COMMENT ON FUNCTION staging.first_received_at IS 'When the first copy of an amendment was received; stored_received_at is that of the stored one';

-- What the statement says gives way to an amendment that was received after it was landed. The second copy of the
-- original message is no news, whenever it was received.
CREATE OR REPLACE VIEW staging.latest_trades AS
SELECT t.*
FROM staging.standing_trades AS t
WHERE NOT EXISTS (
    SELECT FROM staging.standing_trades AS a
    WHERE a.revision > 0 AND a.revision > t.revision
      AND (a.market, a.trade_id, a.direction) = (t.market, t.trade_id, t.direction)
      AND (t.revision >= 0
           OR staging.first_received_at(a.market, a.trade_id, a.direction, a.revision, a.received_at) > t.received_at))
  AND NOT EXISTS (
    SELECT FROM staging.standing_trades AS s
    WHERE s.revision = -1 AND t.revision >= 0
      AND (s.market, s.trade_id, s.direction) = (t.market, t.trade_id, t.direction)
      AND NOT EXISTS (
          SELECT FROM staging.standing_trades AS a
          WHERE a.revision > 0
            AND (a.market, a.trade_id, a.direction) = (s.market, s.trade_id, s.direction)
            AND staging.first_received_at(a.market, a.trade_id, a.direction, a.revision, a.received_at) > s.received_at));
COMMENT ON VIEW staging.latest_trades IS 'What may count of each trade, cancelled or not: the highest revision, or what a statement says instead';

CREATE FUNCTION staging.cancels(
    cancellation staging.cancellations, of_market text, of_trade_id text, of_direction text, of_revision integer,
    stored_received_at timestamptz
) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE COST 1
RETURN (cancellation.direction IS NULL OR cancellation.direction = of_direction)
    AND CASE
        WHEN cancellation.revision IS NOT NULL THEN cancellation.revision >= of_revision
        WHEN of_revision = 0 THEN true
        ELSE staging.first_received_at(of_market, of_trade_id, of_direction, of_revision, stored_received_at)
             <= cancellation.received_at
    END;
COMMENT ON FUNCTION staging.cancels IS 'Whether a cancellation with the id of a trade takes back this captured revision of it';

CREATE OR REPLACE FUNCTION staging.takes_back(cancellation staging.cancellations, trade staging.latest_trades) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE COST 1
RETURN CASE
    WHEN trade.revision >= 0 THEN staging.cancels(
        cancellation, trade.market, trade.trade_id, trade.direction, trade.revision, trade.received_at)
    ELSE coalesce((
        SELECT staging.cancels(cancellation, s.market, s.trade_id, s.direction, s.revision, s.received_at)
        FROM staging.standing_trades AS s
        WHERE (s.market, s.trade_id, s.direction) = (trade.market, trade.trade_id, trade.direction) AND s.revision >= 0
        ORDER BY s.revision DESC
        LIMIT 1
    ), cancellation.direction IS NULL OR cancellation.direction = trade.direction)
END;
COMMENT ON FUNCTION staging.takes_back IS 'Whether a cancellation with the id of a trade takes it back; what a statement says is taken back with the captured revision that would count, or by any cancellation if there is none';

CREATE OR REPLACE VIEW curated.trades AS
SELECT
    t.market, t.trade_id, t.direction, t.revision, t.trader_id, t.price_eur_per_mwh, t.quantity_mw,
    t.quantity_mw * p.delivery_hours AS energy_mwh,
    t.delivery_day, t.delivery_hour, t.delivery_start_at, t.delivery_end_at, t.executed_at, t.received_at,
    t.is_disputed, t.load_batch_id, t.landing_file_id, t.line_number,
    CASE WHEN t.revision = -1 THEN 'statement' ELSE 'stream' END AS source
FROM staging.latest_trades AS t
JOIN raw.delivery_periods AS p USING (market, delivery_day, delivery_hour)
WHERE NOT EXISTS (
    SELECT FROM staging.cancellations AS c
    WHERE (c.market, c.trade_id) = (t.market, t.trade_id) AND staging.takes_back(c, t));
COMMENT ON VIEW curated.trades IS 'The trades that count: the highest revision of each, or what a statement of the exchange says instead, unless it is cancelled or in quarantine';
COMMENT ON COLUMN curated.trades.trader_id IS 'Who traded; unassigned: only a statement has the trade, and it does not say';
COMMENT ON COLUMN curated.trades.revision IS 'Revision of the trade, 0 if the exchange names none; -1: from a statement of the exchange';
COMMENT ON COLUMN curated.trades.received_at IS 'When capture received it; of a trade from a statement when that was landed';
COMMENT ON COLUMN curated.trades.source IS 'stream: captured; statement: it was not captured, or otherwise, and is as the exchange''s end-of-day file says';

CREATE OR REPLACE VIEW curated.cancelled_trades AS
SELECT
    t.market, t.trade_id, t.direction, t.revision, t.trader_id, t.price_eur_per_mwh, t.quantity_mw,
    t.quantity_mw * p.delivery_hours AS energy_mwh,
    t.delivery_day, t.delivery_hour, t.delivery_start_at, t.delivery_end_at, t.executed_at, t.received_at,
    c.cancelled_at, t.load_batch_id, t.landing_file_id, t.line_number,
    CASE WHEN t.revision = -1 THEN 'statement' ELSE 'stream' END AS source
FROM staging.latest_trades AS t
JOIN raw.delivery_periods AS p USING (market, delivery_day, delivery_hour)
JOIN LATERAL (
    SELECT min(c.received_at) AS cancelled_at
    FROM staging.cancellations AS c
    WHERE (c.market, c.trade_id) = (t.market, t.trade_id) AND staging.takes_back(c, t)
) AS c ON c.cancelled_at IS NOT NULL
WHERE EXISTS (SELECT FROM raw.trade_cancellations AS r WHERE (r.market, r.trade_id) = (t.market, t.trade_id));
COMMENT ON COLUMN curated.cancelled_trades.trader_id IS 'Who traded; unassigned: only a statement has the trade, and it does not say';
COMMENT ON COLUMN curated.cancelled_trades.revision IS 'Revision of the trade, 0 if the exchange names none; -1: from a statement of the exchange';
COMMENT ON COLUMN curated.cancelled_trades.received_at IS 'When capture received it; of a trade from a statement when that was landed';
COMMENT ON COLUMN curated.cancelled_trades.source IS 'stream: captured; statement: as the exchange''s end-of-day file says';

-- ---------------------------------------------------------------- what waits for a review
ALTER TABLE ops.quarantined_trades ADD COLUMN is_unexpected boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN ops.quarantined_trades.is_unexpected IS 'The review is of a captured trade that the statement of its day does not have; it holds until a statement has it';
COMMENT ON COLUMN ops.quarantined_trades.revision IS 'Revision of the trade; -1: from a statement of the exchange';
COMMENT ON TABLE ops.quarantined_trades IS 'Trades that break a critical expectation; they count only once a person accepts them. Of unexpected trades, which count until they are discarded, it has those that were reviewed';
CREATE OR REPLACE VIEW ops.review_queue AS
SELECT
    m.market, m.problem, m.reason, m.trade_id, m.direction, m.revision, m.delivery_day, m.delivery_hours,
    -- a line that capture did not write says nothing of its receipt
    coalesce(m.received_at, f.hour_start_at) AS received_at,
    m.landing_file_id, f.landing_file, f.hour_start_at, m.line_number, f.source
FROM (
    SELECT q.market, 'quarantined' AS problem, q.expectation AS reason, q.trade_id, q.direction, q.revision,
           q.delivery_day,
           ARRAY(SELECT h.pnl_hour FROM raw.period_hours AS h
                 WHERE (h.market, h.delivery_day, h.delivery_hour) = (q.market, q.delivery_day, q.delivery_hour))
               AS delivery_hours,
           q.received_at, q.landing_file_id, q.line_number
    FROM ops.quarantined_trades AS q
    WHERE q.review IS NULL
    UNION ALL
    SELECT market, 'rejected', reason_code, NULL, NULL, NULL, delivery_day, delivery_hours, received_at,
           landing_file_id, line_number
    FROM ops.rejected_messages
    WHERE review IS NULL AND source = 'trades' AND reason_code <> 'torn_line'
    UNION ALL
    -- of the statement that stands; a torn line of it may be a trade
    SELECT market, 'rejected', reason_code, NULL, NULL, NULL, delivery_day, delivery_hours, received_at,
           landing_file_id, line_number
    FROM ops.rejected_messages
    WHERE review IS NULL AND source = 'statements' AND landing_file_id IN (SELECT landing_file_id FROM ops.statements)
) AS m
JOIN ops.landing_files AS f USING (landing_file_id);
COMMENT ON VIEW ops.review_queue IS 'Messages and lines of statements that did not become trades that count, and that nobody has reviewed: one row each. Torn lines of captured files are no messages';
COMMENT ON COLUMN ops.review_queue.revision IS 'Revision of the trade, -1: from a statement; NULL for a reject';
COMMENT ON COLUMN ops.review_queue.source IS 'trades: a message; statements: a line of a statement';

CREATE OR REPLACE VIEW ops.unreviewed_messages AS
SELECT market, delivery_day, unnest(delivery_hours) AS delivery_hour, problem, reason, received_at, landing_file_id,
       line_number
FROM ops.review_queue
WHERE delivery_hours IS NOT NULL AND (source = 'trades' OR problem = 'quarantined')
UNION ALL
SELECT q.market, h.delivery_day, h.delivery_hour, q.problem, q.reason, q.received_at, q.landing_file_id, q.line_number
FROM ops.review_queue AS q
CROSS JOIN LATERAL staging.hours_tradable_at(q.market, q.received_at) AS h
WHERE q.delivery_hours IS NULL AND q.source = 'trades';

-- ---------------------------------------------------------------- reconciliations
CREATE VIEW ops.reconciliations AS
SELECT
    s.market, s.statement_day,
    CASE WHEN r.unreviewed_count > 0 THEN 'rejects'
         WHEN d.unreviewed_count > 0 THEN 'differences'
         ELSE 'reconciled' END AS state,
    f.landing_file, s.landed_at, s.reconciled_at, s.covered_from, s.covered_until,
    f.line_count, f.rejected_count, r.unreviewed_count AS unreviewed_reject_count,
    -- what is matched is the same on both sides
    s.trade_count - d.missing_count + d.unexpected_count AS captured_count,
    s.energy_mwh - d.missing_mwh - d.differs_mwh + d.differs_captured_mwh + d.unexpected_mwh AS captured_mwh,
    s.cash_flow_eur - d.missing_eur - d.differs_eur + d.differs_captured_eur + d.unexpected_eur AS captured_cash_flow_eur,
    s.trade_count AS statement_count, s.energy_mwh AS statement_mwh, s.cash_flow_eur AS statement_cash_flow_eur,
    s.trade_count - d.missing_count - d.differs_count AS matched_count,
    s.energy_mwh - d.missing_mwh - d.differs_mwh AS matched_mwh,
    s.cash_flow_eur - d.missing_eur - d.differs_eur AS matched_cash_flow_eur,
    d.missing_count, d.missing_mwh, d.missing_eur AS missing_cash_flow_eur,
    d.differs_count, d.differs_mwh, d.differs_eur AS differs_cash_flow_eur,
    d.unexpected_count, d.unexpected_mwh, d.unexpected_eur AS unexpected_cash_flow_eur,
    d.unreviewed_count AS unreviewed_unexpected_count
FROM ops.statements AS s
JOIN ops.landing_files AS f USING (landing_file_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS unreviewed_count
    FROM ops.rejected_messages AS m
    WHERE m.landing_file_id = s.landing_file_id AND m.review IS NULL
) AS r
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE outcome = 'missing') AS missing_count,
        coalesce(sum(statement_mwh) FILTER (WHERE outcome = 'missing'), 0) AS missing_mwh,
        coalesce(sum(statement_eur) FILTER (WHERE outcome = 'missing'), 0) AS missing_eur,
        count(*) FILTER (WHERE outcome = 'differs') AS differs_count,
        coalesce(sum(statement_mwh) FILTER (WHERE outcome = 'differs'), 0) AS differs_mwh,
        coalesce(sum(statement_eur) FILTER (WHERE outcome = 'differs'), 0) AS differs_eur,
        coalesce(sum(captured_mwh) FILTER (WHERE outcome = 'differs'), 0) AS differs_captured_mwh,
        coalesce(sum(captured_eur) FILTER (WHERE outcome = 'differs'), 0) AS differs_captured_eur,
        count(*) FILTER (WHERE outcome = 'unexpected') AS unexpected_count,
        coalesce(sum(captured_mwh) FILTER (WHERE outcome = 'unexpected'), 0) AS unexpected_mwh,
        coalesce(sum(captured_eur) FILTER (WHERE outcome = 'unexpected'), 0) AS unexpected_eur,
        count(*) FILTER (WHERE outcome = 'unexpected' AND NOT is_reviewed) AS unreviewed_count
    FROM (
        SELECT
            e.outcome,
            e.statement_quantity_mw * sp.delivery_hours AS statement_mwh,
            e.statement_quantity_mw * sp.delivery_hours * e.statement_price_eur_per_mwh
                * CASE e.direction WHEN 'sell' THEN 1 ELSE -1 END AS statement_eur,
            e.captured_quantity_mw * cp.delivery_hours AS captured_mwh,
            e.captured_quantity_mw * cp.delivery_hours * e.captured_price_eur_per_mwh
                * CASE e.direction WHEN 'sell' THEN 1 ELSE -1 END AS captured_eur,
            EXISTS (
                SELECT FROM ops.quarantined_trades AS q
                WHERE (q.market, q.trade_id, q.direction, q.revision)
                      = (e.market, e.trade_id, e.direction, e.captured_revision)
                  AND q.review IS NOT NULL AND q.is_unexpected
            ) AS is_reviewed
        FROM ops.reconciliation_differences AS e
        LEFT JOIN raw.delivery_periods AS sp
            ON (sp.market, sp.delivery_day, sp.delivery_hour) = (e.market, e.statement_delivery_day, e.statement_delivery_hour)
        LEFT JOIN raw.delivery_periods AS cp
            ON (cp.market, cp.delivery_day, cp.delivery_hour) = (e.market, e.captured_delivery_day, e.captured_delivery_hour)
        WHERE (e.market, e.statement_day) = (s.market, s.statement_day)
    ) AS differences
) AS d;
COMMENT ON VIEW ops.reconciliations IS 'Each day of which the exchange''s statement is loaded: what was captured beside what the statement says. captured = matched + differs (as captured) + unexpected; statement = matched + differs + missing; cancelled trades are in both';
COMMENT ON COLUMN ops.reconciliations.market IS 'The market';
COMMENT ON COLUMN ops.reconciliations.statement_day IS 'Local day of the market on which the trades were executed';
COMMENT ON COLUMN ops.reconciliations.state IS 'reconciled: it closes the capture gaps of the day; differences: unexpected trades wait for a review; rejects: lines of the statement cannot be read and wait for a review';
COMMENT ON COLUMN ops.reconciliations.landing_file IS 'Landing file of the statement, below LANDING_ROOT';
COMMENT ON COLUMN ops.reconciliations.landed_at IS 'When the statement was landed';
COMMENT ON COLUMN ops.reconciliations.reconciled_at IS 'When the whole day was last compared';
COMMENT ON COLUMN ops.reconciliations.covered_from IS 'Start of the day';
COMMENT ON COLUMN ops.reconciliations.covered_until IS 'Start of the next day';
COMMENT ON COLUMN ops.reconciliations.line_count IS 'Lines of the statement';
COMMENT ON COLUMN ops.reconciliations.rejected_count IS 'Of these, lines that cannot be used';
COMMENT ON COLUMN ops.reconciliations.unreviewed_reject_count IS 'Of these, lines that nobody has reviewed';
COMMENT ON COLUMN ops.reconciliations.captured_count IS 'Trades that were captured';
COMMENT ON COLUMN ops.reconciliations.captured_mwh IS 'Their energy, MWh';
COMMENT ON COLUMN ops.reconciliations.captured_cash_flow_eur IS 'Their income from sells less cost of buys, EUR';
COMMENT ON COLUMN ops.reconciliations.statement_count IS 'Trades of the statement';
COMMENT ON COLUMN ops.reconciliations.statement_mwh IS 'Their energy, MWh';
COMMENT ON COLUMN ops.reconciliations.statement_cash_flow_eur IS 'Their income from sells less cost of buys, EUR';
COMMENT ON COLUMN ops.reconciliations.matched_count IS 'Trades that were captured as the statement says';
COMMENT ON COLUMN ops.reconciliations.matched_mwh IS 'Their energy, MWh';
COMMENT ON COLUMN ops.reconciliations.matched_cash_flow_eur IS 'Their income from sells less cost of buys, EUR';
COMMENT ON COLUMN ops.reconciliations.missing_count IS 'Trades that were not captured and are added';
COMMENT ON COLUMN ops.reconciliations.missing_mwh IS 'Their energy, MWh';
COMMENT ON COLUMN ops.reconciliations.missing_cash_flow_eur IS 'Their income from sells less cost of buys, EUR';
COMMENT ON COLUMN ops.reconciliations.differs_count IS 'Trades that were captured with other content and are changed';
COMMENT ON COLUMN ops.reconciliations.differs_mwh IS 'Their energy by the statement, MWh';
COMMENT ON COLUMN ops.reconciliations.differs_cash_flow_eur IS 'Their income from sells less cost of buys by the statement, EUR';
COMMENT ON COLUMN ops.reconciliations.unexpected_count IS 'Trades that were captured, count (or were discarded by a review) and are in no statement';
COMMENT ON COLUMN ops.reconciliations.unexpected_mwh IS 'Their energy, MWh';
COMMENT ON COLUMN ops.reconciliations.unexpected_cash_flow_eur IS 'Their income from sells less cost of buys, EUR';
COMMENT ON COLUMN ops.reconciliations.unreviewed_unexpected_count IS 'Unexpected trades that nobody has reviewed';

-- ---------------------------------------------------------------- gaps
CREATE VIEW staging.connection_gaps AS
WITH known AS (
    SELECT
        (SELECT min(tradable_from) FROM raw.delivery_periods) AS first_needed_at,
        min(connected_from) AS first_connected_at,
        max(connected_until) AS last_connected_at,
        (SELECT scanned_at FROM ops.landing_scans WHERE source = 'trades') AS scanned_at
    FROM ops.connected_intervals
), span AS (
    -- a proof of life comes every 10 s: silence counts as a gap once three are missing
    SELECT
        least(first_needed_at, first_connected_at) AS known_from,
        CASE WHEN last_connected_at IS NULL OR scanned_at - last_connected_at > interval '30 seconds'
             THEN scanned_at ELSE last_connected_at END AS known_until,
        last_connected_at
    FROM known
), gaps AS (
    SELECT unnest(
        tstzmultirange(tstzrange(known_from, greatest(known_from, known_until)))
        - coalesce((SELECT range_agg(tstzrange(connected_from, connected_until)) FROM ops.connected_intervals),
                   '{}'::tstzmultirange)
    ) AS gap, last_connected_at
    FROM span
    WHERE known_from IS NOT NULL AND known_until IS NOT NULL
)
SELECT
    lower(gap) AS gap_start_at,
    upper(gap) AS gap_end_at,
    coalesce(lower(gap) >= last_connected_at, true) AS is_ongoing
FROM gaps
WHERE NOT isempty(gap);
COMMENT ON VIEW staging.connection_gaps IS 'When no capture instance was connected, as far as the landing files are known';

CREATE OR REPLACE VIEW ops.capture_gaps AS
WITH reconciled AS MATERIALIZED (
    SELECT coalesce(range_agg(tstzrange(covered_from, covered_until)), '{}'::tstzmultirange) AS spans
    FROM ops.reconciliations
    WHERE state = 'reconciled'
)
SELECT
    lower(gap) AS gap_start_at,
    upper(gap) AS gap_end_at,
    extract(epoch FROM upper(gap) - lower(gap)) AS gap_seconds,
    c.is_ongoing AND upper(gap) = c.gap_end_at AS is_ongoing
FROM staging.connection_gaps AS c
CROSS JOIN reconciled AS r
CROSS JOIN LATERAL unnest(tstzmultirange(tstzrange(c.gap_start_at, c.gap_end_at)) - r.spans) AS gap;
COMMENT ON VIEW ops.capture_gaps IS 'When no capture instance was connected, as far as the landing files are known, without the days that are reconciled with the exchange''s statement; messages of that time were not received';

-- ---------------------------------------------------------------- what statements did to PnL
ALTER TABLE curated.pnl_versions
    ADD COLUMN statement_trade_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN reconciled_gap_seconds numeric NOT NULL DEFAULT 0;
COMMENT ON COLUMN curated.pnl_versions.statement_trade_count IS 'Of the trades in this hour, those that are as a statement of the exchange says: not captured, or otherwise';
COMMENT ON COLUMN curated.pnl_versions.reconciled_gap_seconds IS 'Seconds without a connected capture instance, while it was tradable, that a reconciled statement covers';
COMMENT ON COLUMN curated.pnl_versions.capture_gap_seconds IS 'Seconds without any connected capture instance while it was tradable, without days that are reconciled with the exchange''s statement';

-- The same as in 0009, but for the two columns above: where numbers come from is no part of them. PnL of a gap that a
-- statement healed reads as if there had been none; curated.pnl_hourly_history and pnl_hourly_changes say the rest.
CREATE OR REPLACE PROCEDURE staging.follow_pnl_versions() LANGUAGE plpgsql AS $$
DECLARE
    every_column text;
    shown text;
    facts text;
    relation text;
    commenting text;
BEGIN
    SELECT
        string_agg(quote_ident(attname), ', ' ORDER BY attnum),
        string_agg(quote_ident(attname), ', ' ORDER BY attnum) FILTER (
            WHERE attname NOT IN ('valid_from', 'valid_to', 'statement_trade_count', 'reconciled_gap_seconds')),
        string_agg(quote_ident(attname), ', ' ORDER BY attnum)
            FILTER (WHERE attname NOT IN ('valid_from', 'valid_to') AND attgenerated = '')
    INTO every_column, shown, facts
    FROM pg_attribute
    WHERE attrelid = 'curated.pnl_versions'::regclass AND attnum > 0 AND NOT attisdropped;

    EXECUTE format('CREATE OR REPLACE VIEW curated.pnl_hourly AS'
                   ' SELECT %s FROM curated.pnl_versions WHERE valid_to IS NULL', shown);
    EXECUTE format('CREATE OR REPLACE VIEW curated.pnl_hourly_history AS SELECT %s FROM curated.pnl_versions', every_column);
    -- without a column in it, require_past is checked once, rows or not
    EXECUTE format('CREATE OR REPLACE FUNCTION curated.pnl_hourly_as_of(as_of timestamptz)'
                   ' RETURNS SETOF curated.pnl_hourly LANGUAGE sql STABLE BEGIN ATOMIC'
                   ' SELECT %s FROM curated.pnl_versions'
                   ' WHERE curated.require_past(as_of) AND valid_from <= as_of AND (valid_to IS NULL OR valid_to > as_of);'
                   ' END', shown);

    -- what is built and not yet checked, in the same columns; no build is under way, so its rows are leftovers
    DROP TABLE IF EXISTS staging.pnl_hourly CASCADE;
    CREATE TABLE staging.pnl_hourly (LIKE curated.pnl_versions INCLUDING DEFAULTS INCLUDING GENERATED);
    ALTER TABLE staging.pnl_hourly
        DROP COLUMN built_at, DROP COLUMN valid_from, DROP COLUMN valid_to,
        ADD PRIMARY KEY (delivery_day, delivery_hour, trader_id, market);
    -- facts are compared and published in the order of these two views
    EXECUTE format('CREATE VIEW staging.built_facts AS SELECT %s FROM staging.pnl_hourly', facts);
    EXECUTE format('CREATE OR REPLACE VIEW staging.standing_facts AS'
                   ' SELECT valid_from, %s FROM curated.pnl_versions WHERE valid_to IS NULL', facts);

    FOR relation, commenting IN
        SELECT c.relname, format('COMMENT ON COLUMN curated.%I.%I IS %L', c.relname, t.attname, col_description(t.attrelid, t.attnum))
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid
        JOIN pg_attribute AS t ON t.attrelid = 'curated.pnl_versions'::regclass AND t.attname = a.attname
        WHERE c.oid IN ('curated.pnl_hourly'::regclass, 'curated.pnl_hourly_history'::regclass) AND a.attnum > 0
    LOOP
        EXECUTE commenting;
    END LOOP;
END
$$;
