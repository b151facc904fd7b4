"""The one place that says which window of receipt a run is about."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from include.jobs.window import Window

_HOUR = timedelta(hours=1)


def resolve_window(context: Mapping[str, Any]) -> Window:
    """The run's data interval; without one (REST with a null logical date), the last hour complete before it.

    Args:
        context: Airflow's task context.
    """
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if start is not None and end is not None and end > start:
        return Window(_utc(start), _utc(end))
    run_after = _utc(context["dag_run"].run_after)
    end_at = run_after.replace(minute=0, second=0, microsecond=0)
    return Window(end_at - _HOUR, end_at)


def _utc(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp(), UTC)
