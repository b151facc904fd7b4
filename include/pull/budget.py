"""A provider's request budget, shared by all processes and markets through the warehouse, restarts included."""

import time
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg2.extensions import connection, cursor

from include.errors import TransientError
from include.settings import Settings
from include.warehouse.locks import lock_provider_budget
from include.warehouse.queries import load_queries, run_sql

QUERIES = load_queries("pull/queries.sql")

REQUEST_SECONDS = 30.0
"""A request without a reply counts as if it had reached the provider this long after it was taken. The client
sends nothing later than WHOLE_TIMEOUT_SECONDS after that, and discards undelivered data; the rest allows for
packets on their way."""

MINUTE_SECONDS = 60.0
HOUR_SECONDS = 3600.0
"""The two sliding windows in which the provider counts requests."""

LOCK_TIMEOUT_SECONDS = 10.0
"""Other processes hold the lock for milliseconds."""

HISTORY_PERCENT = 70
"""Share of both limits that requests for history may use; the rest is reserved for live prices. With the
provider's limits that reserves 15 requests a minute and 300 an hour. The open hours (at most 33) and the traded
periods of the last two hours need about 200 an hour, one for each publication."""

_NO_LIMIT = 2**31


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to send one request.

    Attributes:
        provider_request_id: Its row in `ops.provider_requests`.
        taken_at: `time.monotonic()` at the row's `requested_at` or just before; the timeout starts here.
    """

    provider_request_id: int
    taken_at: float


@dataclass(frozen=True, slots=True)
class Wait:
    """The budget is used up.

    Attributes:
        seconds: When to try again; another process may be faster then.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class AskedElsewhere:
    """Another process is asking for this period, or got an answer since this budget was opened."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Requests that count against the budget now."""

    last_minute: int
    last_hour: int


class Budget:
    """Limits requests so that the provider never receives more than it allows in any sliding window.

    A request counts from when it is taken until a minute (an hour) after its reply, so that it does not matter
    when in between the provider counts it. A request without a reply may arrive late or never; it counts until
    a minute (an hour) after the last time at which it can arrive (REQUEST_SECONDS). Requests for history have
    lower limits on the same log. All times are of the warehouse's clock; if it was ahead and is set back, what
    was taken meanwhile counts as if it were taken when the next budget is opened. Each call is one short
    transaction.

    Args:
        conn: A connection for this budget alone.
        settings: Has the market, its provider and the limits.
    """

    def __init__(self, conn: connection, settings: Settings) -> None:
        self._conn = conn
        self._market, self._provider = settings.market.market, settings.provider
        self._per_minute = settings.reference_price_per_minute
        self._per_hour = settings.reference_price_per_hour
        with conn, conn.cursor() as cur:
            # `finish` takes the same lock, so every later query for due periods sees the answers from before
            lock_provider_budget(cur, self._provider, LOCK_TIMEOUT_SECONDS)
            run_sql(cur, QUERIES["provider_clock_set_back"], {"provider": self._provider})
            run_sql(cur, QUERIES["provider_clock"])
            self._opened_at: datetime = _row(cur)[0]

    def take(
        self, delivery_day: date, delivery_hour: str, is_history: bool = False
    ) -> Ticket | Wait | AskedElsewhere:
        """Takes one request for a period from the budget, or says why not now.

        Args:
            delivery_day: Local day of the market.
            delivery_hour: Label, local time.
            is_history: It gets a request only while less than HISTORY_PERCENT of the budget is in use.

        Raises:
            psycopg2.Error: The warehouse failed; whatever was taken is recorded there.
        """
        asked = {"market": self._market, "delivery_day": delivery_day, "delivery_hour": delivery_hour}
        with self._conn, self._conn.cursor() as cur:
            lock_provider_budget(cur, self._provider, LOCK_TIMEOUT_SECONDS)
            known = {"since": self._opened_at, "request_seconds": REQUEST_SECONDS}
            run_sql(cur, QUERIES["provider_is_asked"], {**asked, **known})
            if _row(cur)[0]:
                return AskedElsewhere()
            if (seconds := self._wait(cur, *self._limits(is_history))) > 0:
                return Wait(seconds)
            taken_at = time.monotonic()
            run_sql(cur, QUERIES["provider_request"], asked | {"provider": self._provider})
            return Ticket(_row(cur)[0], taken_at)

    def finish(
        self, ticket: Ticket, status: int | None, is_answer: bool, retry_after_seconds: float | None
    ) -> None:
        """Records the end of a request.

        Args:
            ticket: What `take` gave.
            status: HTTP status; None when no reply came.
            is_answer: Whether the reply answers the request, so that nobody needs to ask again now.
            retry_after_seconds: How long the provider asks *all* processes to wait.
        """
        with self._conn, self._conn.cursor() as cur:
            lock_provider_budget(cur, self._provider, LOCK_TIMEOUT_SECONDS)
            run_sql(
                cur,
                QUERIES["provider_reply"],
                {
                    "provider_request_id": ticket.provider_request_id,
                    "status": status,
                    "is_answer": is_answer,
                    "retry_after_seconds": retry_after_seconds,
                },
            )

    def spent(self) -> Spent:
        """How much of the budget all processes together are using now."""
        with self._conn, self._conn.cursor() as cur:
            run_sql(cur, QUERIES["provider_spent"], self._windows())
            return Spent(*_row(cur))

    def seconds_for(self, requests: int, is_history: bool = False) -> float:
        """The least time that this many requests take within the limits, s, if nobody else makes any.

        Args:
            requests: At least 1.
            is_history: As for `take`.
        """
        per_minute, per_hour = self._limits(is_history)
        # the last request waits a whole window for each that the others fill, and for the rest as if sent now
        minutes, in_minute = divmod(requests - 1, per_minute)
        hours, in_hour = divmod(requests - 1, per_hour)
        with self._conn, self._conn.cursor() as cur:
            by_minute = minutes * MINUTE_SECONDS + self._wait(cur, per_minute - in_minute, _NO_LIMIT)
            by_hour = hours * HOUR_SECONDS + self._wait(cur, _NO_LIMIT, per_hour - in_hour)
        return max(by_minute, by_hour)

    def _limits(self, is_history: bool) -> tuple[int, int]:
        """Requests a minute and an hour; at least one, so that a small budget allows history, too."""
        percent = HISTORY_PERCENT if is_history else 100
        return max(1, self._per_minute * percent // 100), max(1, self._per_hour * percent // 100)

    def _wait(self, cur: cursor, per_minute: int, per_hour: int) -> float:
        """Seconds until a request is within the limits; 0 for now."""
        limits = {"per_minute": per_minute, "per_hour": per_hour}
        run_sql(cur, QUERIES["provider_wait"], limits | self._windows())
        return max(0.0, float(_row(cur)[0]))  # the clock goes on while the statement reads it

    def _windows(self) -> dict[str, object]:
        return {
            "provider": self._provider,
            "minute_seconds": MINUTE_SECONDS,
            "hour_seconds": HOUR_SECONDS,
            "request_seconds": REQUEST_SECONDS,
        }


def _row(cur: cursor) -> tuple[Any, ...]:
    row = cur.fetchone()
    if row is None:
        raise TransientError("the warehouse answered without a row")
    return row
