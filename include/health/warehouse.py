"""What the warehouse says: one read-only round of queries, with one time limit for all of them."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from psycopg2.extensions import connection, cursor

from include.health.metrics import Sample, seconds
from include.settings import Settings
from include.warehouse.connection import connect
from include.warehouse.queries import fetch_dicts, load_queries, run_sql

QUERIES = load_queries("health/metrics.sql")
SHARED = load_queries("warehouse/queries.sql")

APPLICATION = "monitoring"
"""How the server's activity view names the connection."""

CONNECT_SECONDS = 3
"""For the server to take the connection."""

ROUND_SECONDS = 5.0
"""For all queries together: less than the ten seconds that Prometheus waits for a scrape."""

RECENT = timedelta(days=1)
"""Landing files received within this time are compared with the ledger."""

OUTCOMES = ("loaded", "duplicate", "rejected", "event")

Row = dict[str, Any]
Query = Callable[..., list[Row]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a round found.

    Attributes:
        samples: Metrics and their values.
        loaded_bytes: Landing file of the last day: the offset up to which it is loaded.
    """

    samples: list[Sample]
    loaded_bytes: Mapping[str, int]


def read_warehouse(
    markets: Sequence[Settings], now: datetime, on_connection: Callable[[connection], None]
) -> Reading:
    """Reads all metrics in one read-only transaction on a connection of its own.

    A connection a round costs milliseconds and has no state: a server that was away is simply there again.

    Args:
        markets: Of each market: where the warehouse is, its calendar and the budget of its provider.
        now: What is open and what is today.
        on_connection: Is given the connection as soon as there is one, to break it when it hangs.

    Raises:
        TransientError: The warehouse cannot be reached or took too long.
        TerminalError: No warehouse is configured.
    """
    started = time.monotonic()
    with connect(markets[0].warehouse_url, APPLICATION, CONNECT_SECONDS) as conn:
        on_connection(conn)
        conn.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with conn, conn.cursor() as cur:
            query = _query_until(cur, time.monotonic() + ROUND_SECONDS)
            samples: list[Sample] = [
                (metric, (settings.market.market, *labels), number)
                for settings in markets
                for metric, labels, number in _samples(query, settings, now)
            ]
            (requests,) = query(QUERIES["requests"])
            samples.append(("provider_requests_total", (), float(requests["provider_requests"] or 0)))
            this_hour = now.replace(minute=0, second=0, microsecond=0)
            offsets = query(QUERIES["landing_offsets"], from_at=this_hour - RECENT)
    samples.append(("read_duration_seconds", (), time.monotonic() - started))
    return Reading(samples, {row["landing_file"]: row["loaded_bytes"] for row in offsets})


def _samples(query: Query, settings: Settings, now: datetime) -> Iterator[Sample]:
    """Those of a market, without the label that names it."""
    query = partial(query, market=settings.market.market)
    yield from _capture(query, settings, now)
    yield from _loading(query)
    yield from _building(query)
    yield from _prices(query, settings, now)
    for row in query(SHARED["alarms"]):
        yield "alarm", (row["alarm"], row["severity"]), 1.0
    for row in query(QUERIES["runs"]):
        yield "last_run_success", (row["dag_id"],), float(row["state"] == "success")
        yield "last_run_ended_timestamp_seconds", (row["dag_id"],), seconds(row["ended_at"])


def _capture(query: Query, settings: Settings, now: datetime) -> Iterator[Sample]:
    for row in query(SHARED["capture_instances"]):
        instance = row["name"], row["host"]
        yield "capture_connected", instance, float(row["is_connected"])
        yield "capture_last_line_timestamp_seconds", instance, seconds(row["last_line_at"])
        yield "capture_messages_per_minute", instance, float(row["messages_per_minute"])
    midnight = now.astimezone(settings.market.timezone).replace(hour=0, minute=0, second=0, microsecond=0)
    gaps = query(SHARED["gaps"], from_at=midnight, until_at=now + RECENT, limit=100_000)
    yield "capture_gap_open", (), float(any(gap["is_ongoing"] for gap in gaps))
    yield "capture_gaps_today", (), len(gaps)
    lengths = (gap["gap_end_at"] - max(gap["gap_start_at"], midnight) for gap in gaps)
    yield "capture_gap_seconds_today", (), sum(lengths, timedelta()).total_seconds()


def _loading(query: Query) -> Iterator[Sample]:
    for metric, statement in (
        ("lines_total", QUERIES["lines"]),
        ("lines_last_hour", QUERIES["lines_last_hour"]),
    ):
        for row in query(statement):
            for outcome in OUTCOMES:
                yield metric, (row["source"], outcome), float(row[outcome])
    for row in query(QUERIES["rejects"]):
        yield "rejected_messages_total", (row["source"], row["reason_code"]), float(row["count"])
    for row in query(QUERIES["unreviewed"]):
        yield "unreviewed_messages", (row["problem"],), float(row["count"])
    (newest,) = query(QUERIES["newest_trade"])
    yield "newest_trade_timestamp_seconds", (), seconds(newest["received_at"])


def _building(query: Query) -> Iterator[Sample]:
    (progress,) = query(QUERIES["progress"])
    yield "pending_delivery_periods", (), float(progress["pending_periods"])
    yield "pnl_published_timestamp_seconds", (), seconds(progress["published_at"])
    for row in query(QUERIES["freshness"]):
        thing = (row["thing"],)
        yield "freshness_timestamp_seconds", thing, seconds(row["last_at"])
        yield "freshness_limit_seconds", thing, float(row["limit_seconds"])
        yield "freshness_late", thing, float(row["is_late"])


def _prices(query: Query, settings: Settings, now: datetime) -> Iterator[Sample]:
    hours = settings.market.tradable_hours(now)
    (prices,) = query(
        SHARED["health_prices"],
        provider=settings.provider,
        days=[hour.delivery_day for hour in hours],
        hours=[hour.delivery_hour for hour in hours],
    )
    yield "open_hours", ("final",), float(prices["final"])
    yield "open_hours", ("provisional",), float(prices["with_price"] - prices["final"])
    yield "open_hours", ("missing",), float(prices["open_periods"] - prices["with_price"])
    yield "missing_prices", (), float(prices["missing"])
    for period, used, budget in (
        ("minute", prices["spent_last_minute"], settings.reference_price_per_minute),
        ("hour", prices["spent_last_hour"], settings.reference_price_per_hour),
    ):
        yield "provider_budget_used_requests", (period,), float(used)
        yield "provider_budget_requests", (period,), float(budget)
    (provider,) = query(QUERIES["provider"])
    yield "provider_down", (), float(provider["is_down"])


def _query_until(cur: cursor, deadline: float) -> Query:
    """Runs statements, each with what is left of the time; the server ends one that takes longer."""

    def query(statement: str, **parameters: Any) -> list[Row]:
        left = max(int((deadline - time.monotonic()) * 1000), 1)
        run_sql(cur, QUERIES["statement_timeout_of_transaction"], {"timeout": f"{left}ms"})
        return fetch_dicts(cur, statement, parameters)

    return query
