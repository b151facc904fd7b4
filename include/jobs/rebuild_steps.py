"""The steps of a rebuild, listed once: what `make rebuild` does, and the tasks of the DAG rebuild_pnl."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from include.jobs import (
    check_range,
    load_reference_prices,
    load_trades,
    rebuild_pnl,
    reload_landing_files,
    report_findings,
    repull_reference_prices,
    validate_reference_prices,
    validate_trades,
)
from include.jobs.import_statements import reconcile_landed
from include.run_scope import Rebuild
from include.settings import Settings

log = logging.getLogger(__name__)

RESUME_WITHIN = timedelta(hours=24)
"""`run` resumes a rebuild that was killed; later it starts over, because data may have changed."""

Step = Callable[[Settings, Rebuild], Mapping[str, Any]]


def _validate_trades(settings: Settings, _rebuild: Rebuild) -> Mapping[str, Any]:
    counts = validate_trades.run(settings)
    reconcile_landed(settings)  # with what is captured, which counts by now
    return counts


STEPS: dict[str, Step] = {
    "check_range": check_range.run,
    "reload_landing_files": reload_landing_files.run,
    "load_trades": lambda settings, _: load_trades.run(settings),
    "validate_trades": _validate_trades,
    "repull_reference_prices": repull_reference_prices.run,
    "load_reference_prices": lambda settings, _: load_reference_prices.run(settings),
    "validate_reference_prices": lambda settings, _: validate_reference_prices.run(settings),
    "rebuild_pnl": rebuild_pnl.run,
    "report_findings": lambda settings, _: report_findings.run(settings),
}


def run(settings: Settings, rebuild: Rebuild) -> dict[str, Mapping[str, Any]]:
    """All steps, one after the other, in this process.

    Called again for the same rebuild within RESUME_WITHIN it resumes where it was killed.

    Returns:
        Step to what it returned; steps that an earlier call had done are not among them.

    Raises:
        TerminalError: Landing files cannot be loaded, or built rows break a critical expectation.
        TransientError: Something is away; call it again.
    """
    done = rebuild_pnl.done_steps(settings, rebuild, RESUME_WITHIN)
    summaries: dict[str, Mapping[str, Any]] = {}
    for name, step in STEPS.items():
        if name in done:
            log.info("%s was done before", name)
            continue
        summaries[name] = step(settings, rebuild)
        log.info("%s: %s", name, summaries[name])
    return summaries
