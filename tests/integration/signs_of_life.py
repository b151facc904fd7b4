"""What a platform that runs leaves in its warehouse and its landing files, as old as a test wants it."""

import os
from datetime import UTC, datetime, timedelta

from include.landing import TRADES, event_line
from include.settings import Settings
from tests.database import Database


def ran(database: Database, minutes: float) -> None:
    """The platform first ran so long ago, and has built the hour that ended then."""
    at = datetime.now(UTC) - timedelta(minutes=minutes)
    database.rows(
        "INSERT INTO ops.task_runs (dag_id, run_id, task_id, try_number, run_type, started_at, ended_at, state,"
        " window_start_at, window_end_at, dag_task_count)"
        " VALUES ('hourly_pnl', 'r', 'build_pnl', 1, 'manual', %s, %s, 'success', %s, %s, 1)",
        (at, at, at - timedelta(hours=1), at),
    )


def heartbeat(settings: Settings, seconds: float, connected: bool = True, silent: float | None = None) -> None:
    """A capture that was last connected and last wrote so many seconds ago."""
    now = datetime.now(UTC)
    at = now - timedelta(seconds=seconds)
    path = settings.landing_root / TRADES / f"date={now:%Y-%m-%d}" / f"hour={now:%H}" / "a.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [event_line(at, "heartbeat", connected=True), event_line(now, "heartbeat", connected=connected)]
    path.write_bytes(b"".join(lines if silent is None else lines[:1]))
    os.utime(path, (now.timestamp() - (silent or 0),) * 2)
