"""Builds curated.pnl_hourly of a range of delivery days anew."""

import logging
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from psycopg2.extensions import cursor

from include.jobs import (
    check_range,
    load_reference_prices,
    load_trades,
    reload_landing_files,
    report_findings,
    repull_reference_prices,
    validate_reference_prices,
    validate_trades,
)
from include.jobs.build_pnl import build_days
from include.progress import Progress
from include.run_scope import Rebuild
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("jobs/rebuild.sql")

_DAYS_PER_BUILD = 7
"""Delivery days that are built, checked and published together: a kill costs no more than these."""


RESUME_WITHIN = timedelta(hours=24)
"""`everything` goes on where it was killed; later it starts over, for data may have changed."""


def run(settings: Settings, rebuild: Rebuild) -> dict[str, int]:
    """Builds and publishes every known delivery period of the days; what comes out the same is not written.

    A killed rebuild goes on where it stopped: how far it got is part of each publication.

    Returns:
        Counts over the whole rebuild: delivery days, rows built, rows changed.

    Raises:
        TerminalError: Rows break a critical expectation; their days and later ones are as they were.
        TransientError: The warehouse went away; a rerun goes on from there.
    """
    with connect(settings.warehouse_url, "rebuild_pnl") as conn, conn, conn.cursor() as cur:
        run_sql(cur, QUERIES["rebuild_resume"], {"rebuild_id": rebuild.rebuild_id})
        ((done_until,),) = cur.fetchall()
    days = [day for day in rebuild.days.days() if done_until is None or day > done_until]
    progress = Progress("delivery days", len(days))
    if len(days) < len(rebuild.days):
        log.info("%d of %d delivery days were done before", len(rebuild.days) - len(days), len(rebuild.days))
    totals = (0, 0)

    def advance(done: date, cur: cursor, counts: dict[str, int]) -> None:
        nonlocal totals
        run_sql(
            cur, QUERIES["rebuild_advance"], {"rebuild_id": rebuild.rebuild_id, "done_until": done, **counts}
        )
        ((*_, built, changed),) = cur.fetchall()
        totals = built, changed

    for first in range(0, len(days), _DAYS_PER_BUILD):
        portion = days[first : first + _DAYS_PER_BUILD]
        build_days(settings, portion, is_whole=True, publishing=partial(advance, portion[-1]))
        log.info(
            "%s: %s rows built, %s changed",
            progress.text(first + len(portion)),
            f"{totals[0]:,}",
            f"{totals[1]:,}",
        )
    return {"delivery_days": len(rebuild.days), "rows_built": totals[0], "rows_changed": totals[1]}


def _log_step(name: str, summary: object) -> None:
    log.info("%s: %s", name, summary)


def everything(
    settings: Settings, rebuild: Rebuild, done: Callable[[str, object], None] = _log_step
) -> dict[str, int]:
    """All tasks of the DAG rebuild_pnl, one after the other, in this process.

    Called again for the same rebuild within RESUME_WITHIN it goes on where it was killed.

    Args:
        settings: Where everything is.
        rebuild: What is asked for.
        done: Told of each task but the last one when it is over: its name and what it returned.

    Returns:
        What `run` returns.

    Raises:
        TerminalError: A batch is blocked, landing files cannot be loaded, or see `run`.
        TransientError: Something went away; call it again.
    """
    is_under_way, is_reloaded = _state(settings, rebuild)
    steps: dict[str, Callable[[], object]] = {
        "check_range": lambda: check_range.run(settings, rebuild),
        "reload_landing_files": lambda: reload_landing_files.run(settings, rebuild),
        "load_trades": lambda: load_trades.run(settings),
        "validate_trades": lambda: validate_trades.run(settings),
        "repull_reference_prices": lambda: repull_reference_prices.run(settings, rebuild),
        "load_reference_prices": lambda: load_reference_prices.run(settings),
        "validate_reference_prices": lambda: validate_reference_prices.run(settings),
    }
    for name, step in steps.items():
        if (name == "check_range" and is_under_way) or (name == "reload_landing_files" and is_reloaded):
            log.info("%s was done before", name)
        else:
            done(name, step())
    counts = run(settings, rebuild)
    report_findings.run(settings)
    return counts


def _state(settings: Settings, rebuild: Rebuild) -> tuple[bool, bool]:
    """Whether the rebuild was begun lately and not finished, and whether its files are loaded again already."""
    with connect(settings.warehouse_url, "rebuild_pnl") as conn, conn, conn.cursor() as cur:
        parameters = {"rebuild_id": rebuild.rebuild_id, "resume_within": RESUME_WITHIN}
        run_sql(cur, QUERIES["rebuild_state"], parameters)
        row = cur.fetchone()
    return row is not None, row is not None and bool(row[0])
