"""The provider's request budget, shared by all processes through the warehouse and kept over restarts."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg2.extensions import connection, cursor

from include.errors import TransientError
from include.settings import Settings
from include.warehouse.connection import run_sql
from include.warehouse.locks import lock_provider_budget

REQUEST_SECONDS = 30.0
"""A request without a result is over after this time at the latest: longer than the client lets one last."""

LOCK_SECONDS = 10.0
"""Longest wait for the other processes' decisions, each of which takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to send one request.

    Attributes:
        provider_request_id: Its row in `ops.provider_requests`.
    """

    provider_request_id: int


@dataclass(frozen=True, slots=True)
class Wait:
    """No request now.

    Attributes:
        seconds: How long to wait before asking again; another process may be faster then.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class AskedElsewhere:
    """Another process asks for this period at this moment, or got its answer since this budget was opened."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Requests that count against the budget now."""

    last_minute: int
    last_hour: int


class Budget:
    """Hands out requests so that the provider never sees more than it allows, in any window of time.

    A request counts from when it is taken until a minute (an hour) after its reply: wherever between
    the two the provider's own clock sees it, no delay on the way can make it count one too many.
    All times are the warehouse's clock. Each call is one short transaction.

    Args:
        conn: A connection for this budget alone.
        settings: Has the limits.
    """

    def __init__(self, conn: connection, settings: Settings) -> None:
        self._conn = conn
        self._limits = {
            "per_minute": settings.reference_price_per_minute,
            "per_hour": settings.reference_price_per_hour,
            "request_seconds": REQUEST_SECONDS,
        }
        with conn, conn.cursor() as cur:
            run_sql(cur, "ops/provider_clock")
            self._opened_at: datetime = _row(cur)[0]

    def take(self, delivery_day: date, delivery_hour: str) -> Ticket | Wait | AskedElsewhere:
        """Takes one request for a period out of the budget, or says why not now.

        Raises:
            psycopg2.Error: The warehouse failed; nothing was taken that another process could not see.
        """
        asked = {"delivery_day": delivery_day, "delivery_hour": delivery_hour}
        with self._conn, self._conn.cursor() as cur:
            lock_provider_budget(cur, LOCK_SECONDS)
            run_sql(cur, "ops/provider_is_asked", {**asked, **self._limits, "since": self._opened_at})
            if _row(cur)[0]:
                return AskedElsewhere()
            run_sql(cur, "ops/provider_wait", self._limits)
            if (seconds := _row(cur)[0]) > 0:
                return Wait(seconds)
            run_sql(cur, "ops/provider_request", asked)
            return Ticket(_row(cur)[0])

    def finish(self, ticket: Ticket, status: int | None, retry_after_seconds: float | None) -> None:
        """Records the end of a request.

        Args:
            ticket: What `take` gave.
            status: HTTP status; None when no reply came.
            retry_after_seconds: How long the provider wants *all* processes to wait.
        """
        with self._conn, self._conn.cursor() as cur:
            run_sql(
                cur,
                "ops/provider_reply",
                {
                    "provider_request_id": ticket.provider_request_id,
                    "status": status,
                    "retry_after_seconds": retry_after_seconds,
                },
            )

    def spent(self) -> Spent:
        """What is used of the budget at this moment, by all processes."""
        with self._conn, self._conn.cursor() as cur:
            run_sql(cur, "ops/provider_spent", self._limits)
            return Spent(*_row(cur))


def _row(cur: cursor) -> tuple[Any, ...]:
    row = cur.fetchone()
    if row is None:
        raise TransientError("the warehouse answered without a row")
    return row
