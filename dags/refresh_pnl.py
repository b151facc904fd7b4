"""
### The intraday view: everything that has arrived, priced and built, within a minute

| | |
|---|---|
| **window** | none: this is a *now* DAG, it works on all that is not loaded, not priced, not built |
| **schedule** | at 1, 11, 21 … minutes past the hour: a minute after each publication of the provider |
| **writes** | the same tables as `hourly_pnl`, in the same way; `ops.alarms`, `ops.notifications` |
| **rerun** | trigger a new run: one pass, done in seconds |

The chain of tasks is one pass. If the provider is down, only `pull_reference_prices` fails, and PnL keeps the
last price or says `missing`. Meanwhile `follow_market` makes a pass every half minute until the next scheduled
run: it loads, validates and builds, requests prices after each publication, and notifies people of alarms.
`check_freshness` fails if an alarm is on when a scheduled run starts. `announce_final_days` starts downstream
DAGs of the days that have become final; mostly it is skipped.
"""

# Airflow reads only DAG files that hold its name
from datetime import timedelta

from include.orchestration import assets, pnl_tasks
from include.orchestration.markets import dag
from include.orchestration.tasks import DEFAULT_ARGS, Run, Summary, task
from include.orchestration.timetable import CronTimetable
from include.orchestration.windows import START_AT
from include.settings import Settings


# before other tasks that wait for a slot: a backfill must delay neither trades nor alarms
@task(
    inlets=[assets.LANDING_TRADES],
    outlets=[assets.PNL_HOURLY],
    execution_timeout=timedelta(minutes=13),
    priority_weight=1_000,
)
def follow_market(run: Run) -> Summary:
    from include.jobs import follow_market as job

    until = run.scheduled_for + timedelta(minutes=10) if run.scheduled_for else None  # by hand: one look
    return job.run(run.notifying_settings, until)


# the check notifies people by itself, once an alarm
@task(retries=0, on_failure_callback=None, priority_weight=1_000)
def check_freshness(run: Run) -> Summary:
    from include.jobs import check_freshness as job

    if run.scheduled_for:
        return job.run(run.notifying_settings)
    alarms, _ = job.check(run.notifying_settings)  # no reason to fail what a person asked for
    return {"alarms": len(alarms)}


@dag(
    schedule=CronTimetable("1-59/10 * * * *", timezone="UTC"),
    start_date=START_AT,
    catchup=False,
    # one that hangs, one that ends, one that begins, and one that a person started
    max_active_runs=4,
    dagrun_timeout=timedelta(minutes=25),
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["pnl", "now"],
)
def refresh_pnl(settings: Settings) -> None:
    trades, pulled, built = pnl_tasks.load_trades(), pnl_tasks.pull_reference_prices(), pnl_tasks.build_pnl()
    trades >> pnl_tasks.validate_trades() >> built
    trades >> pulled >> pnl_tasks.load_reference_prices() >> pnl_tasks.validate_reference_prices() >> built
    built >> [pnl_tasks.report_findings(), pnl_tasks.announce_final_days(settings)]
    follow_market()
    check_freshness()


refresh_pnl()
