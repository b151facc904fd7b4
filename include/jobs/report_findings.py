"""Ends a run: fails if landing files could not be loaded, after everything else is loaded and built."""

from include.errors import TerminalError
from include.run_scope import Window
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("jobs/report_findings.sql")


def run(settings: Settings, window: Window | None = None) -> dict[str, int]:
    """Looks for landing files that cannot be loaded, in all hours of receipt or those of the window.

    Returns:
        A count of 0.

    Raises:
        TerminalError: There are such files; the message has a line for each: file, first line that is not
            loaded, and why.
        TransientError: The warehouse cannot be reached.
    """
    hours = {"start_at": window and window.start_at, "end_at": window and window.end_at}
    with connect(settings.warehouse_url, "report_findings") as conn, conn, conn.cursor() as cur:
        run_sql(cur, QUERIES["landing_files_stuck"], hours)
        stuck = cur.fetchall()
    if stuck:
        raise TerminalError(
            "\n".join(f"{file} is not loaded from line {line} on: {why}" for file, line, why in stuck)
        )
    return {"files_not_loaded": 0}
