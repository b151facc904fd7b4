"""Raises and clears the alarms in ops.alarms, and tells people of them."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime

from psycopg2.extensions import cursor

from include.health.alarm_rules import Alarm, alarms_on
from include.health.notices import Notice, channels
from include.health.notify import notify
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import fetch_dicts, load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("health/alarms.sql")


def check(settings: Settings) -> tuple[list[Alarm], int]:
    """The alarms that are on, and how many were cleared; both are in ops.alarms, and people were notified.

    Raises:
        TransientError: The warehouse cannot be reached.
        TerminalError: No warehouse is configured.
    """
    market = {"market": settings.market.market}
    with connect(settings.warehouse_url, "check_freshness") as conn, conn, conn.cursor() as cur:
        alarms = alarms_on(cur, settings, datetime.now(UTC))
        for alarm in alarms:
            run_sql(cur, QUERIES["alarms_outdated"], market | asdict(alarm))
            run_sql(cur, QUERIES["alarms_raise"], market | asdict(alarm))
        cleared = run_sql(cur, QUERIES["alarms_clear"], market | {"alarms": [alarm.alarm for alarm in alarms]})
    if settings.alert_urls:
        with connect(settings.warehouse_url, "check_freshness") as conn, conn, conn.cursor() as cur:
            notices = list(_notices(cur, settings))
        for notice, to in notices:
            notify(settings, notice, to=to)
    return alarms, cleared


def log_alarms(alarms: Iterable[Alarm]) -> None:
    """A line for each, of its severity."""
    for alarm in alarms:
        log.log(logging.ERROR if alarm.severity == "critical" else logging.WARNING, "%s", alarm)


def _notices(cur: cursor, settings: Settings) -> Iterator[tuple[Notice, list[str] | None]]:
    """What is to be sent, and the channels; None: all of them."""
    market = settings.market.market
    parameters = {"market": market, "channels": list(channels(settings.alert_urls))}
    for row in fetch_dicts(cur, QUERIES["alarms_to_tell"], parameters):
        alarm, detail, raised_at, cleared_at = (row[c] for c in ("alarm", "detail", "raised_at", "cleared_at"))
        named = f"{market} {alarm}" if row["has_several_markets"] else alarm
        details = {"alarm": alarm, "market": market, "severity": row["severity"]}
        details |= {"since": row["since_at"].isoformat(), "raised": raised_at.isoformat()}
        about = f"alarm {row['alarm_id']}"
        if cleared_at is None:
            title = f"{'ALARM' if row['severity'] == 'critical' else 'warning:'} {named}"
            text = f"{detail}. What to do: docs/runbook.md, section {alarm}"
            yield Notice(f"{about} raised", "alarm_raised", title, text, details), None
        else:
            details["cleared"] = cleared_at.isoformat()
            text = f"Over since {cleared_at:%Y-%m-%d %H:%M:%S} UTC; raised {raised_at:%H:%M:%S} UTC: {detail}."
            title = f"over{', now a warning' if row['is_warning_now'] else ''}: {named}"
            yield Notice(f"{about} cleared", "alarm_cleared", title, text, details), row["open_channels"]
