-- The views of PnL and what they said at a moment, as they are now: env.py runs this after every upgrade, in its
-- transaction. A column that is new comes last: CREATE OR REPLACE VIEW can only append.
CALL staging.follow_pnl_versions();
COMMENT ON VIEW curated.pnl_hourly IS 'PnL of each trader in each hour of delivery: one row (market, delivery_day, delivery_hour, trader_id)';
COMMENT ON VIEW curated.pnl_hourly_history IS 'Every version of every row of curated.pnl_hourly';
COMMENT ON FUNCTION curated.pnl_hourly_as_of IS 'What curated.pnl_hourly said at that moment; an error for one in the future';

-- ---------------------------------------------------------------- sums over traders and over time
-- Which rows of PnL are summed up by which keys, expressions with a name or columns. `measures`: hour, all traders of a
-- delivery period as if they were one; period, delivery periods one after the other; range, those of several days.
CREATE TEMPORARY TABLE summed_views ON COMMIT DROP AS
SELECT * FROM (VALUES
    ('portfolio_pnl_hourly', 'pnl_hourly', '{market,delivery_day,delivery_hour}'::text[], '{hour}'::text[],
     'PnL of the whole portfolio in each hour of delivery, as if all traders were one: one trader''s buy and another''s sell are realised'),
    ('pnl_daily', 'pnl_hourly', '{market,delivery_day,trader_id}', '{period}',
     'PnL of each trader in each delivery day'),
    ('portfolio_pnl_daily', 'portfolio_pnl_hourly', '{market,delivery_day}', '{period}',
     'PnL of the whole portfolio in each delivery day'),
    ('pnl_weekly', 'pnl_hourly',
     '{market,"date_trunc(''week'', delivery_day::timestamp)::date AS delivery_week",trader_id}', '{period,range}',
     'PnL of each trader in each week of delivery days, Monday to Sunday'),
    ('portfolio_pnl_weekly', 'portfolio_pnl_hourly',
     '{market,"date_trunc(''week'', delivery_day::timestamp)::date AS delivery_week"}', '{period,range}',
     'PnL of the whole portfolio in each week of delivery days, Monday to Sunday'),
    ('pnl_monthly', 'pnl_hourly',
     '{market,"date_trunc(''month'', delivery_day::timestamp)::date AS delivery_month",trader_id}', '{period,range}',
     'PnL of each trader in each month of delivery days'),
    ('portfolio_pnl_monthly', 'portfolio_pnl_hourly',
     '{market,"date_trunc(''month'', delivery_day::timestamp)::date AS delivery_month"}', '{period,range}',
     'PnL of the whole portfolio in each month of delivery days')
) AS v (name, source, keys, measures, comment);

-- The one set of aggregates. Without a comment the column has the one of curated.pnl_versions.
CREATE TEMPORARY TABLE sums ON COMMIT DROP AS
SELECT * FROM (VALUES
    (1, 'delivery_start_at', '{hour}'::text[], 'min(delivery_start_at)', NULL),
    (2, 'delivery_end_at', '{hour}', 'max(delivery_end_at)', NULL),
    (3, 'trader_count', '{hour}', 'count(*)', 'Traders with trades'),
    (3, 'delivery_day_count', '{range}', 'count(DISTINCT delivery_day)', 'Delivery days with trades'),
    (3.5, 'incomplete_day_count', '{range}', 'count(DISTINCT delivery_day) FILTER (WHERE NOT is_complete)',
        'Of these, days with a period that is not complete'),
    (4, 'delivery_period_count', '{period}', 'count(*)', 'Delivery periods with trades'),
    (5, 'missing_price_count', '{period}', 'count(*) FILTER (WHERE price_status = ''missing'')',
        'Of these, periods without a reference price'),
    (6, 'trade_count', '{hour}', 'sum(trade_count)::bigint', NULL),
    (6, 'trade_count', '{period}', 'sum(starting_trade_count)::bigint', 'Number of trades, each once'),
    (7, 'buy_mwh', '{hour,period}', 'sum(buy_mwh)', NULL),
    (8, 'sell_mwh', '{hour,period}', 'sum(sell_mwh)', NULL),
    (9, 'net_position_mwh', '{hour,period}', 'sum(net_position_mwh)', NULL),
    (10, 'buy_vwap_eur_per_mwh', '{hour,period}', 'curated.ratio(sum(buy_value_eur), sum(buy_mwh))', NULL),
    (11, 'sell_vwap_eur_per_mwh', '{hour,period}', 'curated.ratio(sum(sell_value_eur), sum(sell_mwh))', NULL),
    (12, 'average_price_eur_per_mwh', '{hour,period}',
        'curated.ratio(sum(buy_value_eur) + sum(sell_value_eur), sum(buy_mwh) + sum(sell_mwh))', NULL),
    (13, 'cash_flow_eur', '{hour,period}', 'sum(cash_flow_eur)', NULL),
    -- the same in all rows of an hour
    (14, 'reference_price_eur_per_mwh', '{hour}', 'max(reference_price_eur_per_mwh)', NULL),
    (15, 'price_status', '{hour,period}',
        'CASE WHEN bool_or(price_status = ''missing'') THEN ''missing'''
        ' WHEN bool_or(price_status = ''provisional'') THEN ''provisional'' ELSE ''final'' END',
        'missing if any price is missing, else provisional if any may still move, else final'),
    (16, 'pnl_eur', '{hour,period}', 'CASE WHEN count(pnl_eur) = count(*) THEN sum(pnl_eur) END',
        'Sum of PnL, EUR; NULL while any price is missing'),
    (17, 'priced_pnl_eur', '{period}', 'sum(pnl_eur)', 'Sum over the periods that have a price, EUR; NULL if none has'),
    (18, 'realised_pnl_eur', '{hour}',
        'curated.realised_pnl_eur(sum(buy_mwh), sum(sell_mwh), sum(buy_value_eur), sum(sell_value_eur))', NULL),
    (18, 'realised_pnl_eur', '{period}', 'sum(realised_pnl_eur)', 'Sum of the periods, EUR'),
    (19, 'unrealised_pnl_eur', '{hour}',
        'sum(pnl_eur)'
        ' - curated.realised_pnl_eur(sum(buy_mwh), sum(sell_mwh), sum(buy_value_eur), sum(sell_value_eur))', NULL),
    (19, 'unrealised_pnl_eur', '{period}', 'CASE WHEN count(pnl_eur) = count(*) THEN sum(unrealised_pnl_eur) END',
        'Sum of the periods, EUR; NULL while any price is missing'),
    (20, 'performance_eur_per_mwh', '{hour,period}',
        'curated.ratio(CASE WHEN count(pnl_eur) = count(*) THEN sum(pnl_eur) END, sum(buy_mwh) + sum(sell_mwh))',
        'How are we doing: pnl_eur / (buy_mwh + sell_mwh), EUR/MWh; NULL while any price is missing'),
    (21, 'capture_gap_seconds', '{hour}', 'max(capture_gap_seconds)', NULL),
    (22, 'incomplete_period_count', '{period}', 'count(*) FILTER (WHERE NOT is_complete)',
        'Periods that are not complete'),
    (23, 'is_complete', '{hour}', 'bool_and(is_complete)', NULL),
    (23, 'is_complete', '{period}', 'bool_and(is_complete)',
        'All of its periods with trades are complete; ops.incomplete_periods also has those without'),
    (24, 'built_at', '{hour,period}', 'max(built_at)', 'When the last of its rows changed'),
    (25, 'buy_value_eur', '{hour}', 'sum(buy_value_eur)', NULL),
    (26, 'sell_value_eur', '{hour}', 'sum(sell_value_eur)', NULL),
    (27, 'starting_trade_count', '{hour}', 'sum(starting_trade_count)::bigint', NULL),
    (28, 'amendment_count', '{hour}', 'sum(amendment_count)::bigint', NULL),
    (29, 'cancelled_trade_count', '{hour}', 'sum(cancelled_trade_count)::bigint', NULL),
    (30, 'has_unreviewed_messages', '{hour}', 'bool_or(has_unreviewed_messages)', NULL)
) AS s (position, name, measures, formula, comment);

DO $$
DECLARE
    summed record;
    query text;
    commenting text;
BEGIN
    FOR summed IN SELECT * FROM pg_temp.summed_views LOOP
        SELECT format('SELECT %s, %s FROM curated.%s%%s GROUP BY %s',
                      array_to_string(summed.keys, ', '),
                      string_agg(format('%s AS %I', formula, name), ', ' ORDER BY position),
                      summed.source,
                      (SELECT string_agg(regexp_replace(key, '^.* AS ', ''), ', ') FROM unnest(summed.keys) AS key))
        INTO query
        FROM pg_temp.sums
        WHERE measures && summed.measures;

        EXECUTE format('CREATE OR REPLACE VIEW curated.%s AS %s', summed.name, format(query, ''));
        EXECUTE format('COMMENT ON VIEW curated.%s IS %L', summed.name, summed.comment);
        EXECUTE format('CREATE OR REPLACE FUNCTION curated.%1$s_as_of(as_of timestamptz) RETURNS SETOF curated.%1$s'
                       ' LANGUAGE sql STABLE BEGIN ATOMIC %2$s; END', summed.name, format(query, '_as_of(as_of)'));
        EXECUTE format('COMMENT ON FUNCTION curated.%1$s_as_of IS %2$L', summed.name,
                       format('What curated.%s said at that moment; an error for one in the future', summed.name));
        FOR commenting IN
            SELECT format('COMMENT ON COLUMN curated.%I.%I IS %L', summed.name, a.attname,
                          coalesce(s.comment, col_description(t.attrelid, t.attnum)))
            FROM pg_attribute AS a
            LEFT JOIN pg_temp.sums AS s ON s.name = a.attname AND s.measures && summed.measures
            LEFT JOIN pg_attribute AS t
                ON t.attrelid = 'curated.pnl_versions'::regclass AND t.attname = a.attname
            WHERE a.attrelid = format('curated.%I', summed.name)::regclass AND a.attnum > 0
        LOOP
            EXECUTE commenting;
        END LOOP;
    END LOOP;
END
$$;

-- A row has some 200 versions, spread over the table: what stands is summed up from an index alone, which has each column
-- that days sum up. It is made anew only when that is another set of columns
DO $$
DECLARE
    wanted text[];
    present text[];
BEGIN
    SELECT array_agg(DISTINCT t.attname::text) INTO wanted
    FROM pg_rewrite AS r
    JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refobjid = 'curated.pnl_hourly'::regclass
    JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    JOIN pg_attribute AS t ON t.attrelid = 'curated.pnl_versions'::regclass AND (t.attname = a.attname OR t.attname = 'valid_from')
    WHERE r.ev_class = 'curated.pnl_daily'::regclass AND t.attname NOT IN ('delivery_day', 'delivery_hour', 'trader_id', 'market');

    SELECT array_agg(a.attname::text ORDER BY a.attname::text) INTO present
    FROM pg_index AS i
    JOIN pg_attribute AS a ON a.attrelid = i.indexrelid AND a.attnum > i.indnkeyatts
    WHERE i.indexrelid = to_regclass('curated.pnl_versions_standing');

    IF wanted IS DISTINCT FROM present THEN
        DROP INDEX IF EXISTS curated.pnl_versions_standing;
        EXECUTE format('CREATE UNIQUE INDEX pnl_versions_standing ON curated.pnl_versions'
                       ' (delivery_day, delivery_hour, trader_id, market) INCLUDE (%s) WHERE valid_to IS NULL',
                       array_to_string(wanted, ', '));
        COMMENT ON INDEX curated.pnl_versions_standing IS 'A row has one version that stands; the days of curated.pnl_hourly, and what days, weeks and months sum up';
    END IF;
END
$$;

COMMENT ON COLUMN curated.pnl_weekly.delivery_week IS 'Its Monday, local day of the market';
COMMENT ON COLUMN curated.portfolio_pnl_weekly.delivery_week IS 'Its Monday, local day of the market';
COMMENT ON COLUMN curated.pnl_monthly.delivery_month IS 'Its first day, local day of the market';
COMMENT ON COLUMN curated.portfolio_pnl_monthly.delivery_month IS 'Its first day, local day of the market';

-- ---------------------------------------------------------------- what changed
CREATE OR REPLACE VIEW curated.pnl_hourly_changes AS
-- used twice, they would be computed for the whole history before anything is left out
WITH versions AS NOT MATERIALIZED (
    SELECT
        h.*,
        lag(valid_to) OVER version = valid_from AS is_successor,
        lag(trade_count) OVER version AS previous_trade_count,
        lag(buy_mwh) OVER version AS previous_buy_mwh,
        lag(sell_mwh) OVER version AS previous_sell_mwh,
        lag(buy_value_eur) OVER version AS previous_buy_value_eur,
        lag(sell_value_eur) OVER version AS previous_sell_value_eur,
        lag(starting_trade_count) OVER version AS previous_starting_trade_count,
        lag(reference_price_eur_per_mwh) OVER version AS previous_reference_price_eur_per_mwh,
        lag(price_status) OVER version AS previous_price_status,
        lag(pnl_eur) OVER version AS previous_pnl_eur,
        lag(capture_gap_seconds) OVER version AS previous_capture_gap_seconds,
        lag(has_unreviewed_messages) OVER version AS had_unreviewed_messages,
        lag(amendment_count) OVER version AS previous_amendment_count,
        lag(cancelled_trade_count) OVER version AS previous_cancelled_trade_count,
        lag(statement_trade_count) OVER version AS previous_statement_trade_count,
        lag(reconciled_gap_seconds) OVER version AS previous_reconciled_gap_seconds,
        lead(valid_from) OVER version AS next_valid_from
    FROM curated.pnl_versions AS h
    WINDOW version AS (PARTITION BY delivery_day, delivery_hour, trader_id, market ORDER BY valid_from)
)
SELECT
    market, valid_from AS changed_at, delivery_day, delivery_hour, trader_id, delivery_start_at,
    CASE WHEN is_successor THEN array_remove(ARRAY[
        CASE WHEN (trade_count, starting_trade_count, buy_mwh, sell_mwh, buy_value_eur, sell_value_eur)
                  IS DISTINCT FROM (previous_trade_count, previous_starting_trade_count, previous_buy_mwh, previous_sell_mwh,
                                    previous_buy_value_eur, previous_sell_value_eur)
             THEN CASE WHEN valid_from >= delivery_end_at THEN 'late trades' ELSE 'trades' END END,
        CASE WHEN amendment_count <> previous_amendment_count THEN 'amendment' END,
        CASE WHEN cancelled_trade_count <> previous_cancelled_trade_count THEN 'cancellation' END,
        CASE WHEN (statement_trade_count, reconciled_gap_seconds)
                  <> (previous_statement_trade_count, previous_reconciled_gap_seconds) THEN 'statement' END,
        CASE WHEN reference_price_eur_per_mwh IS DISTINCT FROM previous_reference_price_eur_per_mwh
             THEN CASE WHEN previous_price_status = 'final' THEN 'price revision' ELSE 'price' END
             WHEN price_status <> previous_price_status THEN 'price status' END,
        CASE WHEN (capture_gap_seconds, has_unreviewed_messages)
                  IS DISTINCT FROM (previous_capture_gap_seconds, had_unreviewed_messages)
             THEN 'completeness' END
    ], NULL) ELSE array_remove(ARRAY[
        'new row', CASE WHEN statement_trade_count > 0 THEN 'statement' END
    ], NULL) END AS causes,
    CASE WHEN is_successor THEN previous_trade_count END AS previous_trade_count, trade_count,
    CASE WHEN is_successor THEN previous_reference_price_eur_per_mwh END AS previous_reference_price_eur_per_mwh,
    reference_price_eur_per_mwh,
    CASE WHEN is_successor THEN previous_price_status END AS previous_price_status, price_status,
    CASE WHEN is_successor THEN previous_pnl_eur END AS previous_pnl_eur, pnl_eur,
    CASE WHEN is_successor THEN pnl_eur - previous_pnl_eur END AS pnl_change_eur
FROM versions
UNION ALL
SELECT
    market, valid_to, delivery_day, delivery_hour, trader_id, delivery_start_at,
    -- the row is gone and its facts with it: what is known of its trades now
    array_remove(ARRAY[
        'row removed',
        CASE WHEN EXISTS (
            SELECT FROM raw.period_hours AS h
            JOIN curated.cancelled_trades AS c USING (market, delivery_day, delivery_hour)
            WHERE (h.market, h.delivery_day, h.pnl_hour) = (v.market, v.delivery_day, v.delivery_hour)
              AND c.trader_id = v.trader_id
        ) THEN 'cancellation' END,
        CASE WHEN EXISTS (
            SELECT FROM raw.period_hours AS h
            JOIN raw.trades AS t USING (market, delivery_day, delivery_hour)
            JOIN raw.trades AS a ON a.revision > t.revision
                AND (a.market, a.trade_id, a.direction) = (t.market, t.trade_id, t.direction)
            WHERE (h.market, h.delivery_day, h.pnl_hour) = (v.market, v.delivery_day, v.delivery_hour)
              AND t.trader_id = v.trader_id AND a.revision > 0
        ) THEN 'amendment' END,
        CASE WHEN statement_trade_count > 0 OR EXISTS (
            SELECT FROM raw.period_hours AS h
            JOIN raw.trades AS t USING (market, delivery_day, delivery_hour)
            JOIN raw.trades AS s ON s.revision = -1 AND t.revision >= 0
                AND (s.market, s.trade_id, s.direction) = (t.market, t.trade_id, t.direction)
            WHERE (h.market, h.delivery_day, h.pnl_hour) = (v.market, v.delivery_day, v.delivery_hour)
              AND t.trader_id = v.trader_id
        ) THEN 'statement' END
    ], NULL),
    trade_count, NULL, reference_price_eur_per_mwh, NULL, price_status, NULL, pnl_eur, NULL, NULL
FROM versions AS v
WHERE valid_to IS NOT NULL AND next_valid_from IS DISTINCT FROM valid_to;
COMMENT ON VIEW curated.pnl_hourly_changes IS 'What changed in curated.pnl_hourly, when and why: one row a change of a row';
COMMENT ON COLUMN curated.pnl_hourly_changes.market IS 'The market';
COMMENT ON COLUMN curated.pnl_hourly_changes.changed_at IS 'When the change was published';
COMMENT ON COLUMN curated.pnl_hourly_changes.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN curated.pnl_hourly_changes.delivery_hour IS 'Label as the sources give it, local time';
COMMENT ON COLUMN curated.pnl_hourly_changes.trader_id IS 'Who traded';
COMMENT ON COLUMN curated.pnl_hourly_changes.delivery_start_at IS 'Start of delivery, inclusive';
COMMENT ON COLUMN curated.pnl_hourly_changes.causes IS 'new row, row removed, trades, late trades (published after the end of delivery), price, amendment, cancellation, statement (the exchange''s end-of-day file added or changed trades or closed a capture gap), price revision (of a final price), price status, completeness';
COMMENT ON COLUMN curated.pnl_hourly_changes.previous_trade_count IS 'Number of trades before';
COMMENT ON COLUMN curated.pnl_hourly_changes.trade_count IS 'Number of trades since';
COMMENT ON COLUMN curated.pnl_hourly_changes.previous_reference_price_eur_per_mwh IS 'Reference price before, EUR/MWh';
COMMENT ON COLUMN curated.pnl_hourly_changes.reference_price_eur_per_mwh IS 'Reference price since, EUR/MWh';
COMMENT ON COLUMN curated.pnl_hourly_changes.previous_price_status IS 'final, provisional or missing, before';
COMMENT ON COLUMN curated.pnl_hourly_changes.price_status IS 'final, provisional or missing, since';
COMMENT ON COLUMN curated.pnl_hourly_changes.previous_pnl_eur IS 'PnL before, EUR; NULL: there was no price or no row';
COMMENT ON COLUMN curated.pnl_hourly_changes.pnl_eur IS 'PnL since, EUR; NULL: there is no price or no row';
COMMENT ON COLUMN curated.pnl_hourly_changes.pnl_change_eur IS 'pnl_eur - previous_pnl_eur, EUR; NULL where one of the two is';

-- ---------------------------------------------------------------- quarters of an hour
CREATE OR REPLACE VIEW curated.pnl_quarter_hourly AS
WITH quarters AS (
    SELECT
        h.market, h.delivery_day, h.delivery_hour, h.pnl_hour,
        make_interval(mins => h.from_minute + 15 * n) AS after_start,
        left(h.pnl_hour, 2) || to_char(h.from_minute + 15 * n, '":"FM00') || '-'
        || CASE WHEN h.from_minute + 15 * n < 45 THEN left(h.pnl_hour, 2) || to_char(h.from_minute + 15 * n + 15, '":"FM00')
                ELSE substr(h.pnl_hour, 4, 2) || ':00' END
        || substr(h.pnl_hour, 6) AS delivery_quarter
    FROM raw.period_hours AS h
    CROSS JOIN LATERAL generate_series(0, (h.hours * 4)::integer - 1) AS n
), sums AS (
    SELECT
        market, delivery_day, q.pnl_hour AS delivery_hour, q.delivery_quarter, t.trader_id, q.after_start,
        count(*) AS trade_count,
        coalesce(sum(t.quantity_mw * 0.25) FILTER (WHERE t.direction = 'buy'), 0) AS buy_mwh,
        coalesce(sum(t.quantity_mw * 0.25) FILTER (WHERE t.direction = 'sell'), 0) AS sell_mwh,
        coalesce(sum(t.quantity_mw * 0.25 * t.price_eur_per_mwh) FILTER (WHERE t.direction = 'buy'), 0) AS buy_value_eur,
        coalesce(sum(t.quantity_mw * 0.25 * t.price_eur_per_mwh) FILTER (WHERE t.direction = 'sell'), 0) AS sell_value_eur
    FROM curated.trades AS t
    JOIN quarters AS q USING (market, delivery_day, delivery_hour)
    GROUP BY market, delivery_day, q.pnl_hour, q.delivery_quarter, t.trader_id, q.after_start
), priced AS (
    SELECT s.*, p.delivery_start_at + s.after_start AS delivery_start_at, r.price_eur_per_mwh, r.price_status
    FROM sums AS s
    JOIN raw.delivery_periods AS p USING (market, delivery_day, delivery_hour)
    LEFT JOIN curated.reference_prices AS r USING (market, delivery_day, delivery_hour)
)
SELECT
    market, delivery_day, delivery_quarter, delivery_hour, trader_id, delivery_start_at,
    delivery_start_at + interval '15 minutes' AS delivery_end_at, trade_count, buy_mwh, sell_mwh,
    buy_mwh - sell_mwh AS net_position_mwh,
    curated.ratio(buy_value_eur, buy_mwh) AS buy_vwap_eur_per_mwh,
    curated.ratio(sell_value_eur, sell_mwh) AS sell_vwap_eur_per_mwh,
    curated.ratio(buy_value_eur + sell_value_eur, buy_mwh + sell_mwh) AS average_price_eur_per_mwh,
    sell_value_eur - buy_value_eur AS cash_flow_eur,
    price_eur_per_mwh AS reference_price_eur_per_mwh,
    coalesce(price_status, 'missing') AS price_status,
    sell_value_eur - buy_value_eur + (buy_mwh - sell_mwh) * price_eur_per_mwh AS pnl_eur,
    curated.realised_pnl_eur(buy_mwh, sell_mwh, buy_value_eur, sell_value_eur) AS realised_pnl_eur,
    sell_value_eur - buy_value_eur + (buy_mwh - sell_mwh) * price_eur_per_mwh
        - curated.realised_pnl_eur(buy_mwh, sell_mwh, buy_value_eur, sell_value_eur) AS unrealised_pnl_eur,
    curated.ratio(sell_value_eur - buy_value_eur + (buy_mwh - sell_mwh) * price_eur_per_mwh, buy_mwh + sell_mwh)
        AS performance_eur_per_mwh,
    buy_value_eur, sell_value_eur
FROM priced;
COMMENT ON VIEW curated.pnl_quarter_hourly IS 'PnL of each trader in each quarter of an hour, from the trades and prices that count now: an hourly trade is four quarters of its power, each at the price of the hour';
COMMENT ON COLUMN curated.pnl_quarter_hourly.delivery_quarter IS 'Label of the quarter, local time: 15:00-15:15';
COMMENT ON COLUMN curated.pnl_quarter_hourly.trade_count IS 'Number of trades that deliver in the quarter';
DO $$
DECLARE
    formulas text;
    commenting text;
BEGIN
    SELECT string_agg(format('%s AS %I', s.formula, s.name), ', ' ORDER BY s.position)
    INTO formulas
    FROM pg_temp.sums AS s
    WHERE 'hour' = ANY (s.measures)
      AND s.name IN (SELECT 'trader_count' UNION ALL
                     SELECT attname FROM pg_attribute WHERE attrelid = 'curated.pnl_quarter_hourly'::regclass);
    EXECUTE 'CREATE OR REPLACE VIEW curated.portfolio_pnl_quarter_hourly AS'
            ' SELECT market, delivery_day, delivery_quarter, delivery_hour, ' || formulas
            || ' FROM curated.pnl_quarter_hourly GROUP BY market, delivery_day, delivery_quarter, delivery_hour';
    FOR commenting IN
        SELECT format('COMMENT ON COLUMN curated.%I.%I IS %L', v.relname, a.attname,
                      coalesce(col_description(t.attrelid, t.attnum), s.comment))
        FROM pg_class AS v
        JOIN pg_attribute AS a ON a.attrelid = v.oid AND a.attnum > 0
        LEFT JOIN pg_attribute AS t ON t.attrelid = 'curated.pnl_versions'::regclass AND t.attname = a.attname
        LEFT JOIN pg_temp.sums AS s ON s.name = a.attname AND 'hour' = ANY (s.measures)
        WHERE v.oid IN ('curated.pnl_quarter_hourly'::regclass, 'curated.portfolio_pnl_quarter_hourly'::regclass)
          AND a.attname NOT IN ('trade_count', 'delivery_quarter')
    LOOP
        EXECUTE commenting;
    END LOOP;
END
$$;
COMMENT ON VIEW curated.portfolio_pnl_quarter_hourly IS 'PnL of the whole portfolio in each quarter of an hour, as if all traders were one: one trader''s buy and another''s sell are realised';
COMMENT ON COLUMN curated.portfolio_pnl_quarter_hourly.delivery_quarter IS 'Label of the quarter, local time: 15:00-15:15';
COMMENT ON COLUMN curated.portfolio_pnl_quarter_hourly.trade_count IS 'Number of trades that deliver in the quarter';
