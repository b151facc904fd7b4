"""Builds PnL where inputs changed: in staging, checked, then published as versions of curated.pnl_hourly."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from psycopg2.extensions import connection, cursor

from include.load.copying import array_literal
from include.run_scope import Window
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.locks import lock_pnl_days
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("jobs/build_pnl.sql")

_DAYS_PER_BUILD = 31
"""Delivery days that are built, checked and published together."""

_ROWS_TO_ANALYZE = 200
"""For as many rows the check and the publication need statistics to be planned well."""


@dataclass(frozen=True, slots=True)
class Build:
    """Rows that wait in staging.pnl_hourly, for these delivery periods.

    Attributes:
        days: The delivery days of the build, all of whose rows in staging.pnl_hourly are its own.
        pending_ids: The changes in ops.pending_delivery_periods that the rows take in.
        changed_count: Rows that are new, differ from what stands, or have no trades any more.
    """

    market: str
    days: list[date]
    pending_ids: list[int]
    period_count: int
    row_count: int
    changed_count: int


def run(settings: Settings, window: Window | None = None) -> dict[str, int]:
    """Rebuilds and publishes every delivery period of the market that has a pending change.

    Idempotent, free of order, and safe beside other builds: each holds a lock on its delivery days.
    A period whose numbers come out the same is not written.

    Args:
        window: Also rebuild the periods that are delivered in the window or have trades received in it.

    Returns:
        Counts: delivery periods, rows built, rows changed.

    Raises:
        TerminalError: The built rows break a critical expectation; curated is as it was.
        TransientError: The warehouse went away; curated is as it was, a rerun does the rest.
    """
    market = {"market": settings.market.market}
    with connect(settings.warehouse_url, "build_pnl") as conn, conn, conn.cursor() as cur:
        if window is not None:
            within = {"start_at": window.start_at, "end_at": window.end_at}
            run_sql(cur, QUERIES["pending_window"], market | within)
        run_sql(cur, QUERIES["pending_days"], market)
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
        days: Delivery days; few enough to be published together.
        is_whole: Whether periods without a pending change are built as well.
        publishing: Called in the transaction that publishes, with the counts.

    Returns:
        Counts: delivery periods, rows built, rows changed.
    """
    with _locked(settings, days) as conn:
        build = stage(conn, settings.market.market, days, is_whole=is_whole)
        if build.changed_count:  # else there is nothing to publish, and so nothing to check
            _check(settings, build)
        with conn, conn.cursor() as cur:
            publish(cur, build)
            counts = {
                "delivery_periods": build.period_count,
                "rows_built": build.row_count,
                "rows_changed": build.changed_count,
            }
            if publishing is not None:
                publishing(cur, counts)
    return counts


def stage(conn: connection, market: str, days: list[date], *, is_whole: bool = False) -> Build:
    """Computes the pending periods of these days, or all of them, into staging.pnl_hourly and commits.

    What they change is kept in a temporary table of the connection, for `publish`.
    """
    with conn, conn.cursor() as cur:
        # changes and data as of one moment: a change that comes later stays pending
        cur.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        of_days = {"market": market, "days": days}
        run_sql(cur, QUERIES["forget_staged_days"], of_days)
        run_sql(cur, QUERIES["pending_periods"], of_days | {"is_whole": is_whole})
        pending = cur.fetchall()
        hours = sorted({tuple(hour) for _, *hour in pending})
        parameters = {
            "markets": [hour[0] for hour in hours],
            "delivery_days": [hour[1] for hour in hours],
            "delivery_hours": [hour[2] for hour in hours],
        }
        run_sql(cur, QUERIES["wanted_hours"], parameters)
        run_sql(cur, QUERIES["wanted_periods"])
        _sum(cur, market, cur.fetchall())
        row_count = run_sql(cur, QUERIES["stage_pnl_hourly"])
        if row_count >= _ROWS_TO_ANALYZE:
            run_sql(cur, QUERIES["analyze_staged"])
        return Build(
            market,
            days,
            pending_ids=[pending_id for pending_id, *_ in pending if pending_id is not None],
            period_count=len(hours),
            row_count=row_count,
            changed_count=run_sql(cur, QUERIES["pnl_changes"], of_days),
        )


def _sum(cur: cursor, market: str, periods: list[tuple[str, date, str]]) -> None:
    """Sums up the trades of these delivery periods (market, day, label) of a market in temporary tables."""
    parameters: dict[str, object] = {
        "market": market,
        "markets": [market for market, _, _ in periods],
        "delivery_days": [day for _, day, _ in periods],
        "delivery_periods": [label for _, _, label in periods],
    }
    run_sql(cur, QUERIES["special_trades"], parameters)
    trade_ids = [trade_id for (trade_id,) in cur]
    parameters["trade_ids"] = array_literal(trade_ids)
    run_sql(cur, QUERIES["pnl_sums"], parameters)
    if trade_ids:
        run_sql(cur, QUERIES["pnl_special_sums"], parameters)
    run_sql(cur, QUERIES["pnl_lost"], parameters)


def publish(cur: cursor, build: Build) -> None:
    """Closes the versions that the build replaces and adds the new ones, in the caller's transaction."""
    if build.changed_count:
        run_sql(cur, QUERIES["published_at"])
        ((published_at,),) = cur.fetchall()
        run_sql(cur, QUERIES["close_versions"], {"published_at": published_at})
        run_sql(cur, QUERIES["publish_versions"], {"published_at": published_at})
    run_sql(cur, QUERIES["pending_done"], {"pending_ids": build.pending_ids})
    run_sql(cur, QUERIES["forget_staged_days"], {"market": build.market, "days": build.days})
    run_sql(cur, QUERIES["forget_changes"])


def _check(settings: Settings, build: Build) -> None:
    if build.row_count:
        from include.expectations.pnl_hourly import check_pnl  # seconds of imports, only when there is work

        check_pnl(settings, build.days)


@contextmanager
def _locked(settings: Settings, days: list[date]) -> Iterator[connection]:
    """A connection that holds the locks of these days until it closes."""
    with connect(settings.warehouse_url, "build_pnl") as conn:
        with conn, conn.cursor() as cur:
            lock_pnl_days(cur, settings.market.market, days)
        yield conn
