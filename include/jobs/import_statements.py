"""Loads many statements of the exchange, a history of them, and reconciles their days."""

import logging
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from include.jobs import build_pnl, load_statement, reconcile_trades, validate_trades
from include.landing import statement_folder
from include.progress import Progress
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("jobs/import_statements.sql")
SHARED = load_queries("warehouse/queries.sql")

_FILES_PER_PASS = 7


def run(settings: Settings, files: Sequence[tuple[date, Path]]) -> dict[str, int]:
    """Lands, loads and reconciles statements, validates what they add and builds PnL, a week at a time.

    A killed import goes on where it stopped: what is landed, loaded and reconciled is not done again.

    Args:
        files: The statements and the days that they are about.

    Returns:
        Counts: files, line_count, rejected_count, those of `reconcile_trades` for the days done now, and
        not_reconciled of all days that were given.

    Raises:
        TerminalError: A file cannot be read or is no statement; the ones before it are done.
        TransientError: The warehouse went away; a rerun goes on from there.
    """
    total = dict.fromkeys(
        ("files", "line_count", "rejected_count", "days", "matched", "missing", "differs", "cancelled",
         "unexpected"), 0
    )  # fmt: skip
    validate_trades.run(settings)  # what is captured and not validated would be missing
    progress = Progress("statements", len(files))
    for first in range(0, len(files), _FILES_PER_PASS):
        portion = files[first : first + _FILES_PER_PASS]
        for day, file in portion:
            _add(total, load_statement.run(settings, day, file))
        if days := _to_reconcile(settings, sorted({day for day, _ in portion})):
            _add(total, reconcile_trades.run(settings, days))
        validate_trades.run(settings)
        build_pnl.run(settings)
        log.info("%s", progress.text(first + len(portion)))
    return total | {"not_reconciled": _not_reconciled(settings, [day for day, _ in files])}


def standing(settings: Settings, days: Sequence[date]) -> list[tuple[date, str]]:
    """The landing file that stands for each of these days, in their order; days without one are left out."""
    parameters = {"market": settings.market.market, "days": list(days)}
    with connect(settings.warehouse_url, "import_statements") as conn, conn, conn.cursor() as cur:
        run_sql(cur, SHARED["statements_standing"], parameters)
        return [(day, landing_file) for day, landing_file, _ in cur if landing_file is not None]


def reconcile_landed(settings: Settings) -> list[date]:
    """Loads and reconciles landed statements, as of a new warehouse, and validates what they add.

    Returns:
        Their days.

    Raises:
        TransientError: The warehouse went away; a rerun goes on from there.
    """
    if days := load_statement.load_landed(settings):
        reconcile_trades.run(settings, days)
        validate_trades.run(settings)
    return days


def _to_reconcile(settings: Settings, days: list[date]) -> list[date]:
    parameters = {
        "market": settings.market.market,
        "days": days,
        "folders": [statement_folder(day, settings.landing_market) for day in days],
    }
    with connect(settings.warehouse_url, "import_statements") as conn, conn, conn.cursor() as cur:
        run_sql(cur, QUERIES["statements_to_reconcile"], parameters)
        return [day for (day,) in cur]


def _not_reconciled(settings: Settings, days: list[date]) -> int:
    parameters = {"market": settings.market.market, "days": days}
    with connect(settings.warehouse_url, "import_statements") as conn, conn, conn.cursor() as cur:
        run_sql(cur, QUERIES["days_not_reconciled"], parameters)
        ((count,),) = cur.fetchall()
    return int(count)


def _add(total: dict[str, int], counts: dict[str, int]) -> None:
    for name in total.keys() & counts.keys():
        total[name] += counts[name]
