"""A provider, and a warehouse whose rows a test can lay out in a line each."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection

from include.domain.delivery_period import DeliveryPeriod
from tests.integration.pull.server import ScriptedProvider, scripted_provider


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    with scripted_provider() as running:
        yield running


class Warehouse:
    """Shorthand for the rows that decide what is asked."""

    def __init__(self, conn: connection) -> None:
        self.conn = conn
        self._trades = 0

    def execute(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.conn, self.conn.cursor() as cur:
            cur.execute(statement, values)
            return cur.fetchall() if cur.description else []

    def period(self, period: DeliveryPeriod) -> None:
        self.execute(
            "INSERT INTO raw.delivery_periods VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            period.delivery_day,
            period.delivery_hour,
            period.start_at,
            period.end_at,
            period.hours,
            period.is_dst_ambiguous,
            period.tradable_from,
            period.tradable_until,
            period.price_final_from,
        )

    def trade(self, period: DeliveryPeriod, received_at: datetime | None = None) -> None:
        self.period(period)
        self._trades += 1
        received_at = received_at or period.tradable_from
        landing_file_id = self.landing_file("trades", received_at)
        self.execute(
            "INSERT INTO raw.trades VALUES (%s, 'flex', 'sell', 10, 1, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            str(self._trades),
            period.delivery_day,
            period.delivery_hour,
            period.start_at,
            period.end_at,
            period.tradable_from,
            received_at,
            self.batch("trades", "loaded", landing_file_id),
            landing_file_id,
            self._trades,
        )

    def price(
        self, period: DeliveryPeriod, observed_at: datetime, value: float | None = 42, state: str = "accepted"
    ) -> None:
        self.period(period)
        landing_file_id = self.landing_file("reference_prices", observed_at)
        self.execute(
            "INSERT INTO raw.reference_prices VALUES (%s, %s, %s, NULL, %s, %s, %s,"
            " (SELECT count(*) FROM raw.reference_prices))",
            period.delivery_day,
            period.delivery_hour,
            value,
            observed_at,
            self.batch("reference_prices", state, landing_file_id),
            landing_file_id,
        )

    def request(
        self, period: DeliveryPeriod, finished_at: datetime | None, status: int | None, is_answer: bool | None
    ) -> None:
        self.execute(
            "INSERT INTO ops.provider_requests"
            " (delivery_day, delivery_hour, requested_at, finished_at, status, is_answer)"
            " VALUES (%s, %s, coalesce(%s, now()), %s, %s, %s)",
            period.delivery_day,
            period.delivery_hour,
            finished_at,
            finished_at,
            status,
            is_answer,
        )

    def age_requests(self, seconds: float) -> None:
        """Lets time pass for the budget."""
        self.execute(
            "UPDATE ops.provider_requests SET requested_at = requested_at - passed,"
            " finished_at = finished_at - passed, retry_at = retry_at - passed"
            " FROM make_interval(secs => %s) AS passed",
            seconds,
        )

    def landing_file(self, source: str, received_at: datetime) -> int:
        """The source's file of the hour of receipt."""
        rows = self.execute(
            "INSERT INTO ops.landing_files (landing_file, source, hour_start_at)"
            " SELECT concat(%s, hour), %s, hour FROM date_trunc('hour', %s) AS hour"
            " ON CONFLICT (landing_file) DO UPDATE SET source = excluded.source RETURNING landing_file_id",
            source,
            source,
            received_at,
        )
        return int(rows[0][0])

    def batch(self, source: str, state: str, landing_file_id: int) -> int:
        rows = self.execute(
            "INSERT INTO ops.load_batches (source, landing_file_id, from_bytes, to_bytes, line_count,"
            " loaded_count, duplicate_count, rejected_count, event_count, state)"
            " VALUES (%s, %s, 0, 1, 1, 1, 0, 0, 0, %s) RETURNING load_batch_id",
            source,
            landing_file_id,
            state,
        )
        return int(rows[0][0])


@pytest.fixture
def warehouse(warehouse_url: str) -> Iterator[Warehouse]:
    conn = psycopg2.connect(warehouse_url)
    yield Warehouse(conn)
    conn.close()
