"""The steps of a rebuild, listed once: the tasks of the DAG rebuild_pnl, and what `make rebuild` does.

Each step imports its job when it is called: the DAG file only needs the list.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from include.run_scope import Rebuild
from include.settings import Settings

log = logging.getLogger(__name__)

RESUME_WITHIN = timedelta(hours=24)
"""`run` resumes a rebuild that was killed; later it starts over, because data may have changed."""

Step = Callable[[Settings, Rebuild], Mapping[str, Any]]


def check_range(settings: Settings, rebuild: Rebuild) -> Mapping[str, Any]:
    from include.jobs import check_range as job

    return job.run(settings, rebuild)


def reload_landing_files(settings: Settings, rebuild: Rebuild) -> Mapping[str, Any]:
    from include.jobs import reload_landing_files as job

    return job.run(settings, rebuild)


def load_trades(settings: Settings, _rebuild: Rebuild) -> Mapping[str, Any]:
    from include.jobs import load_trades as job

    return job.run(settings)


def validate_trades(settings: Settings, _rebuild: Rebuild) -> Mapping[str, Any]:
    from include.jobs import validate_trades as job
    from include.jobs.import_statements import reconcile_landed

    counts = job.run(settings)
    reconcile_landed(settings)  # with what is captured, which counts by now
    return counts


def repull_reference_prices(settings: Settings, rebuild: Rebuild) -> Mapping[str, Any]:
    from include.jobs import repull_reference_prices as job

    return job.run(settings, rebuild)


def load_reference_prices(settings: Settings, _rebuild: Rebuild) -> Mapping[str, Any]:
    from include.jobs import load_reference_prices as job

    return job.run(settings)


def validate_reference_prices(settings: Settings, _rebuild: Rebuild) -> Mapping[str, Any]:
    from include.jobs import validate_reference_prices as job

    return job.run(settings)


def rebuild_pnl(settings: Settings, rebuild: Rebuild) -> Mapping[str, Any]:
    from include.jobs import rebuild_pnl as job

    return job.run(settings, rebuild)


def report_findings(settings: Settings, _rebuild: Rebuild) -> Mapping[str, Any]:
    from include.jobs import report_findings as job

    return job.run(settings)


STEPS: tuple[Step, ...] = (
    check_range,
    reload_landing_files,
    load_trades,
    validate_trades,
    repull_reference_prices,
    load_reference_prices,
    validate_reference_prices,
    rebuild_pnl,
    report_findings,
)


def run(settings: Settings, rebuild: Rebuild) -> dict[str, Mapping[str, Any]]:
    """All steps, one after the other, in this process.

    Called again for the same rebuild within RESUME_WITHIN it resumes where it was killed.

    Returns:
        Step to what it returned; steps that an earlier call had done are not among them.

    Raises:
        TerminalError: Landing files cannot be loaded, or built rows break a critical expectation.
        TransientError: Something is away; call it again.
    """
    from include.jobs.rebuild_pnl import done_steps

    done = done_steps(settings, rebuild, RESUME_WITHIN)
    summaries: dict[str, Mapping[str, Any]] = {}
    for step in STEPS:
        name = step.__name__
        if name in done:
            log.info("%s was done before", name)
            continue
        summaries[name] = step(settings, rebuild)
        log.info("%s: %s", name, summaries[name])
    return summaries
