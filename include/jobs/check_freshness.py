"""Raises and clears the freshness alarms, tells people, and fails while one is on."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from psycopg2.extensions import cursor

from include.capture.liveness import Signs, last_signs
from include.duration import duration
from include.errors import TerminalError
from include.health.notices import Notice
from include.health.notify import notify
from include.load.waiting import MAX_WAIT, Waiting, waiting_files
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import load_queries, run_sql
from include.warehouse.roles import READER, hold_reader

log = logging.getLogger(__name__)

QUERIES = load_queries("jobs/check_freshness.sql")

CAPTURE_LIMIT = timedelta(seconds=60)
"""A capture writes a heartbeat every 10 s, connected or not."""

_LATE = {
    "hourly_pnl": (
        "hourly_pnl_late",
        "hourly PnL is more than 75 minutes old: the last hour done ended",
        "no hour was ever done",
    ),
    "reference_prices": (
        "reference_prices_late",
        "reference prices are more than 25 minutes old: the provider's last reply that was loaded came",
        "no reply was ever loaded",
    ),
}
"""Things of ops.freshness that raise an alarm: its name, what is the matter, and if there never was one."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that is on.

    Attributes:
        alarm: Its name, and its section of docs/runbook.md.
        since_at: The last sign of what is missing, UTC.
        detail: What is the matter, in words.
    """

    alarm: str
    since_at: datetime
    detail: str

    def __str__(self) -> str:
        return f"{self.alarm}: {self.detail}. What to do: docs/runbook.md, section {self.alarm}"


def run(settings: Settings) -> Mapping[str, int]:
    """Checks what has to stay fresh, keeps ops.alarms, and tells people of alarms raised and cleared.

    Returns:
        The number of alarms that were cleared.

    Raises:
        TerminalError: An alarm is on; the message has a line for each. Or no warehouse is configured.
        TransientError: The warehouse cannot be reached.
    """
    alarms, cleared = check(settings)
    if alarms:
        raise TerminalError("\n".join(map(str, alarms)))
    return {"cleared": cleared}


def check(settings: Settings) -> tuple[list[Alarm], int]:
    """The alarms that are on, and how many were cleared; both are in ops.alarms, and people were told.

    Raises:
        TransientError: The warehouse cannot be reached.
        TerminalError: No warehouse is configured.
    """
    now = datetime.now(UTC)
    signs = last_signs(settings.landing_root, now)
    with connect(settings.warehouse_url, "check_freshness") as conn, conn, conn.cursor() as cur:
        run_sql(cur, QUERIES["freshness"])
        rows = cur.fetchall()
        first_run_at: datetime | None = rows[0][-1]
        alarms = [] if first_run_at is None else _alarms(now, signs, rows, first_run_at)
        if first_run_at is not None and (waiting := waiting_files(cur, settings.landing_root, now)):
            alarms.append(loading_alarm(now, waiting))
        alarms += _reader_alarm(cur, now)
        for alarm in alarms:
            parameters = {"alarm": alarm.alarm, "since_at": alarm.since_at, "detail": alarm.detail}
            run_sql(cur, QUERIES["alarms_raise"], parameters)
        cleared = run_sql(cur, QUERIES["alarms_clear"], {"alarms": [alarm.alarm for alarm in alarms]})
        run_sql(cur, QUERIES["task_runs_forget"])
    if settings.alert_urls:
        with connect(settings.warehouse_url, "check_freshness") as conn, conn, conn.cursor() as cur:
            notices = _notices(cur)
        for notice in notices:
            notify(settings, notice)
    return alarms, cleared


def _alarms(
    now: datetime, signs: Signs, rows: list[tuple[str, datetime | None, bool, datetime]], first_run_at: datetime
) -> list[Alarm]:
    found = [alarm for alarm in (capture_alarm(now, signs, first_run_at),) if alarm]
    for thing, last_at, is_late, _ in rows:
        if is_late and thing in _LATE:
            name, words, never = _LATE[thing]
            detail = f"{words} {_when(now, last_at)}" if last_at else never
            found.append(Alarm(name, last_at or first_run_at, detail))
    return found


def capture_alarm(now: datetime, signs: Signs, first_run_at: datetime) -> Alarm | None:
    """Whether any capture line lives, and whether any is connected; at least one should at every moment."""
    if now - max(signs.written_at or first_run_at, first_run_at) > CAPTURE_LIMIT:
        last = (
            f"the last line in one was written {_when(now, signs.written_at)}"
            if signs.written_at
            else "none yet"
        )
        detail = f"no capture writes landing files: {last}"
        return Alarm("capture_silent", signs.written_at or first_run_at, detail)
    if now - max(signs.connected_at or first_run_at, first_run_at) > CAPTURE_LIMIT:
        last = _when(now, signs.connected_at) if signs.connected_at else "longer ago than the last two hours"
        detail = f"capture runs but is not connected to the exchange: it last was {last}"
        return Alarm("capture_disconnected", signs.connected_at or first_run_at, detail)
    return None


def loading_alarm(now: datetime, waiting: Sequence[Waiting]) -> Alarm:
    """Lines wait to be loaded: which file is the oldest, and why."""
    oldest = waiting[0]
    files = "1 landing file holds" if len(waiting) == 1 else f"{len(waiting)} landing files hold"
    detail = (
        f"{files} lines that have waited for more than {MAX_WAIT.seconds // 60} minutes to be loaded: the"
        f" oldest was received {_when(now, oldest.since_at)}, in {oldest.landing_file}"
    )
    why = f": {oldest.load_error}" if oldest.load_error else ""
    return Alarm("loading_stuck", oldest.since_at, detail + why)


def _reader_alarm(cur: cursor, now: datetime) -> list[Alarm]:
    """PostgreSQL lets every role change its own password: it is set back, and people should know."""
    is_restored, ended_sessions = hold_reader(cur)
    if ended_sessions:
        log.warning("%d sessions of %s were ended: their transactions took too long", ended_sessions, READER)
    if not is_restored:
        return []
    detail = f"the role {READER} had changed its own password or settings; they were set back"
    return [Alarm("analyst_changed", now, detail)]


def _when(now: datetime, at: datetime) -> str:
    return f"{duration((now - at).total_seconds())} ago, at {at:%Y-%m-%d %H:%M:%S} UTC"


def _notices(cur: cursor) -> list[Notice]:
    run_sql(cur, QUERIES["alarms_to_tell"])
    notices = []
    for alarm_id, alarm, since_at, raised_at, cleared_at, detail in cur.fetchall():
        details = {"alarm": alarm, "since": since_at.isoformat(), "raised": raised_at.isoformat()}
        about, todo = f"alarm {alarm_id}", f"What to do: docs/runbook.md, section {alarm}"
        if cleared_at is None:
            text = f"{detail}. {todo}"
            notices.append(Notice(f"{about} raised", "alarm_raised", f"ALARM {alarm}", text, details))
        else:
            details["cleared"] = cleared_at.isoformat()
            text = f"Over since {cleared_at:%Y-%m-%d %H:%M:%S} UTC; raised {raised_at:%H:%M:%S} UTC: {detail}."
            notices.append(Notice(f"{about} cleared", "alarm_cleared", f"over: {alarm}", text, details))
    return notices
