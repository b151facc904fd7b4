"""Reconciles earlier days whose files came late, changed, or were missed or not loaded by earlier runs."""

import logging
from datetime import date, timedelta

from include.errors import TerminalError
from include.health.missing_statements import missed_statements
from include.jobs import build_pnl, import_statements
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

SHARED = load_queries("warehouse/queries.sql")


def run(settings: Settings, day: date) -> dict[str, object]:
    """Imports the files in STATEMENT_FOLDER of the week before a day that are not reconciled as they are now.

    Before that it loads and reconciles what is landed and not loaded, of any day: the warehouse was restored
    from a dump, or a load was killed. A file that cannot be used does not stop the others.

    Args:
        day: The day after the last one that is looked for.

    Returns:
        The number of days whose files were imported; or why none is looked for, as `skipped`.

    Raises:
        TerminalError: A file cannot be read or is no statement; the others are done.
        TransientError: The warehouse went away; a rerun goes on from there.
    """
    count = len(import_statements.reconcile_landed(settings))
    if count:
        build_pnl.run(settings)
    folder = settings.statement_folder
    if folder is None:
        unset = "STATEMENT_FOLDER is not set: there are no end-of-day files"
        return {"files": count} if count else {"skipped": unset}
    with connect(settings.warehouse_url, "import_missed_statements") as conn, conn, conn.cursor() as cur:
        run_sql(cur, SHARED["first_run"], {"market": settings.market.market})
        ((first_run_at,),) = cur.fetchall()
        last = day - timedelta(days=1)
        missed = missed_statements(cur, settings.market, folder, last, first_run_at) if first_run_at else []
    problems = []
    for each in missed:
        if each.file is None or not each.is_whole:
            log.info("no run has reconciled %s, and its file is not in %s", each.day, folder)
            continue
        try:
            log.info("%s: %s", each.day, import_statements.run(settings, [(each.day, each.file)]))
            count += 1
        except TerminalError as error:
            problems.append(f"{each.day}: {error}")
    if problems:
        raise TerminalError("; ".join(problems))
    return {"files": count}
