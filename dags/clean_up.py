"""
### Removes old rows and logs of Airflow and of the warehouse; no data

| | |
|---|---|
| **window** | none: this is a *now* DAG, it looks at what is old at this moment |
| **schedule** | daily at 02:43 UTC |
| **writes** | deletes only: runs and logs of Airflow, `ops.provider_requests`, `ops.validation_results` |
| **rerun** | clear the red task, or wait for the next day: it removes what is left |

A run that has not ended stays, however old it is: `capture_trades` streams for months. `docs/deploy.md` says
how long the rest is kept, in section Sizes. Landing files, trades, prices, PnL and its history stay for ever.
"""

from datetime import timedelta

from airflow.sdk import dag

from include.orchestration.tasks import DEFAULT_ARGS, Run, Summary, task
from include.orchestration.timetable import CronTimetable
from include.orchestration.windows import START_AT


@task()
def clean_airflow(run: Run) -> Summary:
    from include.jobs import clean_airflow as job

    return job.run(run.settings)


@task()
def clean_warehouse(run: Run) -> Summary:
    from include.jobs import clean_warehouse as job

    return job.run(run.settings)


@dag(
    schedule=CronTimetable("43 2 * * *", timezone="UTC"),
    start_date=START_AT,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=3),
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["upkeep", "now"],
)
def clean_up() -> None:
    clean_airflow()
    clean_warehouse()


clean_up()
