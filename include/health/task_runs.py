"""Writes each try of a task into ops.task_runs; a warehouse that is away never troubles the task."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import psycopg2
from psycopg2.extensions import cursor

from include.errors import TerminalError, TransientError
from include.health.wording import presentable
from include.warehouse.connection import connect
from include.warehouse.queries import load_queries, run_sql

log = logging.getLogger(__name__)

QUERIES = load_queries("health/task_runs.sql")

State = Literal["success", "failed", "retry"]

_MAX_ERROR_CHARACTERS = 2_000
_TIMEOUT_SECONDS = 3
"""A warehouse that hangs may cost a task so much at its start and at its end, not more."""

TROUBLE = (TransientError, TerminalError, psycopg2.Error)
"""What a warehouse that is away raises."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which try of which task of which run it is.

    Attributes:
        run_type: How the run came about: scheduled, manual, backfill …
        longest_seconds: After so long it is ended; None: it may run for ever.
        dag_task_count: Tasks of the DAG.
    """

    dag_id: str
    run_id: str
    task_id: str
    try_number: int
    run_type: str
    longest_seconds: float | None
    dag_task_count: int


@contextmanager
def brief_transaction(warehouse_url: str, application: str) -> Iterator[cursor]:
    """A transaction for what a task writes beside its work: it may not take long."""
    limit = f"{_TIMEOUT_SECONDS}s"
    with (
        connect(warehouse_url, application, _TIMEOUT_SECONDS, statement_timeout=limit) as conn,
        conn,
        conn.cursor() as cur,
    ):
        yield cur


class TaskRun:
    """The row of one try: `begin` writes it, `end` completes it.

    Args:
        warehouse_url: Where ops.task_runs is.
        market: Id of the market of its DAG.

    Attributes:
        window: Start and end (UTC) of what the run is about; None for all there is.
        summary: What the task says it did.
    """

    def __init__(self, warehouse_url: str, market: str, attempt: Attempt) -> None:
        self.window: tuple[datetime, datetime] | None = None
        self.summary: Mapping[str, Any] | None = None
        self._warehouse_url = warehouse_url
        self._market = market
        self._attempt = attempt
        self._started_at = datetime.now(UTC)
        self._task_run_id: int | None = None

    def begin(self) -> None:
        """Writes that the try is running."""
        self._write("running", None, None)

    def end(self, state: State, error: str = "") -> None:
        """Writes how it ended; if its beginning could not be written, then that as well."""
        self._write(state, datetime.now(UTC), presentable(error, _MAX_ERROR_CHARACTERS) or None)

    def _write(self, state: str, ended_at: datetime | None, error: str | None) -> None:
        window_start_at, window_end_at = self.window or (None, None)
        parameters = asdict(self._attempt) | {
            "task_run_id": self._task_run_id,
            "market": self._market,
            "window_start_at": window_start_at,
            "window_end_at": window_end_at,
            "started_at": self._started_at,
            "ended_at": ended_at,
            "state": state,
            "error": error,
            "summary": None if self.summary is None else json.dumps(self.summary, default=str),
        }
        statement = QUERIES["task_runs_begin"] if self._task_run_id is None else QUERIES["task_runs_end"]
        try:
            with brief_transaction(self._warehouse_url, "outcomes") as cur:
                run_sql(cur, statement, parameters)
                if self._task_run_id is None:
                    self._task_run_id = cur.fetchone()[0]  # type: ignore[index]
        except TROUBLE as trouble:
            log.warning(
                "the outcome of this task is not in ops.task_runs: %s", presentable(str(trouble), 300).strip()
            )
