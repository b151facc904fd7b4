"""The one place that says which delivery days a rebuild is about."""

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param

from include.errors import TerminalError
from include.run_scope import DeliveryDays, Rebuild

REBUILD_PARAMS = {
    "from": Param(
        type="string",
        format="date",
        title="From",
        description="First delivery day, in the market's local time.",
    ),
    "to": Param(
        type="string",
        format="date",
        title="To",
        description="Last delivery day, included.",
    ),
    "reload": Param(
        False,
        type="boolean",
        title="Reload landing files",
        description="Forget what was loaded for these days and load their landing files from the first line.",
    ),
    "force_prices": Param(
        False,
        type="boolean",
        title="Force prices",
        description="Ask the provider again for the price of each hour, final or not: 24 requests a day.",
    ),
}
"""What a person tells a rebuild."""


def resolve_rebuild(context: Mapping[str, Any]) -> Rebuild:
    """What the run is asked to do; the same for each of its tasks and their retries.

    Args:
        context: Airflow's task context.

    Raises:
        TerminalError: A param is not what the trigger form would have let through.
    """
    params, run = context["params"], context["dag_run"]
    days = DeliveryDays.parse(params.get("from"), params.get("to"))
    return Rebuild(run.run_id, days, _is_chosen(params, "reload"), _is_chosen(params, "force_prices"))


def _is_chosen(params: Mapping[str, Any], name: str) -> bool:
    value = params.get(name, False)
    if not isinstance(value, bool):
        raise TerminalError(f"{name} must be true or false, not {value!r}")
    return value
