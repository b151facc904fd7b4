"""
### Is everything fresh? Once a minute; red while an alarm is on

| | |
|---|---|
| **window** | none: this is a *now* DAG, it looks at what is true at this moment |
| **writes** | `ops.alarms`, `ops.notifications` |
| **rerun** | not needed: the next minute looks again |

Alarms: no trade or heartbeat for 60 s, or no connection (`capture_silent`, `capture_disconnected`), lines that
wait to be loaded for more than 15 minutes (`loading_stuck`), hourly PnL older than 75 minutes
(`hourly_pnl_late`), prices older than 25 (`reference_prices_late`), the role `analyst` had changed its own
password (`analyst_changed`). Each has a section in `docs/runbook.md`. People are told when an alarm is raised
and when it is over, not every minute.

Where Airflow is down nobody checks: let a monitor outside run `make freshness` as well.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import CronTriggerTimetable, dag

from include.orchestration.tasks import DEFAULT_ARGS, job

# people are told by the check itself, once an alarm; a check that is late is not worth a second try
ONCE = {"retries": 0, "execution_timeout": timedelta(seconds=45), "on_failure_callback": None}


@dag(
    schedule=CronTriggerTimetable("* * * * *", timezone="UTC"),
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=3),
    default_args=DEFAULT_ARGS | ONCE,
    doc_md=__doc__,
    tags=["watch", "now"],
)
def watch_freshness() -> None:
    # ahead of what else waits for a slot: a backfill must not hide an alarm
    job("check_freshness", telling=True, priority_weight=1_000)


watch_freshness()
