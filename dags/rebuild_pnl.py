"""
### Rebuilds PnL of a range of delivery days

| | |
|---|---|
| **window** | the delivery days `from` to `to` of the trigger form, both included; started by hand only |
| **writes** | new versions in `curated.pnl_versions` where numbers differ |
| **params** | `reload`: load their landing files from scratch; `force_prices`: request their prices again |
| **rerun** | clear the failed task: it continues where it stopped; clear the whole run: it starts over |

For what one `hourly_pnl` run or a backfill of some days cannot repair: a wrong price that the provider has
corrected, rows that somebody changed, an empty warehouse, a year. It works set-wise, a week at a time, and its
log says how far it is; live runs go on beside it.

The tasks are the steps of `include/jobs/rebuild_steps.py`, one after the other. `make rebuild FROM=… TO=…` runs
the same steps without Airflow.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import chain

from include.jobs.rebuild_steps import STEPS, Step
from include.orchestration import assets
from include.orchestration.markets import dag
from include.orchestration.tasks import DEFAULT_ARGS, Run, Summary, task
from include.orchestration.timetable import ByHandTimetable
from include.orchestration.windows import REBUILD_PARAMS, START_AT

OUTLETS = {
    "load_trades": [assets.RAW_TRADES],
    "validate_trades": [assets.CURATED_TRADES],
    "repull_reference_prices": [assets.LANDING_PRICES],
    "load_reference_prices": [assets.RAW_PRICES],
    "validate_reference_prices": [assets.CURATED_PRICES],
    "rebuild_pnl": [assets.PNL_HOURLY],
}


def task_of(step: Step) -> Any:
    @task(task_id=step.__name__, outlets=OUTLETS.get(step.__name__, []))
    def run_step(run: Run) -> Summary:
        return step(run.settings, run.rebuild)

    return run_step()


@dag(
    schedule=ByHandTimetable(),
    start_date=START_AT,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=48),
    # a year of files, or of prices within the provider's budget, takes its time
    default_args=DEFAULT_ARGS | {"execution_timeout": timedelta(hours=30)},
    params=REBUILD_PARAMS,
    doc_md=__doc__,
    tags=["pnl", "range"],
)
def rebuild_pnl() -> None:
    chain(*(task_of(step) for step in STEPS))


rebuild_pnl()
