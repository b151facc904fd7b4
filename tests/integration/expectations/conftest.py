"""Rows as a load leaves them, inserted by SQL."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection

from include.settings import Settings

DAY = date(2023, 2, 6)


class Warehouse:
    """Inserts what a test needs; every method commits."""

    def __init__(self, conn: connection) -> None:
        self.conn = conn
        self.line = 0

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.conn, self.conn.cursor() as cur:
            cur.execute(query, parameters or None)
            return cur.fetchall() if cur.description else []

    def values(self, query: str, *parameters: object) -> list[Any]:
        return [value for (value,) in self.rows(query, *parameters)]

    def period(self, hour: int) -> str:
        """A delivery period of DAY, in Berlin's winter."""
        label = f"{hour:02}-{hour + 1:02}"
        self.rows(
            """
            INSERT INTO raw.delivery_periods
            SELECT d, %s, start_at, start_at + interval '1 hour', 1, false,
                   d - interval '9 hours', start_at - interval '5 minutes', start_at + interval '30 seconds'
            FROM (SELECT %s::date AS d) AS day,
                 LATERAL (SELECT (d + make_interval(hours => %s)) AT TIME ZONE 'Europe/Berlin' AS start_at) AS p
            ON CONFLICT DO NOTHING
            """,
            label,
            DAY,
            hour,
        )
        return label

    def batch(
        self,
        source: str = "trades",
        loaded: int = 0,
        rejected: int = 0,
        torn: int = 0,
        duplicate: int = 0,
        state: str = "loaded",
    ) -> int:
        """A batch with a file of its own and its rejects; its rows are for the caller to insert."""
        counts = (loaded + rejected + torn + duplicate, loaded, duplicate, rejected + torn, 0)
        ((file_id,),) = self.rows(
            """
            INSERT INTO ops.landing_files (
                landing_file, source, hour_start_at,
                line_count, loaded_count, duplicate_count, rejected_count, event_count)
            SELECT format('%%s/date=2023-02-06/hour=08/file-%%s.jsonl', %s, count(*)), %s,
                   '2023-02-06 08:00+00', %s, %s, %s, %s, %s
            FROM ops.landing_files RETURNING landing_file_id
            """,
            source,
            source,
            *counts,
        )
        ((batch_id,),) = self.rows(
            """
            INSERT INTO ops.load_batches (
                source, landing_file_id, from_bytes, to_bytes,
                line_count, loaded_count, duplicate_count, rejected_count, event_count, state)
            VALUES (%s, %s, 0, 1, %s, %s, %s, %s, %s, %s) RETURNING load_batch_id
            """,
            source,
            file_id,
            *counts,
            state,
        )
        for number in range(rejected + torn):
            self.rows(
                "INSERT INTO ops.rejected_messages VALUES (%s, %s, %s, %s, %s, 'x', 'x', now())",
                file_id,
                1_000_000 + number,
                batch_id,
                source,
                "torn_line" if number < torn else "invalid_json",
            )
        return int(batch_id)

    def trade(self, batch_id: int, hour: int = 12, **changes: object) -> str:
        """A sound trade of the batch, but for the changes."""
        label = self.period(hour)
        self.line += 1
        trade = {
            "trade_id": f"trade{self.line}",
            "trader_id": "trader_1",
            "direction": "sell",
            "price_eur_per_mwh": "10.2",
            "quantity_mw": "1.5",
            "delivery_day": DAY,
            "delivery_hour": label,
            "executed_at": "2023-02-06 08:00:00+00",
            "received_at": "2023-02-06 08:00:01+00",
            **changes,
        }
        self.rows(
            f"""
            INSERT INTO raw.trades (
                {", ".join(trade)},
                delivery_start_at, delivery_end_at, load_batch_id, landing_file_id, line_number)
            SELECT {", ".join(["%s"] * len(trade))}, p.delivery_start_at, p.delivery_end_at, b.load_batch_id,
                   b.landing_file_id, %s
            FROM ops.load_batches AS b, raw.delivery_periods AS p
            WHERE b.load_batch_id = %s AND p.delivery_day = %s AND p.delivery_hour = %s
            """,
            *trade.values(),
            self.line,
            batch_id,
            DAY,
            label,
        )
        return str(trade["trade_id"])

    def trades(self, *hours: int, **batch: Any) -> int:
        """A batch with one sound trade for each of the hours."""
        batch_id = self.batch(loaded=len(hours), **batch)
        for hour in hours:
            self.trade(batch_id, hour)
        return batch_id

    def price(
        self,
        batch_id: int,
        hour: int = 12,
        price: str | None = "9.8",
        observed_at: str = "2023-02-06 11:30:00+00",
        updated_at: str | None = "2023-02-06 08:00:00+00",
    ) -> None:
        """An observation of the price; final by default."""
        label = self.period(hour)
        self.line += 1
        self.rows(
            """
            INSERT INTO raw.reference_prices
            SELECT %s, %s, %s, %s, %s, load_batch_id, landing_file_id, %s
            FROM ops.load_batches WHERE load_batch_id = %s
            """,
            DAY,
            label,
            price,
            updated_at,
            observed_at,
            self.line,
            batch_id,
        )

    def prices(self, *hours: int, **batch: Any) -> int:
        """A batch with one sound price for each of the hours."""
        batch_id = self.batch("reference_prices", loaded=len(hours), **batch)
        for hour in hours:
            self.price(batch_id, hour)
        return batch_id

    def state(self, batch_id: int) -> str:
        ((state,),) = self.rows("SELECT state FROM ops.load_batches WHERE load_batch_id = %s", batch_id)
        return str(state)

    def pending(self) -> list[tuple[str, str]]:
        return self.rows("SELECT delivery_hour, cause FROM ops.pending_delivery_periods ORDER BY 1, 2")  # type: ignore[return-value]

    def broken(self) -> list[str]:
        """What was not met, in words, in all validations so far."""
        return self.values(
            "SELECT expectation FROM ops.validation_results WHERE NOT is_success ORDER BY validation_result_id"
        )


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Warehouse]:
    with closing(psycopg2.connect(settings.warehouse_url)) as conn:
        yield Warehouse(conn)
