"""
### The intraday view: everything that has arrived, priced and built

| | |
|---|---|
| **window** | none: this is a *now* DAG, it works on all that is not loaded, not priced, not built |
| **schedule** | at 1, 11, 21 … minutes past the hour: a minute after each publication of the provider |
| **writes** | the same tables as `hourly_pnl`, in the same way |
| **rerun** | trigger it again; an old run has nothing that a new one has not |

A provider that is down turns only `pull_reference_prices` red: PnL keeps the last price or says `missing`.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import CronTriggerTimetable, dag

from include.orchestration.pipeline import load_price_and_build
from include.orchestration.tasks import DEFAULT_ARGS


@dag(
    schedule=CronTriggerTimetable("1-59/10 * * * *", timezone="UTC"),
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=30),
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["pnl", "now"],
)
def refresh_pnl() -> None:
    load_price_and_build(windowed=False)


refresh_pnl()
