"""
### Trades and prices as they come: PnL of half a minute ago

| | |
|---|---|
| **window** | none: this is a *now* DAG; a run looks each half minute for ten minutes, then the next starts |
| **writes** | the same tables as `refresh_pnl`, in the same way |
| **rerun** | not needed: the next run is there in seconds and does what is left |

At the first and the 31st second of each minute it loads what has been captured, validates it and builds PnL; at
the first look after a publication of the provider, half a minute behind it, it asks for prices as well. So a
trade is seen within a minute of its arrival, and a price within a minute of its publication.

A provider that fails is left to `refresh_pnl`, which comes half a minute later and turns red. Pausing this DAG
leaves PnL to `refresh_pnl` and `hourly_pnl`: every ten minutes, and the same numbers.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from include.orchestration.pipeline import PNL_HOURLY
from include.orchestration.tasks import DEFAULT_ARGS, job


@dag(
    schedule="@continuous",
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["pnl", "now"],
)
def follow_market() -> None:
    job("follow_market", outlets=[PNL_HOURLY])


follow_market()
