"""
### The exchange's end-of-day file of a day: adds what was not captured, and reconciles the rest

| | |
|---|---|
| **window** | one day of the market, local time: on which trades were executed, or of some files deliver |
| **schedule** | daily at 00:15 market time, for the day that has ended |
| **writes** | `raw.statement_trades`, `raw.trades`, `curated.pnl_versions`, `ops.reconciliations` |
| **params** | `day`: another day than the date says; `file`: the name of a file in `STATEMENT_FOLDER` |
| **rerun** | clear the run, backfill its day, or trigger it with the day: the same result again |

`wait_for_statement` waits in the triggerer, without a worker slot, until 08:00 market time of the next day. If
the file is not there by then, it is red and the alarm `statement_missing` is on: put the file into the folder
and clear the task. `reconcile_missed_days` does the same for those of the seven days before whose files no run
has reconciled as they are now, as after an outage of Airflow or a correction, and loads what is landed and not
loaded, as after a dump was restored; only in scheduled runs. Where `STATEMENT_FOLDER` is not set the rest is
skipped. `make reconcile FILE=…` does the same by hand.
"""

# Airflow reads only DAG files that hold its name
from datetime import timedelta

from include.orchestration import assets
from include.orchestration.markets import dag
from include.orchestration.pnl_tasks import build_pnl, validate_trades
from include.orchestration.statement_sensor import StatementSensor
from include.orchestration.tasks import DEFAULT_ARGS, Run, Summary, task
from include.orchestration.timetable import days_of_market
from include.orchestration.windows import START_AT, STATEMENT_PARAMS


@task(outlets=[assets.LANDING_STATEMENTS, assets.RAW_STATEMENTS])
def load_statement(run: Run) -> Summary:
    from include.jobs import load_statement as job

    return job.run(run.settings, run.statement_day, run.statement_file)


@task(
    task_id="reconcile_trades",
    inlets=[assets.RAW_STATEMENTS, assets.RAW_TRADES],
    outlets=[assets.RAW_TRADES, assets.RECONCILIATIONS],
)
def reconcile_day(run: Run) -> Summary:
    from include.jobs import reconcile_trades as job

    return job.run(run.settings, [run.statement_day])


@task(outlets=[assets.RAW_STATEMENTS, assets.RAW_TRADES, assets.RECONCILIATIONS, assets.PNL_HOURLY])
def reconcile_missed_days(run: Run) -> Summary:
    from include.jobs import import_missed_statements as job

    if run.scheduled_for is None:
        return {"files": 0}  # the runs of a backfill would do it all at once
    return job.run(run.settings, run.statement_day)


@dag(
    schedule=days_of_market,
    start_date=START_AT,
    catchup=False,
    # one that waits must not hold up a backfill
    max_active_runs=3,
    dagrun_timeout=timedelta(hours=10),
    default_args=DEFAULT_ARGS,
    params=STATEMENT_PARAMS,
    doc_md=__doc__,
    tags=["pnl", "window"],
)
def reconcile_trades() -> None:
    wait = StatementSensor(task_id="wait_for_statement")
    wait >> load_statement() >> reconcile_day() >> validate_trades() >> build_pnl()
    # a file of today that is late or wrong does not hold them up
    reconcile_missed_days()


reconcile_trades()
