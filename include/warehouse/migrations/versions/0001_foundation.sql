-- Layers: raw (what was loaded), curated (what analysts read), ops (how it came about), staging (built, not yet checked).
CREATE SCHEMA raw;
COMMENT ON SCHEMA raw IS 'Every accepted or still unchecked row, as loaded from the landing files';
CREATE SCHEMA curated;
COMMENT ON SCHEMA curated IS 'Checked trades, current prices and PnL: what analysts read';
CREATE SCHEMA ops;
COMMENT ON SCHEMA ops IS 'The ledger: files, batches, rejects, gaps, validation results, requests';
CREATE SCHEMA staging;
COMMENT ON SCHEMA staging IS 'PnL that is built and not yet checked; nothing here is meant for readers';

-- ---------------------------------------------------------------- ops: landing files and batches
CREATE TABLE ops.landing_files (
    landing_file_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    landing_file text NOT NULL UNIQUE,
    source text NOT NULL CHECK (source IN ('trades', 'reference_prices')),
    hour_start_at timestamptz NOT NULL,
    loaded_bytes bigint NOT NULL DEFAULT 0,
    line_count bigint NOT NULL DEFAULT 0,
    loaded_count bigint NOT NULL DEFAULT 0,
    duplicate_count bigint NOT NULL DEFAULT 0,
    rejected_count bigint NOT NULL DEFAULT 0,
    event_count bigint NOT NULL DEFAULT 0,
    first_received_at timestamptz,
    last_received_at timestamptz,
    is_connected boolean NOT NULL DEFAULT false,
    is_complete boolean NOT NULL DEFAULT false,
    CONSTRAINT every_line_is_accounted_for
        CHECK (line_count = loaded_count + duplicate_count + rejected_count + event_count)
);
COMMENT ON TABLE ops.landing_files IS 'The ledger: one row a landing file, advanced in the transaction that loads from it';
COMMENT ON COLUMN ops.landing_files.landing_file_id IS 'Number of the file';
COMMENT ON COLUMN ops.landing_files.landing_file IS 'Path below LANDING_ROOT';
COMMENT ON COLUMN ops.landing_files.source IS 'trades or reference_prices';
COMMENT ON COLUMN ops.landing_files.hour_start_at IS 'UTC hour of receipt, from the path';
COMMENT ON COLUMN ops.landing_files.loaded_bytes IS 'Offset up to which the file is loaded, bytes';
COMMENT ON COLUMN ops.landing_files.line_count IS 'Lines up to that offset = loaded + duplicate + rejected + event';
COMMENT ON COLUMN ops.landing_files.loaded_count IS 'Lines that became a row of raw.trades or raw.reference_prices';
COMMENT ON COLUMN ops.landing_files.duplicate_count IS 'Lines with a trade that was loaded before, with the same content';
COMMENT ON COLUMN ops.landing_files.rejected_count IS 'Lines that are in ops.rejected_messages';
COMMENT ON COLUMN ops.landing_files.event_count IS 'Lines of the journal: connections, heartbeats, failed requests';
COMMENT ON COLUMN ops.landing_files.first_received_at IS 'Time of the first line';
COMMENT ON COLUMN ops.landing_files.last_received_at IS 'Time of the last line loaded';
COMMENT ON COLUMN ops.landing_files.is_connected IS 'Whether the writer was connected to the exchange at that offset';
COMMENT ON COLUMN ops.landing_files.is_complete IS 'The writer is gone and all it wrote is loaded';

CREATE TABLE ops.load_batches (
    load_batch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL CHECK (source IN ('trades', 'reference_prices')),
    landing_file_id bigint NOT NULL REFERENCES ops.landing_files,
    from_bytes bigint NOT NULL,
    to_bytes bigint NOT NULL,
    line_count bigint NOT NULL,
    loaded_count bigint NOT NULL,
    duplicate_count bigint NOT NULL,
    rejected_count bigint NOT NULL,
    event_count bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('loaded', 'accepted', 'blocked')),
    loaded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    validated_at timestamptz,
    review text CHECK (review IN ('accepted', 'discarded')),
    review_reason text,
    reviewed_at timestamptz,
    CONSTRAINT every_line_is_accounted_for
        CHECK (line_count = loaded_count + duplicate_count + rejected_count + event_count),
    CONSTRAINT a_review_has_a_reason
        CHECK ((review IS NULL) = (review_reason IS NULL) AND (review IS NULL) = (reviewed_at IS NULL))
);
CREATE INDEX load_batches_landing_file_id ON ops.load_batches (landing_file_id);
CREATE INDEX load_batches_not_accepted ON ops.load_batches (state) WHERE state <> 'accepted';
COMMENT ON TABLE ops.load_batches IS 'One row a load: a stretch of one landing file, loaded in one transaction';
COMMENT ON COLUMN ops.load_batches.load_batch_id IS 'Number of the batch; every raw row carries it';
COMMENT ON COLUMN ops.load_batches.source IS 'trades or reference_prices';
COMMENT ON COLUMN ops.load_batches.landing_file_id IS 'The file';
COMMENT ON COLUMN ops.load_batches.from_bytes IS 'Offset of the first byte';
COMMENT ON COLUMN ops.load_batches.to_bytes IS 'Offset after the last byte';
COMMENT ON COLUMN ops.load_batches.line_count IS 'Lines = loaded + duplicate + rejected + event';
COMMENT ON COLUMN ops.load_batches.loaded_count IS 'Lines that became a row of raw.trades or raw.reference_prices';
COMMENT ON COLUMN ops.load_batches.duplicate_count IS 'Lines with a trade that was loaded before, with the same content';
COMMENT ON COLUMN ops.load_batches.rejected_count IS 'Lines that are in ops.rejected_messages';
COMMENT ON COLUMN ops.load_batches.event_count IS 'Lines of the journal';
COMMENT ON COLUMN ops.load_batches.state IS 'loaded: not checked yet; accepted: counts; blocked: broke a critical expectation, does not count';
COMMENT ON COLUMN ops.load_batches.loaded_at IS 'When it was loaded';
COMMENT ON COLUMN ops.load_batches.validated_at IS 'When it was last checked; NULL for a batch of events only';
COMMENT ON COLUMN ops.load_batches.review IS 'What an engineer decided of a blocked batch: accepted or discarded';
COMMENT ON COLUMN ops.load_batches.review_reason IS 'Why, in the engineer''s words';
COMMENT ON COLUMN ops.load_batches.reviewed_at IS 'When';

CREATE TABLE ops.rejected_messages (
    landing_file_id bigint NOT NULL REFERENCES ops.landing_files,
    line_number bigint NOT NULL,
    load_batch_id bigint NOT NULL REFERENCES ops.load_batches,
    source text NOT NULL CHECK (source IN ('trades', 'reference_prices')),
    reason_code text NOT NULL,
    detail text NOT NULL,
    raw text NOT NULL,
    received_at timestamptz,
    PRIMARY KEY (landing_file_id, line_number)
);
CREATE INDEX rejected_messages_load_batch_id ON ops.rejected_messages (load_batch_id);
COMMENT ON TABLE ops.rejected_messages IS 'Every captured line that became neither a row nor an event, and why';
COMMENT ON COLUMN ops.rejected_messages.landing_file_id IS 'The file';
COMMENT ON COLUMN ops.rejected_messages.line_number IS 'The line in it, from 1';
COMMENT ON COLUMN ops.rejected_messages.load_batch_id IS 'The load that met it';
COMMENT ON COLUMN ops.rejected_messages.source IS 'trades or reference_prices';
COMMENT ON COLUMN ops.rejected_messages.reason_code IS 'Why, as a code; docs/data_dictionary.md lists them';
COMMENT ON COLUMN ops.rejected_messages.detail IS 'Why, in words';
COMMENT ON COLUMN ops.rejected_messages.raw IS 'The message (at most 10,000 characters, NUL shown as \u0000; the file has it whole)';
COMMENT ON COLUMN ops.rejected_messages.received_at IS 'When it was received';

-- ---------------------------------------------------------------- ops: connection and gaps
CREATE TABLE ops.connected_intervals (
    landing_file_id bigint NOT NULL REFERENCES ops.landing_files,
    connected_from timestamptz NOT NULL,
    connected_until timestamptz NOT NULL,
    PRIMARY KEY (landing_file_id, connected_from),
    CHECK (connected_until >= connected_from)
);
CREATE INDEX connected_intervals_span ON ops.connected_intervals (connected_until, connected_from);
COMMENT ON TABLE ops.connected_intervals IS 'When a capture line was provably connected to the exchange, from the journal in its files';
COMMENT ON COLUMN ops.connected_intervals.landing_file_id IS 'The file whose journal says so';
COMMENT ON COLUMN ops.connected_intervals.connected_from IS 'Connected, or the file began while connected';
COMMENT ON COLUMN ops.connected_intervals.connected_until IS 'Last proof of life: message, heartbeat or orderly end';

CREATE TABLE ops.landing_scans (
    source text PRIMARY KEY CHECK (source IN ('trades', 'reference_prices')),
    scanned_at timestamptz NOT NULL
);
COMMENT ON TABLE ops.landing_scans IS 'Up to when the landing files are known: what no file proves by then was not captured';
COMMENT ON COLUMN ops.landing_scans.source IS 'trades or reference_prices';
COMMENT ON COLUMN ops.landing_scans.scanned_at IS 'When all landing files were last looked through';

-- ---------------------------------------------------------------- raw
CREATE TABLE raw.delivery_periods (
    delivery_day date NOT NULL,
    delivery_hour text COLLATE "C" NOT NULL,
    delivery_start_at timestamptz NOT NULL,
    delivery_end_at timestamptz NOT NULL,
    delivery_hours numeric NOT NULL CHECK (delivery_hours > 0),
    is_dst_ambiguous boolean NOT NULL,
    tradable_from timestamptz NOT NULL,
    tradable_until timestamptz NOT NULL,
    price_final_from timestamptz NOT NULL,
    PRIMARY KEY (delivery_day, delivery_hour)
);
CREATE INDEX delivery_periods_start ON raw.delivery_periods (delivery_start_at);
COMMENT ON TABLE raw.delivery_periods IS 'What the market''s calendar says of each delivery period that was ever traded or priced';
COMMENT ON COLUMN raw.delivery_periods.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN raw.delivery_periods.delivery_hour IS 'Label as the sources give it, local time';
COMMENT ON COLUMN raw.delivery_periods.delivery_start_at IS 'Start of delivery, inclusive';
COMMENT ON COLUMN raw.delivery_periods.delivery_end_at IS 'End of delivery, exclusive';
COMMENT ON COLUMN raw.delivery_periods.delivery_hours IS 'MW x this = MWh';
COMMENT ON COLUMN raw.delivery_periods.is_dst_ambiguous IS 'The label occurs twice on that day (October change) and stands for both';
COMMENT ON COLUMN raw.delivery_periods.tradable_from IS 'When trading opens';
COMMENT ON COLUMN raw.delivery_periods.tradable_until IS 'Gate closure';
COMMENT ON COLUMN raw.delivery_periods.price_final_from IS 'A reference price observed from then on is final';

CREATE TABLE raw.trades (
    trade_id text COLLATE "C" NOT NULL,
    trader_id text COLLATE "C" NOT NULL,
    direction text COLLATE "C" NOT NULL,
    price_eur_per_mwh numeric NOT NULL,
    quantity_mw numeric NOT NULL,
    delivery_day date NOT NULL,
    delivery_hour text COLLATE "C" NOT NULL,
    delivery_start_at timestamptz NOT NULL,
    delivery_end_at timestamptz NOT NULL,
    executed_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    load_batch_id bigint NOT NULL,
    landing_file_id bigint NOT NULL,
    line_number bigint NOT NULL,
    PRIMARY KEY (trade_id)
);
CREATE INDEX trades_delivery_period ON raw.trades (delivery_day, delivery_hour);
CREATE INDEX trades_load_batch_id ON raw.trades USING brin (load_batch_id) WITH (autosummarize = on);
COMMENT ON TABLE raw.trades IS 'Every trade once, the first copy that was loaded; curated.trades shows those that count';
COMMENT ON COLUMN raw.trades.trade_id IS 'The exchange''s id: opaque, unique';
COMMENT ON COLUMN raw.trades.trader_id IS 'Who traded';
COMMENT ON COLUMN raw.trades.direction IS 'buy or sell';
COMMENT ON COLUMN raw.trades.price_eur_per_mwh IS 'Price, EUR/MWh; negative and zero are ordinary';
COMMENT ON COLUMN raw.trades.quantity_mw IS 'Power, MW (not energy)';
COMMENT ON COLUMN raw.trades.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN raw.trades.delivery_hour IS 'Label as the exchange gives it, local time';
COMMENT ON COLUMN raw.trades.delivery_start_at IS 'Start of delivery, inclusive';
COMMENT ON COLUMN raw.trades.delivery_end_at IS 'End of delivery, exclusive';
COMMENT ON COLUMN raw.trades.executed_at IS 'Execution time as the exchange says; may be wrong by hours';
COMMENT ON COLUMN raw.trades.received_at IS 'When capture received it';
COMMENT ON COLUMN raw.trades.load_batch_id IS 'The load that brought it';
COMMENT ON COLUMN raw.trades.landing_file_id IS 'The landing file it came from';
COMMENT ON COLUMN raw.trades.line_number IS 'The line in that file, from 1';

CREATE TABLE raw.reference_prices (
    delivery_day date NOT NULL,
    delivery_hour text COLLATE "C" NOT NULL,
    price_eur_per_mwh numeric,
    provider_updated_at timestamptz,
    observed_at timestamptz NOT NULL,
    load_batch_id bigint NOT NULL,
    landing_file_id bigint NOT NULL,
    line_number bigint NOT NULL,
    PRIMARY KEY (landing_file_id, line_number)
);
CREATE INDEX reference_prices_load_batch_id ON raw.reference_prices USING brin (load_batch_id) WITH (autosummarize = on);
CREATE INDEX reference_prices_delivery_period ON raw.reference_prices (delivery_day, delivery_hour, observed_at DESC);
COMMENT ON TABLE raw.reference_prices IS 'Every observation of a reference price, revisions included';
COMMENT ON COLUMN raw.reference_prices.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN raw.reference_prices.delivery_hour IS 'Label, local time';
COMMENT ON COLUMN raw.reference_prices.price_eur_per_mwh IS 'EUR/MWh; NULL: the provider had none yet (undefined), never 0 for that';
COMMENT ON COLUMN raw.reference_prices.provider_updated_at IS 'The provider''s time of the value';
COMMENT ON COLUMN raw.reference_prices.observed_at IS 'When we received the reply';
COMMENT ON COLUMN raw.reference_prices.load_batch_id IS 'The load that brought it';
COMMENT ON COLUMN raw.reference_prices.landing_file_id IS 'The landing file it came from';
COMMENT ON COLUMN raw.reference_prices.line_number IS 'The line in that file, from 1';

-- ---------------------------------------------------------------- ops: validation, requests, what is to be built
CREATE TABLE ops.validation_results (
    validation_result_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    validation_id text NOT NULL,
    validated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    suite text NOT NULL,
    expectation text NOT NULL,
    column_name text,
    severity text NOT NULL CHECK (severity IN ('critical', 'warning', 'info')),
    is_success boolean NOT NULL,
    unexpected_count bigint,
    detail text NOT NULL,
    load_batch_ids bigint[] NOT NULL DEFAULT '{}'
);
CREATE INDEX validation_results_validated_at ON ops.validation_results (validated_at);
COMMENT ON TABLE ops.validation_results IS 'Every expectation of every validation and how it came out';
COMMENT ON COLUMN ops.validation_results.validation_result_id IS 'Number of the result';
COMMENT ON COLUMN ops.validation_results.validation_id IS 'One validation of one suite; the same name in the data docs';
COMMENT ON COLUMN ops.validation_results.validated_at IS 'When';
COMMENT ON COLUMN ops.validation_results.suite IS 'trades, reference_prices or pnl_hourly';
COMMENT ON COLUMN ops.validation_results.expectation IS 'What was expected, in words';
COMMENT ON COLUMN ops.validation_results.column_name IS 'Of which column; NULL: of the whole';
COMMENT ON COLUMN ops.validation_results.severity IS 'critical stops the run, warning is reported';
COMMENT ON COLUMN ops.validation_results.is_success IS 'Whether the data met it';
COMMENT ON COLUMN ops.validation_results.unexpected_count IS 'Rows that did not, where it is about rows';
COMMENT ON COLUMN ops.validation_results.detail IS 'What was seen, in words';
COMMENT ON COLUMN ops.validation_results.load_batch_ids IS 'The batches that were checked';

CREATE TABLE ops.provider_requests (
    provider_request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_day date NOT NULL,
    delivery_hour text COLLATE "C" NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    status integer,
    retry_at timestamptz
);
CREATE INDEX provider_requests_requested_at ON ops.provider_requests (requested_at);
CREATE INDEX provider_requests_delivery_period ON ops.provider_requests (delivery_day, delivery_hour, finished_at DESC);
CREATE INDEX provider_requests_retry_at ON ops.provider_requests (retry_at) WHERE retry_at IS NOT NULL;
COMMENT ON TABLE ops.provider_requests IS 'The provider''s budget as spent: one row a request, by whichever process';
COMMENT ON COLUMN ops.provider_requests.provider_request_id IS 'Number of the request';
COMMENT ON COLUMN ops.provider_requests.delivery_day IS 'Delivery day asked for';
COMMENT ON COLUMN ops.provider_requests.delivery_hour IS 'Delivery hour asked for';
COMMENT ON COLUMN ops.provider_requests.requested_at IS 'When the budget was taken, server time';
COMMENT ON COLUMN ops.provider_requests.finished_at IS 'When the answer was there; NULL: under way, or the process died';
COMMENT ON COLUMN ops.provider_requests.status IS 'HTTP status; NULL: no answer';
COMMENT ON COLUMN ops.provider_requests.retry_at IS 'The provider asked all of us to wait until then (Retry-After)';

CREATE TABLE ops.pending_delivery_periods (
    pending_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_day date NOT NULL,
    delivery_hour text COLLATE "C" NOT NULL,
    cause text NOT NULL,
    pending_since timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX pending_delivery_periods_key ON ops.pending_delivery_periods (delivery_day, delivery_hour);
COMMENT ON TABLE ops.pending_delivery_periods IS 'Delivery periods whose inputs changed since their PnL was built';
COMMENT ON COLUMN ops.pending_delivery_periods.pending_id IS 'Number of the change';
COMMENT ON COLUMN ops.pending_delivery_periods.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN ops.pending_delivery_periods.delivery_hour IS 'Label, local time';
COMMENT ON COLUMN ops.pending_delivery_periods.cause IS 'trades, reference_prices or capture_gaps';
COMMENT ON COLUMN ops.pending_delivery_periods.pending_since IS 'Since when';

-- ---------------------------------------------------------------- gaps
CREATE VIEW ops.capture_gaps AS
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
    extract(epoch FROM upper(gap) - lower(gap)) AS gap_seconds,
    coalesce(lower(gap) >= last_connected_at, true) AS is_ongoing
FROM gaps
WHERE NOT isempty(gap);
COMMENT ON VIEW ops.capture_gaps IS 'When no capture line was connected, as far as the landing files are known; what was sent then is not in them';
COMMENT ON COLUMN ops.capture_gaps.gap_start_at IS 'Last proof of a connection; for the first gap, when the earliest known delivery period opened';
COMMENT ON COLUMN ops.capture_gaps.gap_end_at IS 'Connected again, or known up to here';
COMMENT ON COLUMN ops.capture_gaps.gap_seconds IS 'Length, s';
COMMENT ON COLUMN ops.capture_gaps.is_ongoing IS 'No line has connected again as far as is known';

CREATE FUNCTION ops.capture_gap_seconds(period_from timestamptz, period_until timestamptz) RETURNS numeric
LANGUAGE sql STABLE
RETURN (
    SELECT coalesce(sum(extract(epoch FROM least(gap_end_at, period_until) - greatest(gap_start_at, period_from))), 0)
    FROM ops.capture_gaps
    WHERE gap_start_at < period_until AND gap_end_at > period_from
);
COMMENT ON FUNCTION ops.capture_gap_seconds IS 'Seconds without any connected line within a time span, as far as is known';

-- ---------------------------------------------------------------- curated: inputs that count
CREATE VIEW curated.trades AS
SELECT
    t.trade_id, t.trader_id, t.direction, t.price_eur_per_mwh, t.quantity_mw,
    t.quantity_mw * p.delivery_hours AS energy_mwh,
    t.delivery_day, t.delivery_hour, t.delivery_start_at, t.delivery_end_at,
    t.executed_at, t.received_at, t.load_batch_id, t.landing_file_id, t.line_number
FROM raw.trades AS t
JOIN raw.delivery_periods AS p USING (delivery_day, delivery_hour)
JOIN ops.load_batches AS b USING (load_batch_id)
WHERE b.state = 'accepted';
COMMENT ON VIEW curated.trades IS 'The trades that count: each once, of accepted batches';
COMMENT ON COLUMN curated.trades.trade_id IS 'The exchange''s id: opaque, unique';
COMMENT ON COLUMN curated.trades.trader_id IS 'Who traded';
COMMENT ON COLUMN curated.trades.direction IS 'buy or sell';
COMMENT ON COLUMN curated.trades.price_eur_per_mwh IS 'Price, EUR/MWh; negative and zero are ordinary';
COMMENT ON COLUMN curated.trades.quantity_mw IS 'Power, MW';
COMMENT ON COLUMN curated.trades.energy_mwh IS 'Energy, MWh: power x hours of delivery';
COMMENT ON COLUMN curated.trades.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN curated.trades.delivery_hour IS 'Label as the exchange gives it, local time';
COMMENT ON COLUMN curated.trades.delivery_start_at IS 'Start of delivery, inclusive';
COMMENT ON COLUMN curated.trades.delivery_end_at IS 'End of delivery, exclusive';
COMMENT ON COLUMN curated.trades.executed_at IS 'Execution time as the exchange says; may be wrong by hours';
COMMENT ON COLUMN curated.trades.received_at IS 'When capture received it';
COMMENT ON COLUMN curated.trades.load_batch_id IS 'The load that brought it';
COMMENT ON COLUMN curated.trades.landing_file_id IS 'The landing file it came from';
COMMENT ON COLUMN curated.trades.line_number IS 'The line in that file, from 1';

CREATE VIEW curated.reference_prices AS
SELECT DISTINCT ON (r.delivery_day, r.delivery_hour)
    r.delivery_day, r.delivery_hour, p.delivery_start_at, p.delivery_end_at,
    r.price_eur_per_mwh,
    CASE WHEN r.observed_at >= p.price_final_from THEN 'final' ELSE 'provisional' END AS price_status,
    r.provider_updated_at, r.observed_at, r.load_batch_id
FROM raw.reference_prices AS r
JOIN raw.delivery_periods AS p USING (delivery_day, delivery_hour)
JOIN ops.load_batches AS b USING (load_batch_id)
WHERE b.state = 'accepted' AND r.price_eur_per_mwh IS NOT NULL
ORDER BY r.delivery_day, r.delivery_hour, r.observed_at DESC, r.provider_updated_at DESC NULLS LAST,
         r.price_eur_per_mwh;
COMMENT ON VIEW curated.reference_prices IS 'The current reference price of each delivery period: the last one observed that was defined; no row, no price';
COMMENT ON COLUMN curated.reference_prices.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN curated.reference_prices.delivery_hour IS 'Label, local time';
COMMENT ON COLUMN curated.reference_prices.delivery_start_at IS 'Start of delivery, inclusive';
COMMENT ON COLUMN curated.reference_prices.delivery_end_at IS 'End of delivery, exclusive';
COMMENT ON COLUMN curated.reference_prices.price_eur_per_mwh IS 'Reference price, EUR/MWh';
COMMENT ON COLUMN curated.reference_prices.price_status IS 'final: observed after the last publication; provisional: it may still move';
COMMENT ON COLUMN curated.reference_prices.provider_updated_at IS 'The provider''s time of the value';
COMMENT ON COLUMN curated.reference_prices.observed_at IS 'When we received it';
COMMENT ON COLUMN curated.reference_prices.load_batch_id IS 'The load that brought it';

-- ---------------------------------------------------------------- curated: PnL
CREATE TABLE curated.pnl_hourly (
    delivery_day date NOT NULL,
    delivery_hour text COLLATE "C" NOT NULL,
    trader_id text COLLATE "C" NOT NULL,
    delivery_start_at timestamptz NOT NULL,
    delivery_end_at timestamptz NOT NULL,
    trade_count bigint NOT NULL,
    buy_mwh numeric NOT NULL,
    sell_mwh numeric NOT NULL,
    net_position_mwh numeric NOT NULL,
    buy_vwap_eur_per_mwh numeric,
    sell_vwap_eur_per_mwh numeric,
    average_price_eur_per_mwh numeric,
    cash_flow_eur numeric NOT NULL,
    reference_price_eur_per_mwh numeric,
    price_status text NOT NULL,
    pnl_eur numeric,
    realised_pnl_eur numeric NOT NULL,
    unrealised_pnl_eur numeric,
    performance_eur_per_mwh numeric,
    capture_gap_seconds numeric NOT NULL,
    is_complete boolean NOT NULL,
    built_at timestamptz NOT NULL,
    buy_value_eur numeric NOT NULL,
    sell_value_eur numeric NOT NULL,
    PRIMARY KEY (delivery_day, delivery_hour, trader_id)
);
COMMENT ON TABLE curated.pnl_hourly IS 'PnL of each trader in each delivery period: one row (delivery_day, delivery_hour, trader_id)';
COMMENT ON COLUMN curated.pnl_hourly.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN curated.pnl_hourly.delivery_hour IS 'Label as the sources give it, local time';
COMMENT ON COLUMN curated.pnl_hourly.trader_id IS 'Who traded';
COMMENT ON COLUMN curated.pnl_hourly.delivery_start_at IS 'Start of delivery, inclusive';
COMMENT ON COLUMN curated.pnl_hourly.delivery_end_at IS 'End of delivery, exclusive';
COMMENT ON COLUMN curated.pnl_hourly.trade_count IS 'Number of trades';
COMMENT ON COLUMN curated.pnl_hourly.buy_mwh IS 'Energy bought, MWh';
COMMENT ON COLUMN curated.pnl_hourly.sell_mwh IS 'Energy sold, MWh';
COMMENT ON COLUMN curated.pnl_hourly.net_position_mwh IS 'buy_mwh - sell_mwh, MWh; long is positive';
COMMENT ON COLUMN curated.pnl_hourly.buy_vwap_eur_per_mwh IS 'Average price of what was bought, EUR/MWh; NULL: nothing bought';
COMMENT ON COLUMN curated.pnl_hourly.sell_vwap_eur_per_mwh IS 'Average price of what was sold, EUR/MWh; NULL: nothing sold';
COMMENT ON COLUMN curated.pnl_hourly.average_price_eur_per_mwh IS 'Average price of all trades, EUR/MWh';
COMMENT ON COLUMN curated.pnl_hourly.cash_flow_eur IS 'Income from sells less cost of buys, EUR';
COMMENT ON COLUMN curated.pnl_hourly.reference_price_eur_per_mwh IS 'Reference price, EUR/MWh; NULL: none yet';
COMMENT ON COLUMN curated.pnl_hourly.price_status IS 'final, provisional or missing';
COMMENT ON COLUMN curated.pnl_hourly.pnl_eur IS 'cash_flow_eur + net_position_mwh x reference price, EUR; NULL without a price';
COMMENT ON COLUMN curated.pnl_hourly.realised_pnl_eur IS 'EUR earned by what was both bought and sold: min(buy_mwh, sell_mwh) x (sell_vwap - buy_vwap)';
COMMENT ON COLUMN curated.pnl_hourly.unrealised_pnl_eur IS 'pnl_eur - realised_pnl_eur, EUR: the open position against the reference price';
COMMENT ON COLUMN curated.pnl_hourly.performance_eur_per_mwh IS 'How are we doing: pnl_eur / (buy_mwh + sell_mwh), EUR/MWh; NULL without a price';
COMMENT ON COLUMN curated.pnl_hourly.capture_gap_seconds IS 'Time without any connected line while the period was tradable, s, as far as is known';
COMMENT ON COLUMN curated.pnl_hourly.is_complete IS 'No such second';
COMMENT ON COLUMN curated.pnl_hourly.built_at IS 'When the row last changed';
COMMENT ON COLUMN curated.pnl_hourly.buy_value_eur IS 'Cost of buys, EUR: sum of energy x price';
COMMENT ON COLUMN curated.pnl_hourly.sell_value_eur IS 'Income from sells, EUR: sum of energy x price';
CREATE INDEX pnl_hourly_start ON curated.pnl_hourly (delivery_start_at);
CREATE TABLE curated.pnl_hourly_history (
    delivery_day date NOT NULL,
    delivery_hour text COLLATE "C" NOT NULL,
    trader_id text COLLATE "C" NOT NULL,
    delivery_start_at timestamptz NOT NULL,
    delivery_end_at timestamptz NOT NULL,
    trade_count bigint NOT NULL,
    buy_mwh numeric NOT NULL,
    sell_mwh numeric NOT NULL,
    net_position_mwh numeric NOT NULL,
    buy_vwap_eur_per_mwh numeric,
    sell_vwap_eur_per_mwh numeric,
    average_price_eur_per_mwh numeric,
    cash_flow_eur numeric NOT NULL,
    reference_price_eur_per_mwh numeric,
    price_status text NOT NULL,
    pnl_eur numeric,
    realised_pnl_eur numeric NOT NULL,
    unrealised_pnl_eur numeric,
    performance_eur_per_mwh numeric,
    capture_gap_seconds numeric NOT NULL,
    is_complete boolean NOT NULL,
    built_at timestamptz NOT NULL,
    buy_value_eur numeric NOT NULL,
    sell_value_eur numeric NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    PRIMARY KEY (delivery_day, delivery_hour, trader_id, valid_from)
);
COMMENT ON TABLE curated.pnl_hourly_history IS 'Every version of every row of curated.pnl_hourly';
COMMENT ON COLUMN curated.pnl_hourly_history.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN curated.pnl_hourly_history.delivery_hour IS 'Label as the sources give it, local time';
COMMENT ON COLUMN curated.pnl_hourly_history.trader_id IS 'Who traded';
COMMENT ON COLUMN curated.pnl_hourly_history.delivery_start_at IS 'Start of delivery, inclusive';
COMMENT ON COLUMN curated.pnl_hourly_history.delivery_end_at IS 'End of delivery, exclusive';
COMMENT ON COLUMN curated.pnl_hourly_history.trade_count IS 'Number of trades';
COMMENT ON COLUMN curated.pnl_hourly_history.buy_mwh IS 'Energy bought, MWh';
COMMENT ON COLUMN curated.pnl_hourly_history.sell_mwh IS 'Energy sold, MWh';
COMMENT ON COLUMN curated.pnl_hourly_history.net_position_mwh IS 'buy_mwh - sell_mwh, MWh; long is positive';
COMMENT ON COLUMN curated.pnl_hourly_history.buy_vwap_eur_per_mwh IS 'Average price of what was bought, EUR/MWh; NULL: nothing bought';
COMMENT ON COLUMN curated.pnl_hourly_history.sell_vwap_eur_per_mwh IS 'Average price of what was sold, EUR/MWh; NULL: nothing sold';
COMMENT ON COLUMN curated.pnl_hourly_history.average_price_eur_per_mwh IS 'Average price of all trades, EUR/MWh';
COMMENT ON COLUMN curated.pnl_hourly_history.cash_flow_eur IS 'Income from sells less cost of buys, EUR';
COMMENT ON COLUMN curated.pnl_hourly_history.reference_price_eur_per_mwh IS 'Reference price, EUR/MWh; NULL: none yet';
COMMENT ON COLUMN curated.pnl_hourly_history.price_status IS 'final, provisional or missing';
COMMENT ON COLUMN curated.pnl_hourly_history.pnl_eur IS 'cash_flow_eur + net_position_mwh x reference price, EUR; NULL without a price';
COMMENT ON COLUMN curated.pnl_hourly_history.realised_pnl_eur IS 'EUR earned by what was both bought and sold: min(buy_mwh, sell_mwh) x (sell_vwap - buy_vwap)';
COMMENT ON COLUMN curated.pnl_hourly_history.unrealised_pnl_eur IS 'pnl_eur - realised_pnl_eur, EUR: the open position against the reference price';
COMMENT ON COLUMN curated.pnl_hourly_history.performance_eur_per_mwh IS 'How are we doing: pnl_eur / (buy_mwh + sell_mwh), EUR/MWh; NULL without a price';
COMMENT ON COLUMN curated.pnl_hourly_history.capture_gap_seconds IS 'Time without any connected line while the period was tradable, s, as far as is known';
COMMENT ON COLUMN curated.pnl_hourly_history.is_complete IS 'No such second';
COMMENT ON COLUMN curated.pnl_hourly_history.built_at IS 'When the row last changed';
COMMENT ON COLUMN curated.pnl_hourly_history.buy_value_eur IS 'Cost of buys, EUR: sum of energy x price';
COMMENT ON COLUMN curated.pnl_hourly_history.sell_value_eur IS 'Income from sells, EUR: sum of energy x price';
COMMENT ON COLUMN curated.pnl_hourly_history.valid_from IS 'When this version was published';
COMMENT ON COLUMN curated.pnl_hourly_history.valid_to IS 'When it was replaced or removed; NULL: it stands';
CREATE TABLE staging.pnl_hourly (
    delivery_day date NOT NULL,
    delivery_hour text COLLATE "C" NOT NULL,
    trader_id text COLLATE "C" NOT NULL,
    delivery_start_at timestamptz NOT NULL,
    delivery_end_at timestamptz NOT NULL,
    trade_count bigint NOT NULL,
    buy_mwh numeric NOT NULL,
    sell_mwh numeric NOT NULL,
    net_position_mwh numeric NOT NULL,
    buy_vwap_eur_per_mwh numeric,
    sell_vwap_eur_per_mwh numeric,
    average_price_eur_per_mwh numeric,
    cash_flow_eur numeric NOT NULL,
    reference_price_eur_per_mwh numeric,
    price_status text NOT NULL,
    pnl_eur numeric,
    realised_pnl_eur numeric NOT NULL,
    unrealised_pnl_eur numeric,
    performance_eur_per_mwh numeric,
    capture_gap_seconds numeric NOT NULL,
    is_complete boolean NOT NULL,
    buy_value_eur numeric NOT NULL,
    sell_value_eur numeric NOT NULL,
    build_id bigint NOT NULL,
    PRIMARY KEY (build_id, delivery_day, delivery_hour, trader_id)
);
COMMENT ON TABLE staging.pnl_hourly IS 'PnL as just built: checked here before it replaces rows of curated.pnl_hourly';
COMMENT ON COLUMN staging.pnl_hourly.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN staging.pnl_hourly.delivery_hour IS 'Label as the sources give it, local time';
COMMENT ON COLUMN staging.pnl_hourly.trader_id IS 'Who traded';
COMMENT ON COLUMN staging.pnl_hourly.delivery_start_at IS 'Start of delivery, inclusive';
COMMENT ON COLUMN staging.pnl_hourly.delivery_end_at IS 'End of delivery, exclusive';
COMMENT ON COLUMN staging.pnl_hourly.trade_count IS 'Number of trades';
COMMENT ON COLUMN staging.pnl_hourly.buy_mwh IS 'Energy bought, MWh';
COMMENT ON COLUMN staging.pnl_hourly.sell_mwh IS 'Energy sold, MWh';
COMMENT ON COLUMN staging.pnl_hourly.net_position_mwh IS 'buy_mwh - sell_mwh, MWh; long is positive';
COMMENT ON COLUMN staging.pnl_hourly.buy_vwap_eur_per_mwh IS 'Average price of what was bought, EUR/MWh; NULL: nothing bought';
COMMENT ON COLUMN staging.pnl_hourly.sell_vwap_eur_per_mwh IS 'Average price of what was sold, EUR/MWh; NULL: nothing sold';
COMMENT ON COLUMN staging.pnl_hourly.average_price_eur_per_mwh IS 'Average price of all trades, EUR/MWh';
COMMENT ON COLUMN staging.pnl_hourly.cash_flow_eur IS 'Income from sells less cost of buys, EUR';
COMMENT ON COLUMN staging.pnl_hourly.reference_price_eur_per_mwh IS 'Reference price, EUR/MWh; NULL: none yet';
COMMENT ON COLUMN staging.pnl_hourly.price_status IS 'final, provisional or missing';
COMMENT ON COLUMN staging.pnl_hourly.pnl_eur IS 'cash_flow_eur + net_position_mwh x reference price, EUR; NULL without a price';
COMMENT ON COLUMN staging.pnl_hourly.realised_pnl_eur IS 'EUR earned by what was both bought and sold: min(buy_mwh, sell_mwh) x (sell_vwap - buy_vwap)';
COMMENT ON COLUMN staging.pnl_hourly.unrealised_pnl_eur IS 'pnl_eur - realised_pnl_eur, EUR: the open position against the reference price';
COMMENT ON COLUMN staging.pnl_hourly.performance_eur_per_mwh IS 'How are we doing: pnl_eur / (buy_mwh + sell_mwh), EUR/MWh; NULL without a price';
COMMENT ON COLUMN staging.pnl_hourly.capture_gap_seconds IS 'Time without any connected line while the period was tradable, s, as far as is known';
COMMENT ON COLUMN staging.pnl_hourly.is_complete IS 'No such second';
COMMENT ON COLUMN staging.pnl_hourly.buy_value_eur IS 'Cost of buys, EUR: sum of energy x price';
COMMENT ON COLUMN staging.pnl_hourly.sell_value_eur IS 'Income from sells, EUR: sum of energy x price';
COMMENT ON COLUMN staging.pnl_hourly.build_id IS 'The build it belongs to';
CREATE SEQUENCE staging.build_id;

CREATE FUNCTION curated.pnl_hourly_as_of(as_of timestamptz) RETURNS SETOF curated.pnl_hourly
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT
        delivery_day, delivery_hour, trader_id, delivery_start_at, delivery_end_at, trade_count, buy_mwh, sell_mwh, net_position_mwh, buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh, cash_flow_eur, reference_price_eur_per_mwh, price_status, pnl_eur, realised_pnl_eur, unrealised_pnl_eur, performance_eur_per_mwh, capture_gap_seconds, is_complete, built_at, buy_value_eur, sell_value_eur
    FROM curated.pnl_hourly_history
    WHERE valid_from <= as_of AND (valid_to IS NULL OR valid_to > as_of);
END;
COMMENT ON FUNCTION curated.pnl_hourly_as_of IS 'What curated.pnl_hourly said at that moment';

CREATE VIEW curated.pnl_daily AS
SELECT
    delivery_day,
    trader_id,
    count(DISTINCT delivery_hour) AS delivery_period_count,
    count(DISTINCT delivery_hour) FILTER (WHERE price_status = 'missing') AS missing_price_count,
    sum(trade_count)::bigint AS trade_count,
    sum(buy_mwh) AS buy_mwh,
    sum(sell_mwh) AS sell_mwh,
    sum(net_position_mwh) AS net_position_mwh,
    trim_scale(round(sum(buy_value_eur)::numeric(100, 30) / nullif(sum(buy_mwh), 0), 12)) AS buy_vwap_eur_per_mwh,
    trim_scale(round(sum(sell_value_eur)::numeric(100, 30) / nullif(sum(sell_mwh), 0), 12)) AS sell_vwap_eur_per_mwh,
    trim_scale(round(sum(buy_value_eur + sell_value_eur)::numeric(100, 30) / nullif(sum(buy_mwh + sell_mwh), 0), 12))
        AS average_price_eur_per_mwh,
    sum(cash_flow_eur) AS cash_flow_eur,
    CASE WHEN bool_or(price_status = 'missing') THEN 'missing'
         WHEN bool_or(price_status = 'provisional') THEN 'provisional' ELSE 'final' END AS price_status,
    CASE WHEN count(pnl_eur) = count(*) THEN sum(pnl_eur) END AS pnl_eur,
    sum(pnl_eur) AS priced_pnl_eur,
    sum(realised_pnl_eur) AS realised_pnl_eur,
    CASE WHEN count(pnl_eur) = count(*) THEN sum(unrealised_pnl_eur) END AS unrealised_pnl_eur,
    trim_scale(round(CASE WHEN count(pnl_eur) = count(*) THEN sum(pnl_eur) END::numeric(100, 30)
        / nullif(sum(buy_mwh + sell_mwh), 0), 12)) AS performance_eur_per_mwh,
    count(DISTINCT delivery_hour) FILTER (WHERE NOT is_complete) AS incomplete_period_count,
    bool_and(is_complete) AS is_complete,
    max(built_at) AS built_at
FROM curated.pnl_hourly
GROUP BY delivery_day, trader_id;
COMMENT ON VIEW curated.pnl_daily IS 'PnL of each trader in each delivery day';
COMMENT ON COLUMN curated.pnl_daily.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN curated.pnl_daily.trader_id IS 'Who traded';
COMMENT ON COLUMN curated.pnl_daily.delivery_period_count IS 'Delivery periods with trades';
COMMENT ON COLUMN curated.pnl_daily.missing_price_count IS 'Of these, periods without a reference price';
COMMENT ON COLUMN curated.pnl_daily.trade_count IS 'Number of trades';
COMMENT ON COLUMN curated.pnl_daily.buy_mwh IS 'Energy bought, MWh';
COMMENT ON COLUMN curated.pnl_daily.sell_mwh IS 'Energy sold, MWh';
COMMENT ON COLUMN curated.pnl_daily.net_position_mwh IS 'buy_mwh - sell_mwh, MWh; long is positive';
COMMENT ON COLUMN curated.pnl_daily.buy_vwap_eur_per_mwh IS 'Average price of what was bought, EUR/MWh; NULL: nothing bought';
COMMENT ON COLUMN curated.pnl_daily.sell_vwap_eur_per_mwh IS 'Average price of what was sold, EUR/MWh; NULL: nothing sold';
COMMENT ON COLUMN curated.pnl_daily.average_price_eur_per_mwh IS 'Average price of all trades, EUR/MWh';
COMMENT ON COLUMN curated.pnl_daily.cash_flow_eur IS 'Income from sells less cost of buys, EUR';
COMMENT ON COLUMN curated.pnl_daily.price_status IS 'missing if any period misses its price, else provisional if any price may still move, else final';
COMMENT ON COLUMN curated.pnl_daily.pnl_eur IS 'Sum of the periods, EUR; NULL while any of them has no price';
COMMENT ON COLUMN curated.pnl_daily.priced_pnl_eur IS 'Sum over the periods that have a price, EUR; NULL if none has';
COMMENT ON COLUMN curated.pnl_daily.realised_pnl_eur IS 'Sum of the periods, EUR';
COMMENT ON COLUMN curated.pnl_daily.unrealised_pnl_eur IS 'Sum of the periods, EUR; NULL while any of them has no price';
COMMENT ON COLUMN curated.pnl_daily.performance_eur_per_mwh IS 'pnl_eur / (buy_mwh + sell_mwh), EUR/MWh; NULL while any period has no price';
COMMENT ON COLUMN curated.pnl_daily.incomplete_period_count IS 'Periods that were tradable while no line was connected';
COMMENT ON COLUMN curated.pnl_daily.is_complete IS 'No such period';
COMMENT ON COLUMN curated.pnl_daily.built_at IS 'When the last of its rows changed';

CREATE VIEW curated.portfolio_pnl_hourly AS
SELECT
    delivery_day, delivery_hour, delivery_start_at, delivery_end_at, trader_count, trade_count,
    buy_mwh, sell_mwh, net_position_mwh,
    buy_vwap_eur_per_mwh, sell_vwap_eur_per_mwh, average_price_eur_per_mwh, cash_flow_eur,
    reference_price_eur_per_mwh, price_status, pnl_eur,
    realised_pnl_eur,
    pnl_eur - realised_pnl_eur AS unrealised_pnl_eur,
    trim_scale(round(pnl_eur::numeric(100, 30) / nullif(buy_mwh + sell_mwh, 0), 12)) AS performance_eur_per_mwh,
    capture_gap_seconds, is_complete, built_at, buy_value_eur, sell_value_eur
FROM (
    SELECT
        *,
        CASE
            WHEN buy_mwh = 0 OR sell_mwh = 0 THEN 0
            ELSE trim_scale(round(
                (sell_value_eur * buy_mwh - buy_value_eur * sell_mwh)::numeric(100, 30) / greatest(buy_mwh, sell_mwh), 12))
        END AS realised_pnl_eur
    FROM (
        SELECT
            delivery_day,
            delivery_hour,
            min(delivery_start_at) AS delivery_start_at,
            max(delivery_end_at) AS delivery_end_at,
            count(*) AS trader_count,
            sum(trade_count)::bigint AS trade_count,
            sum(buy_mwh) AS buy_mwh,
            sum(sell_mwh) AS sell_mwh,
            sum(net_position_mwh) AS net_position_mwh,
            trim_scale(round(sum(buy_value_eur)::numeric(100, 30) / nullif(sum(buy_mwh), 0), 12)) AS buy_vwap_eur_per_mwh,
            trim_scale(round(sum(sell_value_eur)::numeric(100, 30) / nullif(sum(sell_mwh), 0), 12)) AS sell_vwap_eur_per_mwh,
            trim_scale(round(sum(buy_value_eur + sell_value_eur)::numeric(100, 30) / nullif(sum(buy_mwh + sell_mwh), 0), 12))
                AS average_price_eur_per_mwh,
            sum(cash_flow_eur) AS cash_flow_eur,
            max(reference_price_eur_per_mwh) AS reference_price_eur_per_mwh,
            max(price_status) AS price_status,
            sum(pnl_eur) AS pnl_eur,
            max(capture_gap_seconds) AS capture_gap_seconds,
            bool_and(is_complete) AS is_complete,
            max(built_at) AS built_at,
            sum(buy_value_eur) AS buy_value_eur,
            sum(sell_value_eur) AS sell_value_eur
        FROM curated.pnl_hourly
        GROUP BY delivery_day, delivery_hour
    ) AS summed
) AS matched;
COMMENT ON VIEW curated.portfolio_pnl_hourly IS 'PnL of the whole portfolio in each delivery period, as if all traders were one: one trader''s buy and another''s sell are realised';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.delivery_hour IS 'Label as the sources give it, local time';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.delivery_start_at IS 'Start of delivery, inclusive';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.delivery_end_at IS 'End of delivery, exclusive';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.trader_count IS 'Traders with trades';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.trade_count IS 'Number of trades';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.buy_mwh IS 'Energy bought, MWh';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.sell_mwh IS 'Energy sold, MWh';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.net_position_mwh IS 'buy_mwh - sell_mwh, MWh; long is positive';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.buy_vwap_eur_per_mwh IS 'Average price of what was bought, EUR/MWh; NULL: nothing bought';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.sell_vwap_eur_per_mwh IS 'Average price of what was sold, EUR/MWh; NULL: nothing sold';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.average_price_eur_per_mwh IS 'Average price of all trades, EUR/MWh';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.cash_flow_eur IS 'Income from sells less cost of buys, EUR';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.reference_price_eur_per_mwh IS 'Reference price, EUR/MWh; NULL: none yet';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.price_status IS 'final, provisional or missing';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.pnl_eur IS 'cash_flow_eur + net_position_mwh x reference price, EUR; NULL without a price';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.realised_pnl_eur IS 'EUR earned by what was both bought and sold: min(buy_mwh, sell_mwh) x (sell_vwap - buy_vwap)';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.unrealised_pnl_eur IS 'pnl_eur - realised_pnl_eur, EUR: the open position against the reference price';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.performance_eur_per_mwh IS 'How are we doing: pnl_eur / (buy_mwh + sell_mwh), EUR/MWh; NULL without a price';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.capture_gap_seconds IS 'Time without any connected line while the period was tradable, s, as far as is known';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.is_complete IS 'No such second';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.built_at IS 'When the last of its rows changed';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.buy_value_eur IS 'Cost of buys, EUR: sum of energy x price';
COMMENT ON COLUMN curated.portfolio_pnl_hourly.sell_value_eur IS 'Income from sells, EUR: sum of energy x price';

CREATE VIEW curated.portfolio_pnl_daily AS
SELECT
    delivery_day,
    count(DISTINCT delivery_hour) AS delivery_period_count,
    count(DISTINCT delivery_hour) FILTER (WHERE price_status = 'missing') AS missing_price_count,
    sum(trade_count)::bigint AS trade_count,
    sum(buy_mwh) AS buy_mwh,
    sum(sell_mwh) AS sell_mwh,
    sum(net_position_mwh) AS net_position_mwh,
    trim_scale(round(sum(buy_value_eur)::numeric(100, 30) / nullif(sum(buy_mwh), 0), 12)) AS buy_vwap_eur_per_mwh,
    trim_scale(round(sum(sell_value_eur)::numeric(100, 30) / nullif(sum(sell_mwh), 0), 12)) AS sell_vwap_eur_per_mwh,
    trim_scale(round(sum(buy_value_eur + sell_value_eur)::numeric(100, 30) / nullif(sum(buy_mwh + sell_mwh), 0), 12))
        AS average_price_eur_per_mwh,
    sum(cash_flow_eur) AS cash_flow_eur,
    CASE WHEN bool_or(price_status = 'missing') THEN 'missing'
         WHEN bool_or(price_status = 'provisional') THEN 'provisional' ELSE 'final' END AS price_status,
    CASE WHEN count(pnl_eur) = count(*) THEN sum(pnl_eur) END AS pnl_eur,
    sum(pnl_eur) AS priced_pnl_eur,
    sum(realised_pnl_eur) AS realised_pnl_eur,
    CASE WHEN count(pnl_eur) = count(*) THEN sum(unrealised_pnl_eur) END AS unrealised_pnl_eur,
    trim_scale(round(CASE WHEN count(pnl_eur) = count(*) THEN sum(pnl_eur) END::numeric(100, 30)
        / nullif(sum(buy_mwh + sell_mwh), 0), 12)) AS performance_eur_per_mwh,
    count(DISTINCT delivery_hour) FILTER (WHERE NOT is_complete) AS incomplete_period_count,
    bool_and(is_complete) AS is_complete,
    max(built_at) AS built_at
FROM curated.portfolio_pnl_hourly
GROUP BY delivery_day;
COMMENT ON VIEW curated.portfolio_pnl_daily IS 'PnL of the whole portfolio in each delivery day';
COMMENT ON COLUMN curated.portfolio_pnl_daily.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN curated.portfolio_pnl_daily.delivery_period_count IS 'Delivery periods with trades';
COMMENT ON COLUMN curated.portfolio_pnl_daily.missing_price_count IS 'Of these, periods without a reference price';
COMMENT ON COLUMN curated.portfolio_pnl_daily.trade_count IS 'Number of trades';
COMMENT ON COLUMN curated.portfolio_pnl_daily.buy_mwh IS 'Energy bought, MWh';
COMMENT ON COLUMN curated.portfolio_pnl_daily.sell_mwh IS 'Energy sold, MWh';
COMMENT ON COLUMN curated.portfolio_pnl_daily.net_position_mwh IS 'buy_mwh - sell_mwh, MWh; long is positive';
COMMENT ON COLUMN curated.portfolio_pnl_daily.buy_vwap_eur_per_mwh IS 'Average price of what was bought, EUR/MWh; NULL: nothing bought';
COMMENT ON COLUMN curated.portfolio_pnl_daily.sell_vwap_eur_per_mwh IS 'Average price of what was sold, EUR/MWh; NULL: nothing sold';
COMMENT ON COLUMN curated.portfolio_pnl_daily.average_price_eur_per_mwh IS 'Average price of all trades, EUR/MWh';
COMMENT ON COLUMN curated.portfolio_pnl_daily.cash_flow_eur IS 'Income from sells less cost of buys, EUR';
COMMENT ON COLUMN curated.portfolio_pnl_daily.price_status IS 'missing if any period misses its price, else provisional if any price may still move, else final';
COMMENT ON COLUMN curated.portfolio_pnl_daily.pnl_eur IS 'Sum of the periods, EUR; NULL while any of them has no price';
COMMENT ON COLUMN curated.portfolio_pnl_daily.priced_pnl_eur IS 'Sum over the periods that have a price, EUR; NULL if none has';
COMMENT ON COLUMN curated.portfolio_pnl_daily.realised_pnl_eur IS 'Sum of the periods, EUR';
COMMENT ON COLUMN curated.portfolio_pnl_daily.unrealised_pnl_eur IS 'Sum of the periods, EUR; NULL while any of them has no price';
COMMENT ON COLUMN curated.portfolio_pnl_daily.performance_eur_per_mwh IS 'pnl_eur / (buy_mwh + sell_mwh), EUR/MWh; NULL while any period has no price';
COMMENT ON COLUMN curated.portfolio_pnl_daily.incomplete_period_count IS 'Periods that were tradable while no line was connected';
COMMENT ON COLUMN curated.portfolio_pnl_daily.is_complete IS 'No such period';
COMMENT ON COLUMN curated.portfolio_pnl_daily.built_at IS 'When the last of its rows changed';
