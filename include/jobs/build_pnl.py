"""Builds curated.pnl_hourly where inputs changed: beside it, checked, then swapped in."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from psycopg2.extensions import connection, cursor

from include.jobs.window import Window
from include.settings import Settings
from include.warehouse.connection import connect, run_sql
from include.warehouse.locks import lock_pnl_days

log = logging.getLogger(__name__)

_DAYS_A_BUILD = 31
"""Delivery days that are built, checked and published together."""


@dataclass(frozen=True, slots=True)
class Build:
    """Rows that wait in staging.pnl_hourly, for these delivery periods.

    Attributes:
        pending_ids: The changes in ops.pending_delivery_periods that the rows take in.
    """

    build_id: int
    pending_ids: list[int]
    delivery_days: list[date]
    delivery_hours: list[str]
    row_count: int


def run(settings: Settings, window: Window | None = None) -> dict[str, int]:
    """Rebuilds and publishes every delivery period that has a pending change.

    Idempotent, free of order, and safe beside other builds: each holds a lock on its delivery days.
    A period whose numbers come out the same is not written.

    Args:
        settings: Where the warehouse is.
        window: Also rebuild what the window touches: periods delivered in it or traded in it.

    Returns:
        Counts: delivery periods, rows built, rows changed.

    Raises:
        TerminalError: The built rows break a critical expectation; curated is as it was.
        TransientError: The warehouse went away; curated is as it was, a rerun does the rest.
    """
    periods = rows = changed = 0
    with connect(settings.warehouse_url, "build_pnl") as conn, conn, conn.cursor() as cur:
        if window is not None:
            run_sql(cur, "ops/pending_window", {"start_at": window.start_at, "end_at": window.end_at})
        run_sql(cur, "ops/pending_days")
        days = [day for (day,) in cur]
    for first in range(0, len(days), _DAYS_A_BUILD):
        portion = days[first : first + _DAYS_A_BUILD]
        with _locked(settings, portion) as conn:
            build = stage(conn, portion)
            _check(settings, build)
            changed += publish(conn, build)
            periods += len(build.delivery_days)
            rows += build.row_count
        log.info("%d of %d delivery days: %d rows, %d changed", first + len(portion), len(days), rows, changed)
    return {"delivery_periods": periods, "rows_built": rows, "rows_changed": changed}


def stage(conn: connection, days: list[date]) -> Build:
    """Computes the pending periods of these days into staging.pnl_hourly and commits."""
    with conn, conn.cursor() as cur:
        # changes and data as of one moment: a change that comes later stays pending
        cur.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        # what an earlier build of these days left when it was killed: we hold their locks
        cur.execute("DELETE FROM staging.pnl_hourly WHERE delivery_day = ANY(%s)", (days,))
        run_sql(cur, "ops/pending_periods", {"delivery_days": days})
        pending = cur.fetchall()
        keys = sorted({(day, hour) for _, day, hour in pending})
        delivery_days, delivery_hours = [day for day, _ in keys], [hour for _, hour in keys]
        cur.execute("SELECT nextval('staging.build_id')")
        build_id: int = cur.fetchone()[0]  # type: ignore[index]
        parameters = {"build_id": build_id, "delivery_days": delivery_days, "delivery_hours": delivery_hours}
        run_sql(cur, "staging/pnl_sums", parameters)
        row_count = run_sql(cur, "staging/pnl_hourly", parameters)
        pending_ids = [pending_id for pending_id, _, _ in pending]
        return Build(build_id, pending_ids, delivery_days, delivery_hours, row_count)


def publish(conn: connection, build: Build) -> int:
    """Swaps the build's rows in, keeps the versions that they replace, in one transaction.

    Returns:
        Rows that are new, differ or went away.
    """
    with conn, conn.cursor() as cur:
        cur.execute("SELECT clock_timestamp()")
        parameters = {
            "build_id": build.build_id,
            "delivery_days": build.delivery_days,
            "delivery_hours": build.delivery_hours,
            "published_at": cur.fetchone()[0],  # type: ignore[index]
        }
        changed = run_sql(cur, "curated/pnl_hourly_changes", parameters)
        if changed:
            run_sql(cur, "curated/pnl_hourly_history_close", parameters)
            run_sql(cur, "curated/pnl_hourly_remove", parameters)
            run_sql(cur, "curated/pnl_hourly", parameters)
            run_sql(cur, "curated/pnl_hourly_history", parameters)
        _forget(cur, build)
    return changed


def _check(settings: Settings, build: Build) -> None:
    if build.row_count:
        from include.expectations.pnl_hourly import check_pnl  # seconds of imports, only when there is work

        check_pnl(settings, build.build_id)


def _forget(cur: cursor, build: Build) -> None:
    cur.execute("DELETE FROM staging.pnl_hourly WHERE build_id = %s", (build.build_id,))
    cur.execute("DELETE FROM ops.pending_delivery_periods WHERE pending_id = ANY(%s)", (build.pending_ids,))


@contextmanager
def _locked(settings: Settings, days: list[date]) -> Iterator[connection]:
    """A connection that holds the locks of these days until it closes."""
    with connect(settings.warehouse_url, "build_pnl") as conn:
        with conn, conn.cursor() as cur:
            lock_pnl_days(cur, days)
        yield conn
