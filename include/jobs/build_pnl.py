"""Builds curated.pnl_hourly where inputs changed: beside it, checked, then swapped in."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from psycopg2.extensions import connection, cursor

from include.run_scope import Window
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.locks import lock_pnl_days
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("jobs/build_pnl.sql")

_DAYS_PER_BUILD = 31
"""Delivery days that are built, checked and published together."""


_MARGIN_SECONDS, _MARGIN_PER_ROW_SECONDS = 0.02, 0.0002
"""How long writing a publication is expected to take: its moment is chosen ahead by that much."""

_MAX_MARGIN_SECONDS = 60.0


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
    with connect(settings.warehouse_url, "build_pnl") as conn, conn, conn.cursor() as cur:
        if window is not None:
            run_sql(cur, QUERIES["pending_window"], {"start_at": window.start_at, "end_at": window.end_at})
        run_sql(cur, QUERIES["pending_days"])
        days = [day for (day,) in cur]
    total = {"delivery_periods": 0, "rows_built": 0, "rows_changed": 0}
    for first in range(0, len(days), _DAYS_PER_BUILD):
        portion = days[first : first + _DAYS_PER_BUILD]
        built = build_days(settings, portion)
        for name, count in built.items():
            total[name] += count
        log.info("%d of %d delivery days: %s", first + len(portion), len(days), built)
    return total


def build_days(
    settings: Settings,
    days: list[date],
    *,
    is_whole: bool = False,
    publishing: Callable[[cursor, dict[str, int]], None] | None = None,
) -> dict[str, int]:
    """Builds, checks and publishes the pending delivery periods of these days, or with `is_whole` all of them.

    Args:
        settings: Where the warehouse is.
        days: Delivery days; few enough to be published together.
        is_whole: Whether periods without a pending change are built as well.
        publishing: Called in the transaction that publishes, with the counts.

    Returns:
        Counts: delivery periods, rows built, rows changed.

    Raises:
        TerminalError: See `run`.
        TransientError: See `run`.
    """
    with _locked(settings, days) as conn:
        build = stage(conn, days, is_whole=is_whole)
        if changes_anything(conn, build):  # else there is nothing to publish, and so nothing to check
            _check(settings, build)
        with conn, conn.cursor() as cur:
            counts = {
                "delivery_periods": len(build.delivery_days),
                "rows_built": build.row_count,
                "rows_changed": publish(cur, build),
            }
            if publishing is not None:
                publishing(cur, counts)
        forget(conn, build)
    return counts


def stage(conn: connection, days: list[date], *, is_whole: bool = False) -> Build:
    """Computes the pending periods of these days, or all of them, into staging.pnl_hourly and commits."""
    with conn, conn.cursor() as cur:
        # changes and data as of one moment: a change that comes later stays pending
        cur.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        run_sql(cur, QUERIES["forget_staged_days"], {"delivery_days": days})
        run_sql(cur, QUERIES["pending_periods"], {"delivery_days": days, "is_whole": is_whole})
        pending = cur.fetchall()
        keys = sorted({(day, hour) for _, day, hour in pending})
        delivery_days, delivery_hours = [day for day, _ in keys], [hour for _, hour in keys]
        run_sql(cur, QUERIES["next_build_id"])
        build_id: int = cur.fetchone()[0]  # type: ignore[index]
        parameters = {"build_id": build_id, "delivery_days": delivery_days, "delivery_hours": delivery_hours}
        run_sql(cur, QUERIES["pnl_sums"], parameters)
        row_count = run_sql(cur, QUERIES["stage_pnl_hourly"], parameters)
        pending_ids = [pending_id for pending_id, _, _ in pending if pending_id is not None]
        return Build(build_id, pending_ids, delivery_days, delivery_hours, row_count)


def publish(cur: cursor, build: Build) -> int:
    """Swaps the build's rows in and keeps the versions that they replace, in the caller's transaction.

    The caller commits at once: `built_at`, `valid_from` and `valid_to` name the moment at which this returns.

    Returns:
        Rows that are new, differ or went away.
    """
    parameters = _parameters(build)
    changed = run_sql(cur, QUERIES["pnl_hourly_changes"], parameters)
    if changed:
        # a commit that waits for the disk would be seen later than it says; `forget` makes it durable
        cur.execute("SET LOCAL synchronous_commit = off")
        margin_seconds = _MARGIN_SECONDS + changed * _MARGIN_PER_ROW_SECONDS
        while not _swap(cur, parameters, margin_seconds):
            margin_seconds *= 4
    run_sql(cur, QUERIES["pending_done"], {"pending_ids": build.pending_ids})
    return changed


def _swap(cur: cursor, parameters: dict[str, object], margin_seconds: float) -> bool:
    """Writes everything as of a moment a little ahead and waits for it; False: that moment came too early."""
    cur.execute("SAVEPOINT swap")
    run_sql(cur, QUERIES["published_at"], {"margin_seconds": margin_seconds})
    parameters["published_at"] = cur.fetchone()[0]  # type: ignore[index]
    run_sql(cur, QUERIES["pnl_hourly_history_close"], parameters)
    run_sql(cur, QUERIES["pnl_hourly_remove"], parameters)
    run_sql(cur, QUERIES["publish_pnl_hourly"], parameters)
    run_sql(cur, QUERIES["pnl_hourly_history"], parameters)
    run_sql(cur, QUERIES["published_at_wait"], parameters)
    is_in_time: bool = cur.fetchone()[0]  # type: ignore[index]
    if not is_in_time and margin_seconds < _MAX_MARGIN_SECONDS:
        cur.execute("ROLLBACK TO SAVEPOINT swap")
        return False
    return True


def changes_anything(conn: connection, build: Build) -> bool:
    """Whether publishing the build would write anything."""
    with conn, conn.cursor() as cur:
        return run_sql(cur, QUERIES["pnl_hourly_changes"], _parameters(build)) > 0


def _parameters(build: Build) -> dict[str, object]:
    return {
        "build_id": build.build_id,
        "delivery_days": build.delivery_days,
        "delivery_hours": build.delivery_hours,
    }


def _check(settings: Settings, build: Build) -> None:
    if build.row_count:
        from include.expectations.pnl_hourly import check_pnl  # seconds of imports, only when there is work

        check_pnl(settings, build.build_id)


def forget(conn: connection, build: Build) -> None:
    """Removes the staged rows; as this commit waits for the disk, the publication is durable as well."""
    with conn, conn.cursor() as cur:
        run_sql(cur, QUERIES["forget_build"], {"build_id": build.build_id})


@contextmanager
def _locked(settings: Settings, days: list[date]) -> Iterator[connection]:
    """A connection that holds the locks of these days until it closes."""
    with connect(settings.warehouse_url, "build_pnl") as conn:
        with conn, conn.cursor() as cur:
            lock_pnl_days(cur, days)
        yield conn
