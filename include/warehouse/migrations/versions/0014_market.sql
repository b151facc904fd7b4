-- No build may be under way: the key of PNL_INPUTS in include/warehouse/locks.py
SELECT pg_advisory_xact_lock(7301003);

DROP VIEW ops.troubles, ops.incomplete_periods, ops.missing_prices, curated.trades, curated.reference_prices,
    staging.compared_copies;
DROP FUNCTION staging.trade_message;
DROP TABLE staging.checked_copies;

-- ---------------------------------------------------------------- the market is the first key column
ALTER TABLE raw.delivery_periods ADD COLUMN market text COLLATE "C" NOT NULL DEFAULT 'DE';
ALTER TABLE raw.trades
    ADD COLUMN market text COLLATE "C" NOT NULL DEFAULT 'DE',
    ADD COLUMN revision integer NOT NULL DEFAULT 0,
    ADD COLUMN is_disputed boolean NOT NULL DEFAULT false,
    ALTER COLUMN executed_at DROP NOT NULL;
ALTER TABLE raw.reference_prices ADD COLUMN market text COLLATE "C" NOT NULL DEFAULT 'DE';
ALTER TABLE ops.pending_delivery_periods ADD COLUMN market text COLLATE "C" NOT NULL DEFAULT 'DE';
ALTER TABLE ops.provider_requests ADD COLUMN market text COLLATE "C" NOT NULL DEFAULT 'DE';
COMMENT ON COLUMN raw.delivery_periods.market IS 'The market';
COMMENT ON COLUMN raw.delivery_periods.delivery_hour IS 'Canonical label, local time: 15-16, 15:00-15:15, 08-20';
COMMENT ON COLUMN raw.trades.market IS 'The market';
COMMENT ON COLUMN raw.trades.trade_id IS 'The exchange''s id, opaque; a self trade has a buy and a sell with one id';
COMMENT ON COLUMN raw.trades.delivery_hour IS 'Canonical label of the delivery period, local time: 15-16, 15:00-15:15, 08-20';
COMMENT ON COLUMN raw.trades.executed_at IS 'Execution time as the exchange says; may be wrong by hours; NULL: it cannot be read';
COMMENT ON COLUMN raw.trades.revision IS 'Revision of the trade, 0 if the exchange names none; the highest counts';
COMMENT ON COLUMN raw.trades.is_disputed IS 'A party disputes it or asks to recall it: some copy of this revision says so';
COMMENT ON COLUMN raw.reference_prices.market IS 'The market';
COMMENT ON COLUMN ops.pending_delivery_periods.market IS 'The market';
COMMENT ON COLUMN ops.pending_delivery_periods.delivery_hour IS 'Label of an hour of PnL, local time';
COMMENT ON COLUMN ops.pending_delivery_periods.cause IS 'trades, reference_prices, capture_gaps, reload, rerun or review';
COMMENT ON COLUMN ops.provider_requests.market IS 'The market';

-- ---------------------------------------------------------------- one period, one label
-- labels that were accepted before and are now written in one way: 15:00-16:00 is 15-16, 03A is 02-03A
CREATE FUNCTION pg_temp.canonical(label text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN label ~ '^\d\d[AB]$'
            THEN to_char(left(label, 2)::integer - 1, 'FM00') || '-' || label
        WHEN label ~ '^\d\d:00-\d\d:00[AB]?$' AND substr(label, 7, 2)::integer - left(label, 2)::integer = 1
            THEN left(label, 2) || '-' || substr(label, 7, 2) || substr(label, 12)
        ELSE label
    END
$$;
CREATE TEMPORARY TABLE renamed ON COMMIT DROP AS
SELECT delivery_day, delivery_hour, pg_temp.canonical(delivery_hour) AS canonical
FROM raw.delivery_periods
WHERE pg_temp.canonical(delivery_hour) <> delivery_hour;

INSERT INTO raw.delivery_periods (
    delivery_day, delivery_hour, delivery_start_at, delivery_end_at, delivery_hours, is_dst_ambiguous, tradable_from,
    tradable_until, price_final_from
)
SELECT DISTINCT ON (delivery_day, canonical)
    delivery_day, canonical, delivery_start_at, delivery_end_at, delivery_hours, is_dst_ambiguous, tradable_from,
    tradable_until, price_final_from
FROM pg_temp.renamed
JOIN raw.delivery_periods USING (delivery_day, delivery_hour)
ON CONFLICT DO NOTHING;
DELETE FROM raw.delivery_periods AS p USING pg_temp.renamed AS r
WHERE (p.delivery_day, p.delivery_hour) = (r.delivery_day, r.delivery_hour);
UPDATE raw.trades AS t SET delivery_hour = r.canonical FROM pg_temp.renamed AS r
WHERE (t.delivery_day, t.delivery_hour) = (r.delivery_day, r.delivery_hour);
UPDATE staging.trade_copies AS t SET delivery_hour = r.canonical FROM pg_temp.renamed AS r
WHERE (t.delivery_day, t.delivery_hour) = (r.delivery_day, r.delivery_hour);
UPDATE raw.reference_prices AS t SET delivery_hour = r.canonical FROM pg_temp.renamed AS r
WHERE (t.delivery_day, t.delivery_hour) = (r.delivery_day, r.delivery_hour);

CREATE TABLE raw.period_hours (
    market text COLLATE "C" NOT NULL,
    delivery_day date NOT NULL,
    delivery_hour text COLLATE "C" NOT NULL,
    pnl_hour text COLLATE "C" NOT NULL,
    from_minute smallint NOT NULL CHECK (from_minute IN (0, 15, 30, 45)),
    hours numeric NOT NULL CHECK (hours IN (1, 0.5, 0.25)),
    PRIMARY KEY (market, delivery_day, delivery_hour, pnl_hour)
);
COMMENT ON TABLE raw.period_hours IS 'In which hours of PnL each delivery period delivers, and how much of them';
COMMENT ON COLUMN raw.period_hours.market IS 'The market';
COMMENT ON COLUMN raw.period_hours.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN raw.period_hours.delivery_hour IS 'Label of the delivery period, local time';
COMMENT ON COLUMN raw.period_hours.pnl_hour IS 'Label of an hour that it delivers in: delivery_hour of curated.pnl_hourly';
COMMENT ON COLUMN raw.period_hours.from_minute IS 'Minute of that hour at which its part begins';
COMMENT ON COLUMN raw.period_hours.hours IS 'Length of its part: MW x this = MWh in that hour';

INSERT INTO raw.period_hours
SELECT 'DE', delivery_day, delivery_hour,
       CASE WHEN delivery_hour LIKE '%:%'
            THEN left(delivery_hour, 2) || '-' || to_char(left(delivery_hour, 2)::integer + 1, 'FM00')
                 || substr(delivery_hour, 12)
            ELSE delivery_hour END,
       CASE WHEN delivery_hour LIKE '%:%' THEN substr(delivery_hour, 4, 2)::smallint ELSE 0 END,
       delivery_hours
FROM raw.delivery_periods;
CREATE INDEX period_hours_pnl_hour ON raw.period_hours (market, delivery_day, pnl_hour);
CREATE VIEW curated.period_hours AS
SELECT market, delivery_day, delivery_hour, pnl_hour, from_minute, hours FROM raw.period_hours;
COMMENT ON VIEW curated.period_hours IS 'raw.period_hours for readers: in which hours of PnL each trade of curated.trades delivers';
COMMENT ON COLUMN curated.period_hours.market IS 'The market';
COMMENT ON COLUMN curated.period_hours.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN curated.period_hours.delivery_hour IS 'Label of the delivery period, local time';
COMMENT ON COLUMN curated.period_hours.pnl_hour IS 'Label of an hour that it delivers in: delivery_hour of curated.pnl_hourly';
COMMENT ON COLUMN curated.period_hours.from_minute IS 'Minute of that hour at which its part begins';
COMMENT ON COLUMN curated.period_hours.hours IS 'Length of its part: MW x this = MWh in that hour';

-- the hours of quarters and halves that were traded
INSERT INTO raw.delivery_periods (
    delivery_day, delivery_hour, delivery_start_at, delivery_end_at, delivery_hours, is_dst_ambiguous, tradable_from,
    tradable_until, price_final_from
)
SELECT DISTINCT ON (p.delivery_day, h.pnl_hour)
    p.delivery_day, h.pnl_hour,
    p.delivery_start_at - make_interval(mins => h.from_minute),
    p.delivery_end_at + make_interval(mins => 60 - h.from_minute - (h.hours * 60)::integer),
    1, p.is_dst_ambiguous, p.tradable_from, u.tradable_until,
    -- as DeliveryPeriod.price_final_from: the end of the interval of publication, and 30 s
    date_bin('10 minutes', u.tradable_until - interval '1 microsecond', 'epoch') + interval '10 minutes 30 seconds'
FROM raw.delivery_periods AS p
JOIN raw.period_hours AS h USING (delivery_day, delivery_hour)
CROSS JOIN LATERAL (SELECT p.tradable_until - make_interval(mins => h.from_minute) AS tradable_until) AS u
WHERE h.pnl_hour <> h.delivery_hour
ON CONFLICT DO NOTHING;
INSERT INTO raw.period_hours
SELECT 'DE', delivery_day, delivery_hour, delivery_hour, 0, 1
FROM raw.delivery_periods
WHERE delivery_hour NOT LIKE '%:%'
ON CONFLICT DO NOTHING;

-- PnL of what was renamed and of quarters and halves moves to the hours
INSERT INTO ops.pending_delivery_periods (delivery_day, delivery_hour, cause)
SELECT delivery_day, delivery_hour, 'trades' FROM pg_temp.renamed
UNION
SELECT delivery_day, canonical, 'trades' FROM pg_temp.renamed
UNION
SELECT delivery_day, unnest(ARRAY[delivery_hour, pnl_hour]), 'trades' FROM raw.period_hours WHERE pnl_hour <> delivery_hour;

ALTER TABLE raw.delivery_periods DROP CONSTRAINT delivery_periods_pkey,
    ADD PRIMARY KEY (market, delivery_day, delivery_hour);
ALTER TABLE raw.trades DROP CONSTRAINT trades_pkey, ADD PRIMARY KEY (market, trade_id, direction, revision);
DROP INDEX raw.trades_delivery_period, raw.reference_prices_delivery_period, ops.pending_delivery_periods_key,
    ops.provider_requests_delivery_period;
CREATE INDEX trades_delivery_period ON raw.trades (market, delivery_day, delivery_hour);
CREATE INDEX trades_amendments ON raw.trades (market, trade_id, direction, revision) WHERE revision > 0;
CREATE INDEX reference_prices_delivery_period
    ON raw.reference_prices (market, delivery_day, delivery_hour, observed_at DESC);
CREATE INDEX pending_delivery_periods_key ON ops.pending_delivery_periods (market, delivery_day, delivery_hour);
CREATE INDEX provider_requests_delivery_period
    ON ops.provider_requests (market, delivery_day, delivery_hour, finished_at DESC);
COMMENT ON TABLE raw.trades IS 'Every revision of every trade once. Of copies with equal content the one that was loaded first; where contents differ, the one received first';

CREATE VIEW staging.pnl_hours AS
SELECT
    p.market, p.delivery_day, p.delivery_hour, p.delivery_start_at, p.delivery_end_at, p.tradable_from,
    u.tradable_until, p.price_final_from
FROM raw.delivery_periods AS p
CROSS JOIN LATERAL (
    SELECT max(s.tradable_until) AS tradable_until
    FROM raw.period_hours AS h
    JOIN raw.delivery_periods AS s USING (market, delivery_day, delivery_hour)
    WHERE (h.market, h.delivery_day, h.pnl_hour) = (p.market, p.delivery_day, p.delivery_hour)
) AS u
WHERE u.tradable_until IS NOT NULL;
COMMENT ON VIEW staging.pnl_hours IS 'The hours of PnL: tradable until the last of the known delivery periods in it is not';

-- looked for by the gate of the hour itself, which comes at most an hour before that of the last period in it
CREATE INDEX delivery_periods_tradable ON raw.delivery_periods USING gist (tstzrange(tradable_from, tradable_until))
    WHERE delivery_hours = 1;
CREATE FUNCTION staging.hours_tradable_at(of_market text, moment timestamptz)
RETURNS TABLE (delivery_day date, delivery_hour text) LANGUAGE sql STABLE SECURITY DEFINER  -- for views of analyst
BEGIN ATOMIC
    SELECT p.delivery_day, p.delivery_hour
    FROM raw.delivery_periods AS p
    WHERE p.market = of_market AND p.delivery_hours = 1
      AND tstzrange(p.tradable_from, p.tradable_until) && tstzrange(moment - interval '1 hour', moment, '[]')
      -- as staging.pnl_hours has it
      AND EXISTS (SELECT FROM raw.period_hours AS h
                  JOIN raw.delivery_periods AS s USING (market, delivery_day, delivery_hour)
                  WHERE (h.market, h.delivery_day, h.pnl_hour) = (p.market, p.delivery_day, p.delivery_hour)
                    AND moment < s.tradable_until);
END;
COMMENT ON FUNCTION staging.hours_tradable_at IS 'The hours of PnL that were open for trading at a moment';

-- ---------------------------------------------------------------- further copies
ALTER TABLE staging.trade_copies
    ADD COLUMN market text COLLATE "C" NOT NULL DEFAULT 'DE',
    ADD COLUMN revision integer NOT NULL DEFAULT 0,
    ADD COLUMN is_disputed boolean NOT NULL DEFAULT false,
    ALTER COLUMN executed_at DROP NOT NULL;
COMMENT ON TABLE staging.trade_copies IS 'Further copies of trades with other content than the stored one, until their batch is accepted: one may count instead';
-- an equal one needs no decision any more: a batch that was blocked is validated again, row by row
DELETE FROM staging.trade_copies AS c USING raw.trades AS t
WHERE t.trade_id = c.trade_id
  AND (c.trader_id, c.direction, c.price_eur_per_mwh, c.quantity_mw, c.delivery_day, c.delivery_hour, c.executed_at)
      IS NOT DISTINCT FROM
      (t.trader_id, t.direction, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day, t.delivery_hour, t.executed_at);
CREATE INDEX trade_copies_trade_id ON staging.trade_copies (trade_id);

CREATE TABLE raw.trade_receipts (
    market text COLLATE "C" NOT NULL,
    trade_id text COLLATE "C" NOT NULL,
    direction text COLLATE "C" NOT NULL,
    revision integer NOT NULL,
    is_disputed boolean NOT NULL,
    received_at timestamptz NOT NULL,
    line_number bigint NOT NULL,
    load_batch_id bigint NOT NULL,
    landing_file_id bigint NOT NULL,
    PRIMARY KEY (landing_file_id, line_number)
);
CREATE INDEX trade_receipts_trade ON raw.trade_receipts (market, trade_id, direction, revision);
CREATE INDEX trade_receipts_disputed ON raw.trade_receipts (market, trade_id) WHERE is_disputed;
CREATE INDEX trade_receipts_load_batch_id ON raw.trade_receipts (load_batch_id);
COMMENT ON TABLE raw.trade_receipts IS 'Every confirmation, copies included, of an amendment or a disputed trade: when a revision was first received decides whether a cancellation without a revision takes it back';
COMMENT ON COLUMN raw.trade_receipts.market IS 'The market';
COMMENT ON COLUMN raw.trade_receipts.trade_id IS 'The exchange''s id';
COMMENT ON COLUMN raw.trade_receipts.direction IS 'buy or sell';
COMMENT ON COLUMN raw.trade_receipts.revision IS 'Revision of the trade';
COMMENT ON COLUMN raw.trade_receipts.is_disputed IS 'It says that the trade is disputed or about to be recalled';
COMMENT ON COLUMN raw.trade_receipts.received_at IS 'When capture received it';
COMMENT ON COLUMN raw.trade_receipts.line_number IS 'The line in the landing file, from 1';
COMMENT ON COLUMN raw.trade_receipts.load_batch_id IS 'The load that brought it';
COMMENT ON COLUMN raw.trade_receipts.landing_file_id IS 'The landing file it is in';

-- ---------------------------------------------------------------- cancellations
CREATE TABLE raw.trade_cancellations (
    market text COLLATE "C" NOT NULL,
    trade_id text COLLATE "C" NOT NULL,
    direction text COLLATE "C",
    revision integer,
    received_at timestamptz NOT NULL,
    line_number bigint NOT NULL,
    load_batch_id bigint NOT NULL,
    landing_file_id bigint NOT NULL,
    PRIMARY KEY (landing_file_id, line_number)
);
CREATE INDEX trade_cancellations_trade ON raw.trade_cancellations (market, trade_id);
CREATE INDEX trade_cancellations_load_batch_id ON raw.trade_cancellations (load_batch_id);
COMMENT ON TABLE raw.trade_cancellations IS 'Every cancellation of a trade as received, copies included';
COMMENT ON COLUMN raw.trade_cancellations.market IS 'The market';
COMMENT ON COLUMN raw.trade_cancellations.trade_id IS 'The exchange''s id';
COMMENT ON COLUMN raw.trade_cancellations.direction IS 'buy or sell; NULL: both';
COMMENT ON COLUMN raw.trade_cancellations.revision IS 'It takes back this revision and all before; NULL: revision 0 and those received before it';
COMMENT ON COLUMN raw.trade_cancellations.received_at IS 'When capture received it';
COMMENT ON COLUMN raw.trade_cancellations.load_batch_id IS 'The load that brought it';
COMMENT ON COLUMN raw.trade_cancellations.landing_file_id IS 'The landing file it came from';
COMMENT ON COLUMN raw.trade_cancellations.line_number IS 'The line in that file, from 1';

-- ---------------------------------------------------------------- quarantine and reviews
CREATE TABLE ops.quarantined_trades (
    market text COLLATE "C" NOT NULL,
    trade_id text COLLATE "C" NOT NULL,
    direction text COLLATE "C" NOT NULL,
    revision integer NOT NULL,
    trader_id text COLLATE "C" NOT NULL,
    price_eur_per_mwh numeric NOT NULL,
    quantity_mw numeric NOT NULL,
    delivery_day date NOT NULL,
    delivery_hour text COLLATE "C" NOT NULL,
    expectation text NOT NULL,
    received_at timestamptz NOT NULL,
    landing_file_id bigint NOT NULL,
    line_number bigint NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    review text CHECK (review IN ('accept', 'discard')),
    review_reason text,
    reviewed_at timestamptz,
    PRIMARY KEY (market, trade_id, direction, revision),
    CONSTRAINT a_review_has_a_reason
        CHECK ((review IS NULL) = (review_reason IS NULL) AND (review IS NULL) = (reviewed_at IS NULL))
);
CREATE INDEX quarantined_trades_unreviewed ON ops.quarantined_trades (market, delivery_day, delivery_hour)
    WHERE review IS NULL;
COMMENT ON TABLE ops.quarantined_trades IS 'Trades that break a critical expectation; they count only once a person accepts them';
COMMENT ON COLUMN ops.quarantined_trades.market IS 'The market';
COMMENT ON COLUMN ops.quarantined_trades.trade_id IS 'The exchange''s id';
COMMENT ON COLUMN ops.quarantined_trades.direction IS 'buy or sell';
COMMENT ON COLUMN ops.quarantined_trades.revision IS 'Revision of the trade';
COMMENT ON COLUMN ops.quarantined_trades.trader_id IS 'Who traded';
COMMENT ON COLUMN ops.quarantined_trades.price_eur_per_mwh IS 'Price, EUR/MWh';
COMMENT ON COLUMN ops.quarantined_trades.quantity_mw IS 'Power, MW';
COMMENT ON COLUMN ops.quarantined_trades.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN ops.quarantined_trades.delivery_hour IS 'Label of the delivery period, local time';
COMMENT ON COLUMN ops.quarantined_trades.expectation IS 'What it breaks, in words';
COMMENT ON COLUMN ops.quarantined_trades.received_at IS 'When capture received it';
COMMENT ON COLUMN ops.quarantined_trades.landing_file_id IS 'The landing file it came from';
COMMENT ON COLUMN ops.quarantined_trades.line_number IS 'The line in that file, from 1';
COMMENT ON COLUMN ops.quarantined_trades.quarantined_at IS 'Since when';
COMMENT ON COLUMN ops.quarantined_trades.review IS 'What a person decided: accept (it counts) or discard; NULL: nobody has';
COMMENT ON COLUMN ops.quarantined_trades.review_reason IS 'Why, in that person''s words';
COMMENT ON COLUMN ops.quarantined_trades.reviewed_at IS 'When';

ALTER TABLE ops.rejected_messages
    ADD COLUMN market text COLLATE "C" NOT NULL DEFAULT 'DE',
    ADD COLUMN delivery_day date,
    ADD COLUMN delivery_hours text[],
    ADD COLUMN review text CHECK (review = 'discard'),
    ADD COLUMN review_reason text,
    ADD COLUMN reviewed_at timestamptz,
    ADD CONSTRAINT a_review_has_a_reason
        CHECK ((review IS NULL) = (review_reason IS NULL) AND (review IS NULL) = (reviewed_at IS NULL)),
    ADD CONSTRAINT hours_belong_to_a_day CHECK ((delivery_day IS NULL) = (delivery_hours IS NULL));
COMMENT ON COLUMN ops.rejected_messages.market IS 'The market';
COMMENT ON COLUMN ops.rejected_messages.delivery_day IS 'Delivery day that the message tells; NULL: it tells none';
COMMENT ON COLUMN ops.rejected_messages.delivery_hours IS 'Hours of PnL that it would have delivered in; NULL: it does not tell';
COMMENT ON COLUMN ops.rejected_messages.review IS 'discard: a person has seen it, and nothing is missing without it; NULL: nobody has';
COMMENT ON COLUMN ops.rejected_messages.review_reason IS 'Why, in that person''s words';
COMMENT ON COLUMN ops.rejected_messages.reviewed_at IS 'When';

-- decisions on whole batches become decisions on their trades
INSERT INTO ops.quarantined_trades (
    market, trade_id, direction, revision, trader_id, price_eur_per_mwh, quantity_mw, delivery_day, delivery_hour,
    expectation, received_at, landing_file_id, line_number, review, review_reason, reviewed_at
)
SELECT 'DE', m.body ->> 'id', m.body ->> 'direction', 0, m.body ->> 'trader_id', (m.body ->> 'price')::numeric,
       (m.body ->> 'quantity')::numeric, (m.body ->> 'delivery_day')::date,
       pg_temp.canonical(m.body ->> 'delivery_hour'), 'its batch was discarded', m.received_at, m.landing_file_id,
       m.line_number, 'discard', b.review_reason, b.reviewed_at
FROM (
    SELECT load_batch_id, landing_file_id, line_number, received_at, raw::jsonb -> 'deal_confirmation' AS body
    FROM ops.rejected_messages
    WHERE reason_code = 'discarded_batch' AND source = 'trades' AND raw::jsonb ? 'deal_confirmation'
) AS m
JOIN ops.load_batches AS b USING (load_batch_id)
WHERE b.review = 'discarded' AND m.body ->> 'id' IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO ops.quarantined_trades (
    market, trade_id, direction, revision, trader_id, price_eur_per_mwh, quantity_mw, delivery_day, delivery_hour,
    expectation, received_at, landing_file_id, line_number, review, review_reason, reviewed_at
)
SELECT t.market, t.trade_id, t.direction, t.revision, t.trader_id, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day,
       t.delivery_hour, 'its batch was accepted', t.received_at, t.landing_file_id, t.line_number, 'accept',
       b.review_reason, b.reviewed_at
FROM raw.trades AS t
JOIN ops.load_batches AS b USING (load_batch_id)
WHERE b.review = 'accepted' AND (t.quantity_mw <= 0 OR abs(t.price_eur_per_mwh) > 9999.99);
-- what was rejected before is not a reason for PnL of the past to become incomplete
UPDATE ops.rejected_messages AS m SET
    review = 'discard', review_reason = coalesce(b.review_reason, 'rejected before reviews existed'),
    reviewed_at = coalesce(b.reviewed_at, clock_timestamp())
FROM ops.load_batches AS b
WHERE b.load_batch_id = m.load_batch_id;
UPDATE ops.load_batches SET state = CASE WHEN review IS NULL THEN 'loaded' ELSE 'accepted' END WHERE state = 'blocked';
ALTER TABLE ops.load_batches
    DROP CONSTRAINT load_batches_state_check, ADD CONSTRAINT load_batches_state_check CHECK (state IN ('loaded', 'accepted')),
    DROP COLUMN review, DROP COLUMN review_reason, DROP COLUMN reviewed_at;
COMMENT ON COLUMN ops.load_batches.state IS 'loaded: not validated yet; accepted: validated, its rows count but for those in quarantine';
COMMENT ON COLUMN ops.load_batches.duplicate_count IS 'Lines with a copy, equal in content, of a revision that is stored';

CREATE INDEX rejected_messages_untold ON ops.rejected_messages (market, received_at)
    WHERE review IS NULL AND delivery_hours IS NULL AND source = 'trades';
CREATE INDEX rejected_messages_told ON ops.rejected_messages (market, delivery_day)
    WHERE review IS NULL AND delivery_hours IS NOT NULL AND source = 'trades';

CREATE VIEW ops.review_queue AS
SELECT
    m.market, m.problem, m.reason, m.trade_id, m.direction, m.revision, m.delivery_day, m.delivery_hours,
    -- a line that capture did not write says nothing of its receipt
    coalesce(m.received_at, f.hour_start_at) AS received_at,
    m.landing_file_id, f.landing_file, f.hour_start_at, m.line_number
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
) AS m
JOIN ops.landing_files AS f USING (landing_file_id);
COMMENT ON VIEW ops.review_queue IS 'Messages that did not become trades that count, and that nobody has reviewed: one row a message. Torn lines are no messages';
COMMENT ON COLUMN ops.review_queue.market IS 'The market';
COMMENT ON COLUMN ops.review_queue.problem IS 'quarantined or rejected';
COMMENT ON COLUMN ops.review_queue.reason IS 'The expectation that a quarantined trade breaks, or the reason code of a reject';
COMMENT ON COLUMN ops.review_queue.trade_id IS 'The exchange''s id of a quarantined trade; NULL for a reject';
COMMENT ON COLUMN ops.review_queue.direction IS 'buy or sell; NULL for a reject';
COMMENT ON COLUMN ops.review_queue.revision IS 'Revision of the trade; NULL for a reject';
COMMENT ON COLUMN ops.review_queue.delivery_day IS 'Local day of the market; NULL: the message tells none';
COMMENT ON COLUMN ops.review_queue.delivery_hours IS 'Hours of PnL that it may concern; NULL: all that were tradable when it came';
COMMENT ON COLUMN ops.review_queue.received_at IS 'When capture received it; start of the hour of its file if it does not say';
COMMENT ON COLUMN ops.review_queue.landing_file_id IS 'The landing file';
COMMENT ON COLUMN ops.review_queue.landing_file IS 'Path of the landing file below LANDING_ROOT';
COMMENT ON COLUMN ops.review_queue.hour_start_at IS 'Hour of receipt: start of the UTC hour of the landing file';
COMMENT ON COLUMN ops.review_queue.line_number IS 'The line in that file, from 1';

CREATE VIEW ops.unreviewed_messages AS
SELECT market, delivery_day, unnest(delivery_hours) AS delivery_hour, problem, reason, received_at, landing_file_id,
       line_number
FROM ops.review_queue
WHERE delivery_hours IS NOT NULL
UNION ALL
SELECT q.market, h.delivery_day, h.delivery_hour, q.problem, q.reason, q.received_at, q.landing_file_id, q.line_number
FROM ops.review_queue AS q
CROSS JOIN LATERAL staging.hours_tradable_at(q.market, q.received_at) AS h
WHERE q.delivery_hours IS NULL;
COMMENT ON VIEW ops.unreviewed_messages IS 'Messages that did not become trades that count, and that nobody has reviewed: one row a message and an hour of PnL that it may concern; for one that tells no hour all that were tradable when it came';
COMMENT ON COLUMN ops.unreviewed_messages.market IS 'The market';
COMMENT ON COLUMN ops.unreviewed_messages.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN ops.unreviewed_messages.delivery_hour IS 'Label of the hour of PnL, local time';
COMMENT ON COLUMN ops.unreviewed_messages.problem IS 'quarantined or rejected';
COMMENT ON COLUMN ops.unreviewed_messages.reason IS 'The expectation that a quarantined trade breaks, or the reason code of a reject';
COMMENT ON COLUMN ops.unreviewed_messages.received_at IS 'When capture received it';
COMMENT ON COLUMN ops.unreviewed_messages.landing_file_id IS 'The landing file';
COMMENT ON COLUMN ops.unreviewed_messages.line_number IS 'The line in that file, from 1';

-- ---------------------------------------------------------------- messages that are no trades, and new fields
CREATE TABLE ops.message_notes (
    market text COLLATE "C" NOT NULL,
    landing_file_id bigint NOT NULL REFERENCES ops.landing_files,
    about text NOT NULL CHECK (about IN ('operational', 'unknown_field')),
    name text NOT NULL,
    message_count bigint NOT NULL,
    first_received_at timestamptz NOT NULL,
    last_received_at timestamptz NOT NULL,
    PRIMARY KEY (landing_file_id, about, name)
);
COMMENT ON TABLE ops.message_notes IS 'What each landing file holds of operational messages and of fields that have no meaning for us';
COMMENT ON COLUMN ops.message_notes.market IS 'The market';
COMMENT ON COLUMN ops.message_notes.landing_file_id IS 'The landing file';
COMMENT ON COLUMN ops.message_notes.about IS 'operational or unknown_field';
COMMENT ON COLUMN ops.message_notes.name IS 'Kind of message, or name of the field; other: beyond the first 100 of a file';
COMMENT ON COLUMN ops.message_notes.message_count IS 'Messages';
COMMENT ON COLUMN ops.message_notes.first_received_at IS 'When the first of them was received';
COMMENT ON COLUMN ops.message_notes.last_received_at IS 'When the last of them was received';

CREATE VIEW ops.operational_messages AS
SELECT market, name AS kind, sum(message_count)::bigint AS message_count, min(first_received_at) AS first_received_at,
       max(last_received_at) AS last_received_at
FROM ops.message_notes
WHERE about = 'operational'
GROUP BY market, name;
COMMENT ON VIEW ops.operational_messages IS 'Messages of the exchange that are not about trades: heartbeats, acknowledgements, status';
COMMENT ON COLUMN ops.operational_messages.market IS 'The market';
COMMENT ON COLUMN ops.operational_messages.kind IS 'As the messages name it';
COMMENT ON COLUMN ops.operational_messages.message_count IS 'Messages, all capture instances together';
COMMENT ON COLUMN ops.operational_messages.first_received_at IS 'When the first one was received';
COMMENT ON COLUMN ops.operational_messages.last_received_at IS 'When the last one was received';

CREATE VIEW ops.unknown_fields AS
SELECT market, name, sum(message_count)::bigint AS message_count, min(first_received_at) AS first_seen_at,
       max(last_received_at) AS last_seen_at
FROM ops.message_notes
WHERE about = 'unknown_field'
GROUP BY market, name;
COMMENT ON VIEW ops.unknown_fields IS 'Fields of trades that have no meaning for us: the exchange''s format grew';
COMMENT ON COLUMN ops.unknown_fields.market IS 'The market';
COMMENT ON COLUMN ops.unknown_fields.name IS 'Name of the field';
COMMENT ON COLUMN ops.unknown_fields.message_count IS 'Messages that have it, all capture instances together';
COMMENT ON COLUMN ops.unknown_fields.first_seen_at IS 'When the first of them was received';
COMMENT ON COLUMN ops.unknown_fields.last_seen_at IS 'When the last of them was received';

-- ---------------------------------------------------------------- which trades count
-- include/domain/lifecycle.py is the same in Python. A batch that is not validated yet counts for nothing.
CREATE VIEW staging.undecided_batches AS
SELECT load_batch_id FROM ops.load_batches WHERE state <> 'accepted';
COMMENT ON VIEW staging.undecided_batches IS 'Batches that are not validated yet';

CREATE VIEW staging.standing_trades AS
SELECT t.*
FROM raw.trades AS t
WHERE t.load_batch_id NOT IN (SELECT load_batch_id FROM staging.undecided_batches)
  AND NOT EXISTS (
      SELECT FROM ops.quarantined_trades AS q
      WHERE (q.market, q.trade_id, q.direction, q.revision) = (t.market, t.trade_id, t.direction, t.revision)
        AND q.review IS DISTINCT FROM 'accept');
COMMENT ON VIEW staging.standing_trades IS 'Revisions that may count: validated, and not in quarantine';

CREATE VIEW staging.latest_trades AS
SELECT t.*
FROM staging.standing_trades AS t
WHERE NOT EXISTS (
    SELECT FROM staging.standing_trades AS a
    WHERE a.revision > 0 AND a.revision > t.revision
      AND (a.market, a.trade_id, a.direction) = (t.market, t.trade_id, t.direction));
COMMENT ON VIEW staging.latest_trades IS 'The highest revision of each trade that may count, cancelled or not';

CREATE VIEW staging.cancellations AS
SELECT c.market, c.trade_id, c.direction, c.revision, c.received_at
FROM raw.trade_cancellations AS c
WHERE c.load_batch_id NOT IN (SELECT load_batch_id FROM staging.undecided_batches);
COMMENT ON VIEW staging.cancellations IS 'Cancellations of accepted batches';

-- SECURITY DEFINER: analyst reads views that call it, and none of the tables that it reads
CREATE FUNCTION staging.takes_back(cancellation staging.cancellations, trade staging.latest_trades) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
RETURN (cancellation.direction IS NULL OR cancellation.direction = trade.direction)
    AND CASE
        WHEN cancellation.revision IS NOT NULL THEN cancellation.revision >= trade.revision
        WHEN trade.revision = 0 THEN true
        ELSE least(trade.received_at, (
            SELECT min(c.received_at)
            FROM raw.trade_receipts AS c
            WHERE (c.market, c.trade_id, c.direction, c.revision)
                  = (trade.market, trade.trade_id, trade.direction, trade.revision)
              AND c.load_batch_id NOT IN (SELECT load_batch_id FROM staging.undecided_batches)
        )) <= cancellation.received_at
    END;
COMMENT ON FUNCTION staging.takes_back IS 'Whether a cancellation with the id of a trade takes back this revision of it';

CREATE VIEW curated.trades AS
SELECT
    t.market, t.trade_id, t.direction, t.revision, t.trader_id, t.price_eur_per_mwh, t.quantity_mw,
    t.quantity_mw * p.delivery_hours AS energy_mwh,
    t.delivery_day, t.delivery_hour, t.delivery_start_at, t.delivery_end_at, t.executed_at, t.received_at,
    t.is_disputed, t.load_batch_id, t.landing_file_id, t.line_number
FROM staging.latest_trades AS t
JOIN raw.delivery_periods AS p USING (market, delivery_day, delivery_hour)
WHERE NOT EXISTS (
    SELECT FROM staging.cancellations AS c
    WHERE (c.market, c.trade_id) = (t.market, t.trade_id) AND staging.takes_back(c, t));
COMMENT ON VIEW curated.trades IS 'The trades that count: the highest revision of each, unless it is cancelled or in quarantine';

CREATE VIEW curated.cancelled_trades AS
SELECT
    t.market, t.trade_id, t.direction, t.revision, t.trader_id, t.price_eur_per_mwh, t.quantity_mw,
    t.quantity_mw * p.delivery_hours AS energy_mwh,
    t.delivery_day, t.delivery_hour, t.delivery_start_at, t.delivery_end_at, t.executed_at, t.received_at,
    c.cancelled_at, t.load_batch_id, t.landing_file_id, t.line_number
FROM staging.latest_trades AS t
JOIN raw.delivery_periods AS p USING (market, delivery_day, delivery_hour)
JOIN LATERAL (
    SELECT min(c.received_at) AS cancelled_at
    FROM staging.cancellations AS c
    WHERE (c.market, c.trade_id) = (t.market, t.trade_id) AND staging.takes_back(c, t)
) AS c ON c.cancelled_at IS NOT NULL
WHERE EXISTS (SELECT FROM raw.trade_cancellations AS r WHERE (r.market, r.trade_id) = (t.market, t.trade_id));
COMMENT ON VIEW curated.cancelled_trades IS 'Trades that no longer count, because the exchange took them back';

CREATE VIEW ops.orphan_cancellations AS
SELECT c.market, c.trade_id, c.direction, c.revision, c.received_at, f.landing_file, c.line_number
FROM raw.trade_cancellations AS c
JOIN ops.landing_files AS f USING (landing_file_id)
WHERE NOT EXISTS (
    SELECT FROM raw.trades AS t
    WHERE (t.market, t.trade_id) = (c.market, c.trade_id) AND (c.direction IS NULL OR c.direction = t.direction));
COMMENT ON VIEW ops.orphan_cancellations IS 'Cancellations of trades that were never received';
COMMENT ON COLUMN ops.orphan_cancellations.landing_file IS 'The landing file it came from';

DO $$
DECLARE
    relation text;
    commenting text;
BEGIN
    FOREACH relation IN ARRAY ARRAY['curated.trades', 'curated.cancelled_trades', 'ops.orphan_cancellations'] LOOP
        FOR commenting IN
            SELECT format('COMMENT ON COLUMN %s.%I IS %L', relation, a.attname,
                          coalesce(col_description(c.attrelid, c.attnum), col_description(t.attrelid, t.attnum)))
            FROM pg_attribute AS a
            LEFT JOIN pg_attribute AS c
                ON relation = 'ops.orphan_cancellations' AND c.attrelid = 'raw.trade_cancellations'::regclass
                AND c.attname = a.attname
            LEFT JOIN pg_attribute AS t ON t.attrelid = 'raw.trades'::regclass AND t.attname = a.attname
            WHERE a.attrelid = relation::regclass AND a.attnum > 0 AND coalesce(c.attname, t.attname) IS NOT NULL
        LOOP
            EXECUTE commenting;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON COLUMN curated.trades.energy_mwh IS 'Energy, MWh: power x hours of delivery';
COMMENT ON COLUMN curated.cancelled_trades.energy_mwh IS 'Energy, MWh: power x hours of delivery';
COMMENT ON COLUMN curated.cancelled_trades.cancelled_at IS 'When the first cancellation that takes it back was received';

-- the one place that says which columns make the content of a trade, and in which order copies were received
CREATE VIEW staging.compared_copies AS
SELECT
    c AS copy,
    c.market, c.trade_id, c.direction, c.revision, c.load_batch_id, c.received_at, c.landing_file_id, f.landing_file,
    c.line_number,
    t.load_batch_id AS stored_load_batch_id, s.landing_file AS stored_landing_file, t.line_number AS stored_line_number,
    (c.trader_id, c.price_eur_per_mwh, c.quantity_mw, c.delivery_day, c.delivery_hour, c.executed_at)
    IS DISTINCT FROM
    (t.trader_id, t.price_eur_per_mwh, t.quantity_mw, t.delivery_day, t.delivery_hour, t.executed_at)
        AS is_other_content,
    (c.received_at, f.landing_file COLLATE "C", c.line_number) < (t.received_at, s.landing_file COLLATE "C", t.line_number)
        AS is_earlier
FROM staging.trade_copies AS c
JOIN ops.landing_files AS f ON f.landing_file_id = c.landing_file_id
LEFT JOIN raw.trades AS t
    ON (t.market, t.trade_id, t.direction, t.revision) = (c.market, c.trade_id, c.direction, c.revision)
LEFT JOIN ops.landing_files AS s ON s.landing_file_id = t.landing_file_id;
COMMENT ON VIEW staging.compared_copies IS 'Each waiting copy beside the stored copy of its revision; the stored_ columns are NULL if there is none any more';

CREATE FUNCTION staging.trade_message(trade raw.trades) RETURNS text LANGUAGE sql STABLE
RETURN json_build_object('deal_confirmation', json_build_object(
    'id', (trade).trade_id, 'revision', (trade).revision, 'price', (trade).price_eur_per_mwh,
    'quantity', (trade).quantity_mw, 'direction', (trade).direction, 'delivery_day', (trade).delivery_day,
    'delivery_hour', (trade).delivery_hour, 'trader_id', (trade).trader_id, 'execution_time', (trade).executed_at))::text;
COMMENT ON FUNCTION staging.trade_message IS 'A message that says what the row says; the landing file has the one that was received';

CREATE FUNCTION staging.affected_hours(load_batch_ids bigint[])
RETURNS TABLE (market text, delivery_day date, delivery_hour text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT h.market, h.delivery_day, h.pnl_hour
    FROM raw.period_hours AS h
    JOIN (
        SELECT t.market, t.delivery_day, t.delivery_hour
        FROM raw.trades AS t
        WHERE t.load_batch_id = ANY (load_batch_ids)
        UNION
        SELECT t.market, t.delivery_day, t.delivery_hour
        FROM raw.trades AS t
        JOIN (
            SELECT c.market, c.trade_id FROM raw.trade_cancellations AS c WHERE c.load_batch_id = ANY (load_batch_ids)
            UNION
            SELECT r.market, r.trade_id FROM raw.trade_receipts AS r WHERE r.load_batch_id = ANY (load_batch_ids)
        ) AS changed USING (market, trade_id)
    ) AS p USING (market, delivery_day, delivery_hour)
    UNION
    SELECT m.market, m.delivery_day, unnest(m.delivery_hours)
    FROM ops.rejected_messages AS m
    WHERE m.load_batch_id = ANY (load_batch_ids) AND m.source = 'trades' AND m.delivery_hours IS NOT NULL
    UNION
    SELECT m.market, h.delivery_day, h.delivery_hour
    FROM (
        -- trading opens and ends on whole minutes: thousands of rejects are a few moments
        SELECT DISTINCT r.market, date_trunc('minute', coalesce(r.received_at, f.hour_start_at)) AS moment
        FROM ops.rejected_messages AS r
        JOIN ops.landing_files AS f USING (landing_file_id)
        WHERE r.load_batch_id = ANY (load_batch_ids) AND r.source = 'trades' AND r.delivery_hours IS NULL
    ) AS m
    CROSS JOIN LATERAL staging.hours_tradable_at(m.market, m.moment) AS h;
END;
COMMENT ON FUNCTION staging.affected_hours IS 'The hours of PnL that depend on the trades, cancellations and rejects of these batches';

-- ---------------------------------------------------------------- PnL: more facts
ALTER TABLE curated.pnl_versions
    ADD COLUMN IF NOT EXISTS starting_trade_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS amendment_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS cancelled_trade_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS has_unreviewed_messages boolean NOT NULL DEFAULT false;
UPDATE curated.pnl_versions SET starting_trade_count = trade_count;
ALTER TABLE curated.pnl_versions
    ALTER COLUMN starting_trade_count DROP DEFAULT,
    ALTER COLUMN amendment_count DROP DEFAULT,
    ALTER COLUMN cancelled_trade_count DROP DEFAULT,
    ALTER COLUMN has_unreviewed_messages DROP DEFAULT;
DO $$
BEGIN
    -- as 0009 makes it now, but not as it made it at first
    IF NOT EXISTS (
        SELECT FROM pg_attrdef
        WHERE adrelid = 'curated.pnl_versions'::regclass AND pg_get_expr(adbin, adrelid) LIKE '%NOT has_unreviewed_messages%'
    ) THEN
        IF current_setting('server_version_num')::integer < 170000 THEN
            RAISE EXCEPTION 'this upgrade needs PostgreSQL 17 or newer'
                USING HINT = 'Restore a backup of the warehouse into a newer server, then repeat the upgrade.';
        END IF;
        EXECUTE 'ALTER TABLE curated.pnl_versions ALTER COLUMN is_complete'
                ' SET EXPRESSION AS (capture_gap_seconds = 0 AND NOT has_unreviewed_messages)';
    END IF;
END
$$;
COMMENT ON COLUMN curated.pnl_versions.delivery_hour IS 'Label of the hour, local time';
COMMENT ON COLUMN curated.pnl_versions.trade_count IS 'Number of trades that deliver in the hour';
COMMENT ON COLUMN curated.pnl_versions.starting_trade_count IS 'Of these, trades whose delivery starts in the hour: sums over hours count each trade once';
COMMENT ON COLUMN curated.pnl_versions.amendment_count IS 'Revisions of trades in this hour that replaced another or were replaced';
COMMENT ON COLUMN curated.pnl_versions.cancelled_trade_count IS 'Trades in this hour that the exchange took back';
COMMENT ON COLUMN curated.pnl_versions.has_unreviewed_messages IS 'Rejected messages or quarantined trades may concern the hour and nobody has reviewed them';
COMMENT ON COLUMN curated.pnl_versions.is_complete IS 'There is neither a capture gap nor a message that waits for a review';

-- ---------------------------------------------------------------- what is incomplete, and what is wrong
ALTER TABLE ops.alarms ADD COLUMN severity text NOT NULL DEFAULT 'critical' CHECK (severity IN ('critical', 'warning'));
COMMENT ON COLUMN ops.alarms.severity IS 'critical: the task check_freshness is red while it is on; warning: people are told, no task is red';
COMMENT ON COLUMN ops.alarms.detail IS 'What is the matter, in words; of one that is over, what was when it was last seen';
COMMENT ON COLUMN ops.alarms.page_text IS 'What it means for a trader; NULL: the page shows the detail of a critical one, nothing of a warning';

CREATE VIEW ops.incomplete_periods AS
WITH known AS MATERIALIZED (
    SELECT range_agg(tstzrange(gap_start_at, gap_end_at)) AS gaps FROM ops.capture_gaps
), waiting AS (
    -- the few batches first: raw.trades is then read by its block index only where they lie
    SELECT t.market, t.delivery_day, h.pnl_hour AS delivery_hour, count(*) AS trade_count,
           array_agg(DISTINCT load_batch_id) AS batches, min(b.loaded_at) AS loaded_at
    FROM raw.trades AS t
    JOIN raw.period_hours AS h USING (market, delivery_day, delivery_hour)
    JOIN ops.load_batches AS b USING (load_batch_id)
    WHERE t.load_batch_id = ANY (ARRAY(SELECT load_batch_id FROM ops.load_batches
                                       WHERE state <> 'accepted' AND source = 'trades'))
    GROUP BY t.market, t.delivery_day, h.pnl_hour
)
SELECT market, delivery_day, delivery_hour, p.delivery_start_at, r.reason, r.detail, r.from_at, r.until_at, r.gap_seconds
FROM (
    SELECT p.market, p.delivery_day, p.delivery_hour, 'capture_gap' AS reason,
           format('no capture instance was connected for %s while it was tradable, in %s', s.words,
                  CASE s.gaps WHEN 1 THEN '1 gap' ELSE s.gaps || ' gaps' END) AS detail,
           lower(g.gaps) AS from_at, upper(g.gaps) AS until_at, s.seconds AS gap_seconds
    FROM staging.pnl_hours AS p
    JOIN known AS k ON k.gaps && tstzrange(p.tradable_from, p.tradable_until)
    CROSS JOIN LATERAL (SELECT k.gaps * tstzmultirange(tstzrange(p.tradable_from, p.tradable_until)) AS gaps) AS g
    CROSS JOIN LATERAL (
        SELECT seconds, gaps,
               CASE WHEN seconds < 1 THEN 'less than 1 s'
                    WHEN seconds < 60 THEN trunc(seconds) || ' s'
                    WHEN seconds < 3600 THEN trunc(seconds / 60) || ' min'
                    ELSE trunc(seconds / 3600) || to_char(trunc(seconds / 60) % 60, '" h "FM00" min"')
               END AS words
        FROM (
            SELECT sum(extract(epoch FROM upper(gap) - lower(gap))) AS seconds, count(*) AS gaps
            FROM unnest(g.gaps) AS gap
        ) AS sums
    ) AS s
    UNION ALL
    SELECT market, delivery_day, delivery_hour, 'trades_quarantined',
           format('%s in quarantine: %s; make review', CASE count(*) WHEN 1 THEN '1 trade is' ELSE count(*) || ' trades are' END,
                  string_agg(DISTINCT reason, '; ')),
           min(received_at), NULL, NULL
    FROM ops.unreviewed_messages
    WHERE problem = 'quarantined'
    GROUP BY market, delivery_day, delivery_hour
    UNION ALL
    SELECT market, delivery_day, delivery_hour, 'messages_rejected',
           format('%s not reviewed: %s; make review',
                  CASE count(*) WHEN 1 THEN '1 rejected message is' ELSE count(*) || ' rejected messages are' END,
                  string_agg(DISTINCT reason, ', ')),
           min(received_at), NULL, NULL
    FROM ops.unreviewed_messages
    WHERE problem = 'rejected'
    GROUP BY market, delivery_day, delivery_hour
    UNION ALL
    SELECT market, delivery_day, delivery_hour,
           CASE min(price_status) WHEN 'missing' THEN 'price_missing' ELSE 'price_not_final' END,
           CASE min(price_status) WHEN 'missing' THEN 'there is no reference price'
                ELSE 'the price is provisional, the final one should be there; see ops.missing_prices' END,
           min(price_final_from) FILTER (WHERE price_status = 'provisional'), NULL, NULL
    FROM curated.pnl_hourly
    JOIN raw.delivery_periods USING (market, delivery_day, delivery_hour)
    WHERE price_status = 'missing'
        OR (price_status = 'provisional' AND now() > price_final_from + interval '15 minutes')
    GROUP BY market, delivery_day, delivery_hour
    UNION ALL
    SELECT market, delivery_day, delivery_hour, 'trades_not_validated',
           format('%s of %s %s loaded and not validated yet',
                  CASE trade_count WHEN 1 THEN '1 trade' ELSE trade_count || ' trades' END,
                  CASE cardinality(batches) WHEN 1 THEN 'batch' ELSE 'batches' END || ' ' || array_to_string(batches, ', '),
                  CASE trade_count WHEN 1 THEN 'is' ELSE 'are' END),
           loaded_at, NULL, NULL
    FROM waiting
    UNION ALL
    SELECT market, delivery_day, delivery_hour, 'not_built',
           format('changes wait for a build: %s', string_agg(DISTINCT cause, ', ')), min(pending_since), NULL, NULL
    FROM ops.pending_delivery_periods
    GROUP BY market, delivery_day, delivery_hour
    HAVING min(pending_since) < now() - interval '15 minutes'
) AS r
JOIN raw.delivery_periods AS p USING (market, delivery_day, delivery_hour);
COMMENT ON VIEW ops.incomplete_periods IS 'Hours of PnL of which something is missing and why: one row an hour and reason';
COMMENT ON COLUMN ops.incomplete_periods.market IS 'The market';
COMMENT ON COLUMN ops.incomplete_periods.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN ops.incomplete_periods.delivery_hour IS 'Label, local time';
COMMENT ON COLUMN ops.incomplete_periods.delivery_start_at IS 'Start of delivery';
COMMENT ON COLUMN ops.incomplete_periods.reason IS 'capture_gap, trades_quarantined, messages_rejected, price_missing, price_not_final, trades_not_validated, not_built';
COMMENT ON COLUMN ops.incomplete_periods.detail IS 'The reason in words';
COMMENT ON COLUMN ops.incomplete_periods.from_at IS 'Since when; start of the first gap; receipt of the first message';
COMMENT ON COLUMN ops.incomplete_periods.until_at IS 'End of the last gap; NULL for the other reasons';
COMMENT ON COLUMN ops.incomplete_periods.gap_seconds IS 'All its gaps together, s; NULL for the other reasons';

CREATE VIEW ops.troubles AS
WITH answers AS (
    SELECT finished_at, coalesce(is_answer, false) AS is_answer
    FROM ops.provider_requests
    WHERE requested_at > now() - interval '2 hours' AND finished_at IS NOT NULL
), found (precedence, code, since_at, text) AS (
    SELECT 1, coalesce(page_code, alarm), since_at, coalesce(page_text, detail)
    FROM ops.alarms
    WHERE cleared_at IS NULL AND (severity = 'critical' OR page_text IS NOT NULL)
    UNION ALL
    SELECT 2, 'provider_down', min(finished_at),
           'The provider of reference prices does not answer: prices stay as they are until it does.'
    FROM answers
    WHERE NOT is_answer
        AND finished_at > coalesce((SELECT max(finished_at) FROM answers WHERE is_answer), timestamptz '-infinity')
    HAVING count(*) > 0
    UNION ALL
    SELECT 3, page_code, last_at, page_text
    FROM ops.freshness
    WHERE is_late AND alarm IS NULL
), first_of_each AS (
    SELECT DISTINCT ON (code) code, since_at, text FROM found ORDER BY code, precedence, since_at
)
SELECT code, since_at, text FROM first_of_each ORDER BY since_at NULLS LAST;
COMMENT ON VIEW ops.troubles IS 'What is wrong now, in a trader''s words: one row a kind of trouble, the oldest first';
COMMENT ON COLUMN ops.troubles.code IS 'capture_down, provider_down, prices_late, data_late, or the name of an alarm';
COMMENT ON COLUMN ops.troubles.since_at IS 'Since when; NULL: since the platform first ran';
COMMENT ON COLUMN ops.troubles.text IS 'What it means for a trader';
