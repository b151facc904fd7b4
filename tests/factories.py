"""Rows put straight into a warehouse, for tests of what comes after loading."""

import itertools
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg2.extensions import AsIs, cursor

from include.domain.delivery_period import DeliveryPeriod, Market
from include.domain.pnl import Fill, compute_pnl
from include.load.ledger import store_periods
from include.warehouse.queries import load_queries, run_sql
from tools import database

QUERIES = load_queries("load/queries.sql")

MARKET = Market.of("Europe/Berlin")
NOW = AsIs("now()")
COUNTS = ("loaded_count", "duplicate_count", "rejected_count", "event_count")

DEFAULTS: dict[str, dict[str, Any]] = {
    "ops.landing_files": {"market": "DE", "source": "trades", "hour_start_at": datetime(2026, 3, 2)}
    | dict.fromkeys(COUNTS, 0),
    "ops.load_batches": {"source": "trades", "from_bytes": 0, "to_bytes": 0, "state": "accepted"}
    | dict.fromkeys(COUNTS, 0),
    "ops.rejected_messages": {
        "market": "DE", "line_number": 1, "source": "trades", "reason_code": "invalid_price", "detail": "d",
        "raw": "r", "received_at": NOW,
    },
    "ops.landing_scans": {"market": "DE", "source": "trades"},
    "ops.validation_results": {
        "market": "DE", "validation_id": "v", "suite": "trades", "expectation": "e", "severity": "critical",
        "is_success": True, "detail": "d",
    },
    "ops.provider_requests": {
        "market": "DE", "provider": "provider", "delivery_day": date(2023, 2, 6), "delivery_hour": "12-13",
    },
    "ops.pending_delivery_periods": {"market": "DE", "cause": "test"},
    "ops.capture_comparisons": {"market": "DE"},
    "ops.task_runs": {
        "market": "DE", "dag_id": "d", "run_id": "r", "task_id": "t", "try_number": 1, "run_type": "manual",
        "dag_task_count": 1,
    },
    "ops.alarms": {"market": "DE", "since_at": NOW, "detail": "d"},
    "raw.trades": {"market": "DE", "executed_at": NOW, "received_at": NOW},
    "raw.delivery_periods": {"market": "DE"},
    "raw.reference_prices": {"market": "DE"},
    "curated.pnl_versions": {"market": "DE"},
    "staging.trade_copies": {"market": "DE"},
    "raw.trade_cancellations": {"market": "DE", "received_at": NOW},
}  # fmt: skip
"""What a row says unless the test says otherwise."""


def ago(minutes: float) -> datetime:
    """So long before now."""
    return datetime.now(UTC) - timedelta(minutes=minutes)


def insert(cur: cursor, table: str, **columns: Any) -> Any:
    """Puts a row in place; returns its first column, which is its id if it has one."""
    row = DEFAULTS.get(table, {}) | columns
    if "loaded_count" in row:
        row["line_count"] = sum(row[name] for name in COUNTS)
    values = ", ".join(["%s"] * len(row))
    cur.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values}) RETURNING *", [*row.values()])
    return cur.fetchall()[0][0]


class Database(database.Database):
    """A connection with autocommit and a few ways to put rows in place."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._numbers = itertools.count(1)

    def insert(self, table: str, **columns: Any) -> Any:
        """Puts a row in place; returns its first column, which is its id if it has one."""
        return insert(self.cursor, table, **columns)

    def batch(
        self,
        source: str = "trades",
        state: str = "accepted",
        name: str = "a",
        hour_start_at: datetime = datetime(2026, 3, 2),
        **columns: Any,
    ) -> int:
        """A batch of the source's landing file of that name; the file's counts stay 0."""
        file = {
            "market": "DE",
            "landing_file": f"{source}/{name}",
            "source": source,
            "hour_start_at": hour_start_at,
        }
        run_sql(self.cursor, QUERIES["landing_files_lock"], file)
        file_id = self.cursor.fetchall()[0][0]
        row = {"source": source, "landing_file_id": file_id, "state": state}
        return int(self.insert("ops.load_batches", **row | columns))

    def period(self, day: date, label: str) -> DeliveryPeriod:
        """The period of the calendar, made known to the warehouse with its hours of PnL, as a load does it."""
        period = MARKET.period(day, label)
        hours = (MARKET.period(day, share.pnl_hour) for share in period.shares)
        store_periods(self.cursor, (period, *hours))
        return period

    def told_period(self, day: date, label: str) -> None:
        """An hour of PnL that a reject tells, made known to the warehouse as a load does it."""
        store_periods(self.cursor, (), (MARKET.period(day, label),))

    def trade(
        self,
        batch: int,
        day: date,
        label: str,
        trader: str = "anna",
        direction: str = "sell",
        quantity: Decimal | int = 1,
        price: Decimal | int = 50,
        **columns: Any,
    ) -> str:
        """One trade of a batch, with an id of its own; returns it."""
        period = self.period(day, label)
        row = self.line(batch) | {
            "trader_id": trader,
            "direction": direction,
            "quantity_mw": quantity,
            "price_eur_per_mwh": price,
            "delivery_day": day,
            "delivery_hour": period.delivery_hour,
            "delivery_start_at": period.start_at,
            "delivery_end_at": period.end_at,
        }
        return str(self.insert("raw.trades", **{"trade_id": f"t{row['line_number']}"} | row | columns))

    def quarantine(self, trade_id: str, expectation: str = "each quantity is above 0 MW") -> None:
        """The trade, all its directions and revisions, breaks an expectation."""
        columns = (
            "market, trade_id, direction, revision, trader_id, price_eur_per_mwh, quantity_mw, delivery_day,"
            " delivery_hour, received_at, landing_file_id, line_number"
        )
        self.rows(
            f"INSERT INTO ops.quarantined_trades ({columns}, expectation)"
            f" SELECT {columns}, %s FROM raw.trades WHERE trade_id = %s ON CONFLICT DO NOTHING",
            (expectation, trade_id),
        )

    def price(
        self,
        batch: int,
        day: date,
        label: str,
        price: Decimal | float | str | None,
        observed_at: datetime | str,
        **columns: Any,
    ) -> None:
        """One observation of a reference price."""
        period = self.period(day, label)
        self.insert(
            "raw.reference_prices",
            delivery_day=day,
            delivery_hour=period.delivery_hour,
            price_eur_per_mwh=price,
            observed_at=observed_at,
            **self.line(batch),
            **columns,
        )

    def line(self, batch: int) -> dict[str, Any]:
        """The next line of the batch's file."""
        file_id = self.value("SELECT landing_file_id FROM ops.load_batches WHERE load_batch_id = %s", (batch,))
        return {"load_batch_id": batch, "landing_file_id": file_id, "line_number": next(self._numbers)}

    def connected(self, landing_file_id: int, *spans: tuple[datetime, datetime]) -> None:
        """The file's journal proves that its capture was connected in these spans."""
        for start, end in spans:
            self.insert(
                "staging.claimed_intervals",
                landing_file_id=landing_file_id,
                connected_from=start,
                connected_until=end,
            )

    def pnl(
        self,
        day: date,
        label: str,
        trader: str,
        price: Decimal | None,
        *,
        fills: Iterable[Fill] = (Fill("sell", Decimal(1), Decimal(1)),),
        **columns: Any,
    ) -> None:
        """A version of PnL as a build would publish it; it stands."""
        period, pnl = self.period(day, label), compute_pnl(fills, price)
        facts = ("trade_count", "buy_mwh", "sell_mwh", "buy_value_eur", "sell_value_eur")
        row = {name: getattr(pnl, name) for name in facts} | {
            "delivery_day": day,
            "delivery_hour": label,
            "trader_id": trader,
            "delivery_start_at": period.start_at,
            "delivery_end_at": period.end_at,
            "reference_price_eur_per_mwh": price,
            "price_status": "missing" if price is None else "final",
            "capture_gap_seconds": 0,
            "starting_trade_count": pnl.trade_count,
            "amendment_count": 0,
            "cancelled_trade_count": 0,
            "has_unreviewed_messages": False,
            "valid_from": datetime.now(UTC),
        }
        self.insert("curated.pnl_versions", **row | columns)

    def forget_everything(self) -> None:
        """Empties every table but the market's settings."""
        tables = self.value(
            "SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables"
            " WHERE schemaname IN ('raw', 'curated', 'ops', 'staging') AND tablename <> 'markets'"
        )
        self.rows(f"TRUNCATE {tables} RESTART IDENTITY")

    def pending(self, periods: Iterable[tuple[date, str]] | None = None) -> None:
        """Marks hours of PnL, or all that have trades, as changed."""
        if periods is None:
            periods = self.rows(
                "SELECT DISTINCT delivery_day, pnl_hour FROM raw.trades JOIN raw.period_hours"
                " USING (market, delivery_day, delivery_hour)"
            )
        for day, label in periods or ():
            self.insert("ops.pending_delivery_periods", delivery_day=day, delivery_hour=label)

    def request(self, minutes: float, status: int | None, **columns: Any) -> None:
        """A request to the provider that ended so long ago, without a status because nobody answered."""
        at, is_answer = ago(minutes), status in (200, 404)
        row = {"requested_at": at, "finished_at": at, "status": status, "is_answer": is_answer}
        self.insert("ops.provider_requests", **row | columns)

    def ran(self, minutes: float, window: float | None = None, **columns: Any) -> None:
        """A build that ended so long ago; hourly_pnl's, of the hour that ended `window` minutes ago."""
        at = ago(minutes)
        row: dict[str, Any] = {"dag_id": "hourly_pnl", "task_id": "build_pnl", "state": "success"}
        row |= {"started_at": at, "ended_at": at}
        if window is not None:
            row |= {"window_start_at": ago(window + 60), "window_end_at": ago(window)}
        self.insert("ops.task_runs", **row | columns)
