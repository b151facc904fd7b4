"""Rebuilds curated.pnl_hourly of a range of delivery days."""

import logging
from datetime import date, timedelta
from functools import partial

from psycopg2.extensions import cursor

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
        run_sql(cur, QUERIES["rebuild_resume"], _key(settings, rebuild))
        ((done_until,),) = cur.fetchall()
    days = [day for day in rebuild.days.days() if done_until is None or day > done_until]
    progress = Progress("delivery days", len(days))
    if len(days) < len(rebuild.days):
        log.info("%d of %d delivery days were done before", len(rebuild.days) - len(days), len(rebuild.days))
    totals = (0, 0)

    def advance(done: date, cur: cursor, counts: dict[str, int]) -> None:
        nonlocal totals
        run_sql(cur, QUERIES["rebuild_advance"], _key(settings, rebuild) | {"done_until": done, **counts})
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


def _key(settings: Settings, rebuild: Rebuild) -> dict[str, object]:
    return {"market": settings.market.market, "rebuild_id": rebuild.rebuild_id}


def done_steps(settings: Settings, rebuild: Rebuild, within: timedelta) -> set[str]:
    """The steps before `rebuild_pnl` that a rebuild need not repeat if it began lately and is not finished."""
    with connect(settings.warehouse_url, "rebuild_pnl") as conn, conn, conn.cursor() as cur:
        run_sql(cur, QUERIES["rebuild_state"], _key(settings, rebuild) | {"resume_within": within})
        row = cur.fetchone()
    if row is None:
        return set()
    return {"check_range", "reload_landing_files"} if row[0] else {"check_range"}
