"""Rows put straight into a warehouse, for tests of what comes after loading."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal

from include.domain.delivery_period import DeliveryPeriod, Market
from include.domain.pnl import Fill, compute_pnl
from include.warehouse.queries import load_queries, run_sql
from tools import database

QUERIES = load_queries("load/queries.sql")

MARKET = Market.of("Europe/Berlin")


class Database(database.Database):
    """A connection with autocommit and a few ways to put rows in place."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._lines = 0

    def batch(self, source: str = "trades", state: str = "accepted", name: str = "a") -> int:
        """A batch of a landing file; its counts stay 0."""
        run_sql(
            self.cursor,
            QUERIES["landing_files_lock"],
            {"landing_file": f"{source}/{name}", "source": source, "hour_start_at": datetime(2026, 3, 2)},
        )
        file_id = self.cursor.fetchone()[0]  # type: ignore[index]
        return int(
            self.value(
                "INSERT INTO ops.load_batches (source, landing_file_id, from_bytes, to_bytes, line_count,"
                " loaded_count, duplicate_count, rejected_count, event_count, state)"
                " VALUES (%s, %s, 0, 0, 0, 0, 0, 0, 0, %s) RETURNING load_batch_id",
                (source, file_id, state),
            )
        )

    def period(self, day: date, label: str) -> DeliveryPeriod:
        """The period of the calendar, made known to the warehouse."""
        period = MARKET.period(day, label)
        run_sql(self.cursor, QUERIES["delivery_periods"], asdict(period))
        return period

    def trade(
        self, batch: int, day: date, label: str, trader: str, direction: str, quantity: Decimal, price: Decimal
    ) -> None:
        """One trade of a batch, with an id of its own."""
        period = self.period(day, label)
        self._lines += 1
        self.rows(
            "INSERT INTO raw.trades VALUES"
            " (%s, %s, %s, %s, %s, %s, %s, %s, %s, now(), now(), %s, 1, %s)",
            (
                f"t{self._lines}", trader, direction, price, quantity, day, label,
                period.start_at, period.end_at, batch, self._lines,
            ),
        )  # fmt: skip

    def price(self, batch: int, day: date, label: str, price: Decimal | None, observed_at: datetime) -> None:
        """One observation of a reference price."""
        self.period(day, label)
        self._lines += 1
        self.rows(
            "INSERT INTO raw.reference_prices VALUES (%s, %s, %s, NULL, %s, %s, 2, %s)",
            (day, label, price, observed_at, batch, self._lines),
        )

    def pnl(
        self,
        day: date,
        label: str,
        trader: str,
        price: Decimal | None,
        *,
        fills: Iterable[Fill] = (Fill("sell", Decimal(1), Decimal(1)),),
        gap_seconds: Decimal = Decimal(0),
        valid_from: datetime | None = None,
    ) -> None:
        """A version of PnL as a build would publish it; it stands."""
        period, pnl = self.period(day, label), compute_pnl(fills, price)
        facts = {
            "delivery_day": day,
            "delivery_hour": label,
            "trader_id": trader,
            "delivery_start_at": period.start_at,
            "delivery_end_at": period.end_at,
            "trade_count": pnl.trade_count,
            "buy_mwh": pnl.buy_mwh,
            "sell_mwh": pnl.sell_mwh,
            "buy_value_eur": pnl.buy_value_eur,
            "sell_value_eur": pnl.sell_value_eur,
            "reference_price_eur_per_mwh": price,
            "price_status": "missing" if price is None else "final",
            "capture_gap_seconds": gap_seconds,
            "valid_from": valid_from or datetime.now(UTC),
        }
        self.rows(
            f"INSERT INTO curated.pnl_versions ({', '.join(facts)})"
            f" VALUES ({', '.join(f'%({name})s' for name in facts)})",
            facts,
        )

    def pending(self, periods: Iterable[tuple[date, str]] | None = None) -> None:
        """Marks periods, or all that have trades, as changed."""
        if periods is None:
            periods = self.rows("SELECT DISTINCT delivery_day, delivery_hour FROM raw.trades")
        for day, label in periods or ():
            self.rows(
                "INSERT INTO ops.pending_delivery_periods (delivery_day, delivery_hour, cause)"
                " VALUES (%s, %s, 'test')",
                (day, label),
            )
