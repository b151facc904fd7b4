-- ---------------------------------------------------------------- runs
CREATE TABLE ops.task_runs (
    task_run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dag_id text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    task_id text COLLATE "C" NOT NULL,
    try_number integer NOT NULL,
    run_type text NOT NULL,
    window_start_at timestamptz,
    window_end_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'success', 'failed', 'retry')),
    error text,
    summary jsonb,
    longest_seconds numeric,
    dag_task_count integer NOT NULL,
    CONSTRAINT it_runs_until_it_ends CHECK ((state = 'running') = (ended_at IS NULL))
);
CREATE INDEX task_runs_run ON ops.task_runs (dag_id, run_id, task_id, started_at DESC, task_run_id DESC);
CREATE INDEX task_runs_task ON ops.task_runs (dag_id, task_id, started_at);
CREATE INDEX task_runs_started_at ON ops.task_runs (started_at);
CREATE INDEX task_runs_success ON ops.task_runs (task_id, ended_at) WHERE state = 'success';
CREATE INDEX task_runs_window ON ops.task_runs (dag_id, task_id, window_end_at)
    WHERE state = 'success' AND window_end_at IS NOT NULL;
COMMENT ON TABLE ops.task_runs IS 'Every try of every task, written by the task itself when it starts and when it ends; those of watch_freshness are kept for a day';
COMMENT ON COLUMN ops.task_runs.task_run_id IS 'Number of the try';
COMMENT ON COLUMN ops.task_runs.dag_id IS 'The DAG';
COMMENT ON COLUMN ops.task_runs.run_id IS 'The run of the DAG';
COMMENT ON COLUMN ops.task_runs.task_id IS 'The task';
COMMENT ON COLUMN ops.task_runs.try_number IS 'Airflow''s number of the try';
COMMENT ON COLUMN ops.task_runs.run_type IS 'How the run came about: scheduled, manual, backfill …';
COMMENT ON COLUMN ops.task_runs.window_start_at IS 'Start of the window of receipt that the task works on; NULL: on all there is';
COMMENT ON COLUMN ops.task_runs.window_end_at IS 'End of that window';
COMMENT ON COLUMN ops.task_runs.started_at IS 'When it started';
COMMENT ON COLUMN ops.task_runs.ended_at IS 'When it ended; NULL: it has not, or it was killed and could not say so';
COMMENT ON COLUMN ops.task_runs.state IS 'running; success; failed: for good; retry: failed and will be tried again. A killed try says running for ever: ops.runs knows better';
COMMENT ON COLUMN ops.task_runs.error IS 'Why it failed, without secrets, at most 2,000 characters';
COMMENT ON COLUMN ops.task_runs.summary IS 'What the task says it did';
COMMENT ON COLUMN ops.task_runs.longest_seconds IS 'After so long Airflow ends it, s; NULL: it may run for ever';
COMMENT ON COLUMN ops.task_runs.dag_task_count IS 'Tasks that its DAG had';

CREATE VIEW ops.runs AS
WITH numbered AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY dag_id, run_id, task_id ORDER BY started_at DESC, task_run_id DESC) = 1
            AS is_last_try
    FROM ops.task_runs
), tries AS (
    SELECT
        *,
        CASE
            WHEN state = 'running' AND (
                NOT is_last_try
                OR now() > started_at + longest_seconds * interval '1 second' + interval '5 minutes'
                -- an endless task has one run at a time: it is over when the next one has begun
                OR (longest_seconds IS NULL AND EXISTS (
                    SELECT FROM ops.task_runs AS later
                    WHERE (later.dag_id, later.task_id) = (numbered.dag_id, numbered.task_id)
                        AND later.started_at > numbered.started_at))
            ) THEN 'lost'
            WHEN state = 'retry' AND is_last_try AND now() > ended_at + interval '30 minutes' THEN 'lost'
            ELSE state
        END AS outcome
    FROM numbered
), runs AS (
    SELECT
        dag_id,
        run_id,
        min(run_type) AS run_type,
        min(window_start_at) AS window_start_at,
        max(window_end_at) AS window_end_at,
        min(started_at) AS started_at,
        max(coalesce(ended_at, started_at)) AS last_seen_at,
        sum(extract(epoch FROM ended_at - started_at)) FILTER (WHERE is_last_try) AS task_seconds,
        count(*) AS try_count,
        count(*) FILTER (WHERE outcome = 'lost') AS lost_try_count,
        count(*) FILTER (WHERE is_last_try AND outcome = 'success') AS success_count,
        (array_agg(dag_task_count ORDER BY started_at DESC))[1] AS dag_task_count,
        coalesce(bool_or(is_last_try AND outcome IN ('running', 'retry')), false) AS is_running,
        coalesce(array_agg(task_id ORDER BY started_at) FILTER (WHERE is_last_try AND outcome = 'failed'), '{}')
            AS failed_tasks,
        coalesce(array_agg(task_id ORDER BY started_at) FILTER (WHERE is_last_try AND outcome = 'lost'), '{}')
            AS lost_tasks,
        string_agg(task_id || ': ' || error, E'\n' ORDER BY started_at) FILTER (WHERE is_last_try AND outcome = 'failed')
            AS error
    FROM tries
    GROUP BY dag_id, run_id
), judged AS (
    SELECT
        *,
        CASE
            WHEN is_running THEN 'running'
            WHEN failed_tasks <> '{}' THEN 'failed'
            WHEN lost_tasks <> '{}' THEN 'lost'
            WHEN success_count >= dag_task_count THEN 'success'
            WHEN now() < last_seen_at + interval '1 hour' THEN 'running'
            ELSE 'lost'
        END AS state
    FROM runs
)
SELECT
    dag_id, run_id, run_type, window_start_at, window_end_at, started_at,
    CASE WHEN state <> 'running' THEN last_seen_at END AS ended_at,
    task_seconds, state, failed_tasks, lost_tasks, error, try_count, lost_try_count
FROM judged;
COMMENT ON VIEW ops.runs IS 'One row a run of a DAG, by the last try of each of its tasks';
COMMENT ON COLUMN ops.runs.dag_id IS 'The DAG';
COMMENT ON COLUMN ops.runs.run_id IS 'The run';
COMMENT ON COLUMN ops.runs.run_type IS 'How it came about: scheduled, manual, backfill …';
COMMENT ON COLUMN ops.runs.window_start_at IS 'Start of the window of receipt that it was about; NULL: a now run';
COMMENT ON COLUMN ops.runs.window_end_at IS 'End of that window';
COMMENT ON COLUMN ops.runs.started_at IS 'When its first task started for the first time';
COMMENT ON COLUMN ops.runs.ended_at IS 'Last sign of it; NULL: it is running';
COMMENT ON COLUMN ops.runs.task_seconds IS 'Time that the last tries of its tasks took together, s';
COMMENT ON COLUMN ops.runs.state IS 'running; success; failed: a task failed for good, even if the run went on without it; lost: killed before it could say how it ended';
COMMENT ON COLUMN ops.runs.failed_tasks IS 'Tasks whose last try failed';
COMMENT ON COLUMN ops.runs.lost_tasks IS 'Tasks whose last try was killed';
COMMENT ON COLUMN ops.runs.error IS 'Why, a line a failed task';
COMMENT ON COLUMN ops.runs.try_count IS 'Tries of all its tasks together';
COMMENT ON COLUMN ops.runs.lost_try_count IS 'Of these, killed ones; Airflow tried again where lost_tasks is empty';

-- ---------------------------------------------------------------- which prices are missing
CREATE INDEX reference_prices_observed_at ON raw.reference_prices (observed_at);

CREATE VIEW ops.missing_prices AS
WITH wanting AS (
    SELECT
        n.delivery_day, n.delivery_hour, p.delivery_start_at, n.price_status,
        CASE WHEN n.price_status = 'provisional' THEN p.price_final_from ELSE h.missing_since_at END AS since_at
    FROM (
        SELECT delivery_day, delivery_hour, min(price_status) AS price_status
        FROM curated.pnl_hourly
        WHERE price_status <> 'final'
        GROUP BY delivery_day, delivery_hour
    ) AS n
    JOIN raw.delivery_periods AS p USING (delivery_day, delivery_hour)
    CROSS JOIN LATERAL (
        SELECT min(valid_from) AS missing_since_at
        FROM curated.pnl_hourly_history AS h
        WHERE (h.delivery_day, h.delivery_hour) = (n.delivery_day, n.delivery_hour)
            AND h.price_status = 'missing' AND n.price_status = 'missing'
    ) AS h
)
SELECT
    w.delivery_day, w.delivery_hour, w.delivery_start_at, w.price_status, w.since_at,
    q.requested_at AS last_asked_at, q.status AS last_status, r.observed_at AS last_observed_at,
    CASE
        WHEN r.price_eur_per_mwh IS NOT NULL AND r.state <> 'accepted'
            THEN format('the provider answered, but batch %s of its reply is %s', r.load_batch_id,
                        CASE r.state WHEN 'blocked' THEN 'blocked' ELSE 'not validated yet' END)
        WHEN q.requested_at IS NULL THEN 'the provider was never asked'
        WHEN q.status IS NULL THEN 'the provider did not answer'
        WHEN r.observed_at >= q.requested_at AND r.price_eur_per_mwh IS NULL THEN 'the provider has no price for it'
        WHEN q.status <> 200 THEN format('the provider answered HTTP %s', q.status)
        WHEN r.observed_at IS NULL OR r.observed_at < q.requested_at
            THEN 'the reply was refused (ops.rejected_messages) or is not loaded yet'
        WHEN w.price_status = 'provisional' AND r.observed_at < w.since_at
            THEN 'the provider was not asked since the last publication'
        ELSE 'the price is there and not built in yet'
    END AS reason
FROM wanting AS w
LEFT JOIN LATERAL (
    SELECT requested_at, status
    FROM ops.provider_requests AS q
    WHERE q.delivery_day = w.delivery_day AND q.delivery_hour = w.delivery_hour AND q.finished_at IS NOT NULL
    ORDER BY q.finished_at DESC
    LIMIT 1
) AS q ON true
LEFT JOIN LATERAL (
    SELECT r.observed_at, r.price_eur_per_mwh, r.load_batch_id, b.state
    FROM raw.reference_prices AS r
    JOIN ops.load_batches AS b USING (load_batch_id)
    WHERE r.delivery_day = w.delivery_day AND r.delivery_hour = w.delivery_hour
    ORDER BY r.observed_at DESC
    LIMIT 1
) AS r ON true
-- the provider publishes every 10 minutes, and a minute later it is asked
WHERE now() > w.since_at + interval '15 minutes';
COMMENT ON VIEW ops.missing_prices IS 'Traded delivery periods whose price is due and not there, or due to be final and still provisional';
COMMENT ON COLUMN ops.missing_prices.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN ops.missing_prices.delivery_hour IS 'Label, local time';
COMMENT ON COLUMN ops.missing_prices.delivery_start_at IS 'Start of delivery';
COMMENT ON COLUMN ops.missing_prices.price_status IS 'missing: there is none; provisional: it may have moved since';
COMMENT ON COLUMN ops.missing_prices.since_at IS 'First published without a price; for a provisional one, when the final one could be had';
COMMENT ON COLUMN ops.missing_prices.last_asked_at IS 'When the provider was last asked and the request came to an end; NULL: never';
COMMENT ON COLUMN ops.missing_prices.last_status IS 'HTTP status of the answer; NULL: no answer';
COMMENT ON COLUMN ops.missing_prices.last_observed_at IS 'When the last reply that was loaded came in';
COMMENT ON COLUMN ops.missing_prices.reason IS 'Why, in words';

-- ---------------------------------------------------------------- which hours are incomplete
CREATE VIEW ops.incomplete_periods AS
WITH known AS MATERIALIZED (
    SELECT range_agg(tstzrange(gap_start_at, gap_end_at)) AS gaps FROM ops.capture_gaps
), waiting AS (
    -- the few batches first: raw.trades is then read by its block index only where they lie
    SELECT t.delivery_day, t.delivery_hour, b.state, count(*) AS trade_count, array_agg(DISTINCT load_batch_id) AS batches,
           min(b.loaded_at) AS loaded_at
    FROM raw.trades AS t
    JOIN ops.load_batches AS b USING (load_batch_id)
    WHERE t.load_batch_id = ANY (ARRAY(SELECT load_batch_id FROM ops.load_batches
                                       WHERE state <> 'accepted' AND source = 'trades'))
    GROUP BY t.delivery_day, t.delivery_hour, b.state
)
SELECT p.delivery_day, p.delivery_hour, p.delivery_start_at, r.reason, r.detail, r.from_at, r.until_at, r.gap_seconds
FROM (
    SELECT p.delivery_day, p.delivery_hour, 'capture_gap' AS reason,
           format('no capture line was connected for %s s while it was tradable, in %s gaps', s.seconds, s.gaps) AS detail,
           lower(g.gaps) AS from_at, upper(g.gaps) AS until_at, s.seconds AS gap_seconds
    FROM raw.delivery_periods AS p
    JOIN known AS k ON k.gaps && tstzrange(p.tradable_from, p.tradable_until)
    CROSS JOIN LATERAL (SELECT k.gaps * tstzmultirange(tstzrange(p.tradable_from, p.tradable_until)) AS gaps) AS g
    CROSS JOIN LATERAL (
        SELECT sum(extract(epoch FROM upper(gap) - lower(gap))) AS seconds, count(*) AS gaps
        FROM unnest(g.gaps) AS gap
    ) AS s
    UNION ALL
    SELECT delivery_day, delivery_hour,
           CASE min(price_status) WHEN 'missing' THEN 'price_missing' ELSE 'price_not_final' END,
           CASE min(price_status) WHEN 'missing' THEN 'there is no reference price'
                ELSE 'the price is provisional, the final one should be there; see ops.missing_prices' END,
           min(price_final_from) FILTER (WHERE price_status = 'provisional'), NULL, NULL
    FROM curated.pnl_hourly
    JOIN raw.delivery_periods USING (delivery_day, delivery_hour)
    WHERE price_status = 'missing'
        OR (price_status = 'provisional' AND now() > price_final_from + interval '15 minutes')
    GROUP BY delivery_day, delivery_hour
    UNION ALL
    SELECT delivery_day, delivery_hour, CASE state WHEN 'blocked' THEN 'trades_blocked' ELSE 'trades_not_validated' END,
           format('%s trades of batches %s %s', trade_count, array_to_string(batches, ', '),
                  CASE state WHEN 'blocked' THEN 'are blocked: make batches' ELSE 'are loaded and not validated yet' END),
           loaded_at, NULL, NULL
    FROM waiting
    UNION ALL
    SELECT delivery_day, delivery_hour, 'not_built',
           format('changes wait for a build: %s', string_agg(DISTINCT cause, ', ')), min(pending_since), NULL, NULL
    FROM ops.pending_delivery_periods
    GROUP BY delivery_day, delivery_hour
    HAVING min(pending_since) < now() - interval '15 minutes'
) AS r
JOIN raw.delivery_periods AS p USING (delivery_day, delivery_hour);
COMMENT ON VIEW ops.incomplete_periods IS 'Delivery periods of which something is missing and why: one row a period and reason';
COMMENT ON COLUMN ops.incomplete_periods.delivery_day IS 'Local day of the market';
COMMENT ON COLUMN ops.incomplete_periods.delivery_hour IS 'Label, local time';
COMMENT ON COLUMN ops.incomplete_periods.delivery_start_at IS 'Start of delivery';
COMMENT ON COLUMN ops.incomplete_periods.reason IS 'capture_gap, price_missing, price_not_final, trades_blocked, trades_not_validated, not_built';
COMMENT ON COLUMN ops.incomplete_periods.detail IS 'The reason in words';
COMMENT ON COLUMN ops.incomplete_periods.from_at IS 'Since when; start of the first gap';
COMMENT ON COLUMN ops.incomplete_periods.until_at IS 'End of the last gap; NULL for the other reasons';
COMMENT ON COLUMN ops.incomplete_periods.gap_seconds IS 'All its gaps together, s; NULL for the other reasons';

-- ---------------------------------------------------------------- how late are we
CREATE VIEW ops.freshness AS
WITH things (thing, last_at, limit_seconds, meaning) AS (
    VALUES
    ('hourly_pnl',
     (SELECT max(window_end_at) FROM ops.task_runs
      WHERE dag_id = 'hourly_pnl' AND task_id = 'build_pnl' AND state = 'success' AND window_end_at IS NOT NULL),
     75 * 60, 'end of the last hour that hourly_pnl has done'),
    ('reference_prices',
     (SELECT max(observed_at) FROM raw.reference_prices),
     25 * 60, 'last reply of the provider that was loaded'),
    ('trades',
     (SELECT max(last_received_at) FROM ops.landing_files WHERE source = 'trades'),
     15 * 60, 'last trade or heartbeat that was loaded; the landing files themselves are ahead of it'),
    ('build',
     (SELECT max(ended_at) FROM ops.task_runs WHERE task_id = 'build_pnl' AND state = 'success'),
     25 * 60, 'last build of PnL, whether anything had changed or not'),
    ('pending',
     (SELECT min(pending_since) FROM ops.pending_delivery_periods),
     25 * 60, 'oldest change that waits for a build; none: nothing waits')
), first_run AS (
    SELECT min(started_at) AS first_run_at FROM ops.task_runs
), judged AS (
    SELECT
        thing, last_at, limit_seconds, meaning,
        -- what was never there is late from the first run on, except changes: none is best
        CASE WHEN thing = 'pending' THEN last_at
             WHEN first_run_at IS NOT NULL THEN greatest(last_at, first_run_at) END
            + limit_seconds * interval '1 second' AS late_from_at
    FROM things CROSS JOIN first_run
)
SELECT
    thing, last_at,
    round(extract(epoch FROM now() - last_at), 3) AS age_seconds,
    limit_seconds::numeric AS limit_seconds,
    coalesce(now() > late_from_at, false) AS is_late,
    late_from_at, meaning
FROM judged;
COMMENT ON VIEW ops.freshness IS 'How late are we: one row a thing that has to stay fresh';
COMMENT ON COLUMN ops.freshness.thing IS 'hourly_pnl, reference_prices, trades, build, pending';
COMMENT ON COLUMN ops.freshness.last_at IS 'Up to when it is known or done; NULL: never, or nothing waits';
COMMENT ON COLUMN ops.freshness.age_seconds IS 'How long ago that is, s';
COMMENT ON COLUMN ops.freshness.limit_seconds IS 'How old it may become, s';
COMMENT ON COLUMN ops.freshness.is_late IS 'Older than that, counted at the earliest from the first run of the platform';
COMMENT ON COLUMN ops.freshness.late_from_at IS 'From when on it is late if nothing happens';
COMMENT ON COLUMN ops.freshness.meaning IS 'What last_at is';

-- ---------------------------------------------------------------- alarms and notifications
CREATE TABLE ops.alarms (
    alarm_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alarm text NOT NULL,
    since_at timestamptz NOT NULL,
    raised_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    cleared_at timestamptz,
    detail text NOT NULL
);
CREATE UNIQUE INDEX alarms_on ON ops.alarms (alarm) WHERE cleared_at IS NULL;
CREATE INDEX alarms_raised_at ON ops.alarms (raised_at);
COMMENT ON TABLE ops.alarms IS 'Freshness alarms: one row from when it was raised until it was cleared';
COMMENT ON COLUMN ops.alarms.alarm_id IS 'Number of the alarm';
COMMENT ON COLUMN ops.alarms.alarm IS 'capture_silent, capture_disconnected, hourly_pnl_late or reference_prices_late; docs/runbook.md has a section for each';
COMMENT ON COLUMN ops.alarms.since_at IS 'Last sign of what is missing';
COMMENT ON COLUMN ops.alarms.raised_at IS 'When it was noticed';
COMMENT ON COLUMN ops.alarms.cleared_at IS 'When it was over; NULL: it is on';
COMMENT ON COLUMN ops.alarms.detail IS 'What was noticed, in words';

CREATE TABLE ops.notifications (
    notification_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    about text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('webhook', 'mail')),
    title text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    state text NOT NULL DEFAULT 'sending' CHECK (state IN ('sending', 'sent', 'failed')),
    detail text,
    CONSTRAINT it_is_sending_until_it_ends CHECK ((state = 'sending') = (ended_at IS NULL))
);
CREATE INDEX notifications_about ON ops.notifications (about, channel, started_at DESC);
CREATE INDEX notifications_started_at ON ops.notifications (started_at);
COMMENT ON TABLE ops.notifications IS 'What was sent to people, by which channel, and whether it got there; what was held back as a repetition is not in it';
COMMENT ON COLUMN ops.notifications.notification_id IS 'Number of the notification';
COMMENT ON COLUMN ops.notifications.about IS 'What it is about: task <dag>.<task>, or alarm <alarm_id> raised or cleared';
COMMENT ON COLUMN ops.notifications.channel IS 'webhook or mail';
COMMENT ON COLUMN ops.notifications.title IS 'Its first line';
COMMENT ON COLUMN ops.notifications.started_at IS 'When sending began';
COMMENT ON COLUMN ops.notifications.ended_at IS 'When the receiver had taken or refused it; NULL: under way, or the process was killed';
COMMENT ON COLUMN ops.notifications.state IS 'sending, sent or failed';
COMMENT ON COLUMN ops.notifications.detail IS 'Why it failed';
