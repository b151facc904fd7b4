"""Finds delivery days whose PnL has become final, or has changed since; each is stored once: ops.final_days."""

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.locks import lock_pnl_days
from include.warehouse.queries import fetch_dicts, load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("jobs/announce_final_days.sql")

LATEST = time(12, 30)
"""At this time of the next day, market time, a day is announced whatever is open: half an hour after its last
prices become final."""

CORRECTION_INTERVAL = timedelta(hours=1)
"""Changes of a day that was announced are announced together, at most so often."""

UNDER_WAY = timedelta(minutes=30)
"""So long a load or a build may take: a day waits for it even after LATEST, but not for one that is stuck."""

FIRST_WITHIN_DAYS = 7
"""Older days are not announced for the first time: who loads a year of history wants no report of each day."""


@dataclass(frozen=True, slots=True)
class Announcer:
    """The task of a run in Airflow that sends the events.

    Attributes:
        run_id: Its run; the same for each try.
        task_id: The task, as ops.task_runs has it.
    """

    dag_id: str
    run_id: str
    task_id: str


def run(settings: Settings, announcer: Announcer, now: datetime | None = None) -> list[date]:
    """The delivery days of the market for which this run has to send an event.

    A day is final when it is over and nothing of it is open: no hour is in ops.incomplete_periods or waits for
    a build, every price is final, and where statements are expected that of the day is reconciled. What is
    still open at LATEST of the next day does not hold it up, but for what was loaded within UNDER_WAY. A day
    whose numbers differ from those that were announced is announced again.

    Each day and revision is stored once, however many runs there are at once. A run that is tried again gets
    the same days again; those of a run that never succeeded fall to another one after an hour.

    Raises:
        TransientError: The warehouse cannot be reached, or a build holds the days for too long.
    """
    market = settings.market.market
    parameters = {
        "market": market,
        "now": now or datetime.now(UTC),
        "latest": LATEST,
        "correction_interval": CORRECTION_INTERVAL,
        "under_way": UNDER_WAY,
        "first_within_days": FIRST_WITHIN_DAYS,
        "is_statement_expected": settings.statement_folder is not None,
    } | {"dag_id": announcer.dag_id, "run_id": announcer.run_id, "task_id": announcer.task_id}
    with connect(settings.warehouse_url, "announce_final_days", lock_timeout="5min") as conn:
        with conn, conn.cursor() as cur:
            due = [row["delivery_day"] for row in fetch_dicts(cur, QUERIES["final_days_due"], parameters)]
        if due:
            # no build of these days is under way then, and no other run of this task looks at them
            with conn, conn.cursor() as cur:
                lock_pnl_days(cur, market, due)
            with conn, conn.cursor() as cur:
                for row in fetch_dicts(cur, QUERIES["final_days_due"], parameters):
                    if row["delivery_day"] in due:
                        run_sql(cur, QUERIES["final_days_store"], parameters | row)
                        log.info("%(delivery_day)s is final, revision %(revision)s", row)
        with conn, conn.cursor() as cur:
            run_sql(cur, QUERIES["final_days_to_announce"], parameters)
            return sorted(day for (day,) in cur)
