"""Of which late runs people are notified."""

from typing import Any

import pytest

from include.orchestration.deadline import missed_deadline_notice


def context(**changes: Any) -> dict[str, Any]:
    """What Airflow hands to the callback, as far as it is used."""
    run = {
        "dag_id": "hourly_pnl",
        "dag_run_id": "scheduled__2026-03-02T06:00:00+00:00",
        "run_type": "scheduled",
        "state": "running",
        "data_interval_start": "2026-03-02T05:00:00Z",
        "data_interval_end": "2026-03-02T06:00:00Z",
    }
    return {"dag_run": run | changes, "deadline": {"deadline_time": "2026-03-02T06:15:00Z"}}


@pytest.mark.parametrize("state", ["queued", "running", "success"])
def test_people_are_notified_of_a_scheduled_run_that_is_late(state: str) -> None:
    notice = missed_deadline_notice(context(state=state))
    assert notice is not None
    assert notice.title == "LATE hourly_pnl"
    assert f"2026-03-02 05:00 to 2026-03-02 06:00 UTC is not done in time; its state is {state}." in notice.text


@pytest.mark.parametrize("changes", [{"state": "failed"}, {"run_type": "manual"}, {"run_type": "backfill"}])
def test_not_of_failures_that_they_know_and_of_runs_that_somebody_watches(changes: dict[str, str]) -> None:
    assert missed_deadline_notice(context(**changes)) is None
