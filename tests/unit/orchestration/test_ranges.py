"""Which delivery days a rebuild is about."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from include.errors import TerminalError
from include.orchestration.ranges import resolve_rebuild
from include.run_scope import DeliveryDays, Rebuild


def context(**params: Any) -> dict[str, Any]:
    """What Airflow hands to a task of a run with these params."""
    return {"params": params, "dag_run": SimpleNamespace(run_id="manual__1")}


def test_both_days_are_included_and_options_are_off() -> None:
    rebuild = resolve_rebuild(context(**{"from": "2026-03-01", "to": "2026-03-02"}))
    assert rebuild == Rebuild("manual__1", DeliveryDays(date(2026, 3, 1), date(2026, 3, 2)))
    assert (len(rebuild.days), rebuild.reload, rebuild.force_prices) == (2, False, False)


def test_options_that_were_chosen() -> None:
    params = {"from": "2026-03-01", "to": "2026-03-01", "reload": True, "force_prices": True}
    rebuild = resolve_rebuild(context(**params))
    assert (rebuild.reload, rebuild.force_prices) == (True, True)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "from must be a delivery day like 2026-03-02, not None"),
        ({"from": "2026-03-01"}, "to must be a delivery day"),
        ({"from": "2026-03-01T00:00:00Z", "to": "2026-03-02"}, "from must be a delivery day"),
        (
            {"from": "2026-03-01", "to": "2026-03-01", "reload": "yes"},
            "reload must be true or false, not 'yes'",
        ),
    ],
)
def test_what_rest_lets_through_is_refused_in_words(params: dict[str, Any], message: str) -> None:
    with pytest.raises(TerminalError, match=message):
        resolve_rebuild(context(**params))
