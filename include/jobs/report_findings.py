"""Ends a run: fails if a person has to act, after everything else is loaded, built and published."""

from collections.abc import Iterator
from typing import Any

from include.domain.rejection import shown
from include.duration import counted
from include.errors import TerminalError
from include.landing import TRADES, hour_folder
from include.run_scope import Window
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import fetch_dicts, load_queries, run_sql

QUERIES = load_queries("jobs/report_findings.sql")

FEW_REJECTS = 9
"""So many rejects of an hour turn no run red: one bad message in ten says nothing about the others …"""

MAX_REJECTS_PERCENT = 5
"""… and neither does this share of the messages of the hour."""

_EXAMPLES = 10


def run(settings: Settings, window: Window | None = None) -> dict[str, int]:
    """Looks for landing files that cannot be loaded and, in a window of receipt, for messages to review.

    The hour of receipt decides, whoever loaded its lines and in what portions: a quarantined trade that nobody
    has reviewed, or more than FEW_REJECTS rejects that are more than MAX_REJECTS_PERCENT of its messages.
    Everything else of the hour is in PnL by then. Once they are reviewed the run can be cleared.

    Args:
        window: Hours of receipt. None: all landing files, and no messages.

    Returns:
        A count of 0.

    Raises:
        TerminalError: There are such files or hours; the message has a line for each: file, first line that is
            not loaded, and why; or hour, trades or reasons, and the command that decides.
        TransientError: The warehouse cannot be reached.
    """
    hours = {
        "market": settings.market.market,
        "start_at": window and window.start_at,
        "end_at": window and window.end_at,
    }
    with connect(settings.warehouse_url, "report_findings") as conn, conn, conn.cursor() as cur:
        run_sql(cur, QUERIES["landing_files_stuck"], hours)
        findings = [f"{file} is not loaded from line {line} on: {why}" for file, line, why in cur]
        if window is not None:
            limits = {
                "few_rejects": FEW_REJECTS,
                "max_percent": MAX_REJECTS_PERCENT,
                "examples": _EXAMPLES,
            }
            for hour in fetch_dicts(cur, QUERIES["hours_to_review"], hours | limits):
                findings += _to_review(settings, hour)
    if findings:
        raise TerminalError("\n".join(findings))
    return {"files_not_loaded": 0}


def _to_review(settings: Settings, hour: dict[str, Any]) -> Iterator[str]:
    """A line for what waits in an hour of receipt. Everything else of it counts."""
    at, parts = hour["hour_start_at"], []
    folder = hour_folder(TRADES, at, settings.landing_market)
    if count := hour["trade_count"]:
        ids = ", ".join(map(shown, hour["trade_ids"]))
        more = f" and {count - _EXAMPLES:,} more" if count > _EXAMPLES else ""
        broken = "; ".join(hour["expectations"])
        parts.append(f"{counted(count, 'trade')} in quarantine ({ids}{more}; expected: {broken})")
    if count := hour["reject_count"]:
        of_all = f"of {hour['message_count']:,} messages"
        parts.append(f"{counted(count, 'reject')} {of_all} ({', '.join(hour['reasons'])})")
    yield (
        f"received from {at:%Y-%m-%d %H:%M} UTC on, these wait for a review: {' and '.join(parts)}. All others"
        f" are in PnL. `make review{settings.market_argument}` lists them;"
        f" ACTION=… REASON=… FILE={folder}/{settings.market_argument} decides"
    )
