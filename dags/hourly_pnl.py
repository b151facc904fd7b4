"""
### Trades and prices of one UTC hour to curated PnL

| | |
|---|---|
| **window** | one UTC hour of receipt; the run that starts at 06:00 is about 05:00-06:00 |
| **writes** | `raw.trades`, `raw.reference_prices`, `curated.pnl_hourly` and its history, `ops.*` |
| **params** | `hour`: another hour than the date says; `force_prices`: ask again for final prices |
| **rerun** | clear the run, backfill its hour, or trigger it with any time within the hour: same numbers |

Loading reads what the landing files hold beyond what is loaded. Prices are asked for within the provider's
budget, and a provider that is down turns only `pull_reference_prices` red: PnL keeps the last price or says
`missing`, and heals by itself. Data that breaks a critical expectation turns the run red, and `curated` stays
as it was: see `docs/runbook.md`.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag

from include.orchestration.pipeline import WINDOW_PARAMS, load_price_and_build
from include.orchestration.tasks import DEFAULT_ARGS
from include.orchestration.timetable import HourTimetable


@dag(
    schedule=HourTimetable(),
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=3,
    dagrun_timeout=timedelta(hours=1),
    default_args=DEFAULT_ARGS,
    params=WINDOW_PARAMS,
    doc_md=__doc__,
    tags=["pnl", "window"],
)
def hourly_pnl() -> None:
    load_price_and_build(windowed=True)


hourly_pnl()
