"""
### The PnL of a delivery day as a spreadsheet and a mail to finance, when the day is final

| | |
|---|---|
| **window** | one delivery day of the market, which `announce_final_days` of `refresh_pnl` has found final |
| **schedule** | an event of the asset `curated.pnl_daily`; its partition key is the day |
| **writes** | a file in `REPORT_ROOT`; `ops.notifications` |
| **params** | `day`: the day of a run that a person starts; empty: yesterday |
| **rerun** | clear the red task: who has the report does not get it again; trigger the day to send it again |

A day is final as soon as nothing of it is open, at 12:30 market time of the next day in any case: what is open
then is at the top of the report. If its numbers change later, a correction follows, one an hour at most.
`send_report` is skipped until `REPORT_URLS` is set.

This is also the example of a DAG downstream of the final days: see `docs/contributing.md`.
"""

# Airflow reads only DAG files that hold its name
from datetime import timedelta

from include.orchestration.markets import dag
from include.orchestration.tasks import DEFAULT_ARGS, Run, Summary, task
from include.orchestration.timetable import final_days_of_market
from include.orchestration.windows import DAY_PARAMS, START_AT


@task()
def write_report(run: Run) -> Summary:
    from include.jobs import write_report as job

    return job.run(run.settings, run.delivery_day)


# a channel that failed is tried again after five minutes
@task(retry_delay=timedelta(minutes=6), retry_exponential_backoff=False, max_retry_delay=None)
def send_report(run: Run) -> Summary:
    from include.jobs import send_report as job

    repetition = run.run_id if run.is_manual else ""
    return job.run(run.reporting_settings, run.delivery_day, repetition)


@dag(
    schedule=final_days_of_market,
    start_date=START_AT,
    catchup=False,
    max_active_runs=3,
    dagrun_timeout=timedelta(hours=2),
    default_args=DEFAULT_ARGS,
    params=DAY_PARAMS,
    doc_md=__doc__,
    tags=["pnl", "window"],
)
def report_pnl() -> None:
    write_report() >> send_report()


report_pnl()
