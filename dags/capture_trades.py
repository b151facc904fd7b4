"""
### The second capture instance: exchange to landing files, without end

| | |
|---|---|
| **window** | none: this is a *now* DAG; one run streams until somebody ends it, then the next one starts |
| **writes** | landing files `trades/date=…/hour=…/airflow-….jsonl`, nothing in the warehouse |
| **rerun** | clear the run, or mark its task failed: it flushes, ends and connects anew within seconds |

The stand-alone capture (`python -m include.capture`) is the other instance. Each writes its own files and each
trade counts once, so both may run, stop and overlap. Pausing this DAG does not stop the active run. If the run
itself is marked, Airflow starts the next one only when it reads this file again, within five minutes.
"""

# Airflow reads only DAG files that hold its name
from include.orchestration import assets
from include.orchestration.capture_operator import CaptureOperator
from include.orchestration.markets import dag
from include.orchestration.tasks import DEFAULT_ARGS
from include.orchestration.timetable import EndlessTimetable
from include.orchestration.windows import START_AT


@dag(
    schedule=EndlessTimetable(),
    start_date=START_AT,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS | {"retries": 0, "execution_timeout": None},
    doc_md=__doc__,
    tags=["capture", "now"],
)
def capture_trades() -> None:
    # before all that waits for a slot: what is traded meanwhile is received by one instance less
    CaptureOperator(task_id="stream_trades", outlets=[assets.LANDING_TRADES], priority_weight=1_000)


capture_trades()
