"""One warehouse of the desk for all tests of this folder, as the role `analyst` sees it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import cursor

from include.jobs.build_pnl import publish, stage
from include.load.ledger import store_periods
from include.warehouse.connection import connect
from include.warehouse.locks import lock_pnl_days
from include.warehouse.migrate import migrate
from tests.factories import Database
from tests.integration.analysts.desk import (
    AS_CAPTURED,
    BUILDS,
    CANCELLED,
    CANCELLED_AT,
    GAP,
    MARKETS,
    PRICES,
    TODAY,
    TRADES,
    YESTERDAY,
    Trade,
)

LONG_AGO, LATER = datetime(2025, 1, 1, tzinfo=UTC), datetime(2095, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="package")
def desk_url(postgres: str, migrated_template: str) -> Iterator[str]:
    """URL of the built warehouse, for its owner; today is the desk's."""
    with closing(Database(postgres)) as server:
        server.rows(f"CREATE DATABASE analysts TEMPLATE {migrated_template}")
        url = postgres.rsplit("/", 1)[0] + "/analysts"
        migrate(url, list(MARKETS.values()))
        with closing(Database(url)) as database:
            _build(database, url)
        yield url
        server.rows("DROP DATABASE analysts WITH (FORCE)")


@pytest.fixture
def analyst(desk_url: str) -> Iterator[cursor]:
    """A cursor of the role that only reads."""
    with closing(psycopg2.connect(desk_url, options="-c role=analyst -c TimeZone=UTC")) as conn:
        conn.set_session(readonly=True, autocommit=True)
        with conn.cursor() as cur:
            yield cur


def _build(database: Database, url: str) -> None:
    for arguments in ("", "of_market text"):
        database.rows(
            f"CREATE OR REPLACE FUNCTION curated.market_today({arguments}) RETURNS date LANGUAGE sql STABLE"
            f" RETURN date '{TODAY}'"
        )
    batches = {market: database.batch("trades", name=market) for market in MARKETS}
    database.rows("UPDATE ops.landing_files SET market = 'FI' WHERE landing_file = 'trades/FI'")
    prices = database.batch("reference_prices", name="prices")
    for market, day, hour in PRICES:
        price, observed_at = PRICES[market, day, hour]
        store_periods(database.cursor, [MARKETS[market].period(day, hour)])
        database.insert(
            "raw.reference_prices", market=market, delivery_day=day, delivery_hour=hour,
            price_eur_per_mwh=price, observed_at=observed_at, **database.line(prices),
        )  # fmt: skip
    _journal(database, batches)
    _statement(database)
    _insert(database, batches, CANCELLED)
    database.insert(
        "raw.trade_cancellations", trade_id=CANCELLED.trade_id, received_at=CANCELLED_AT,
        **database.line(batches["DE"]),
    )  # fmt: skip
    _insert(database, batches, AS_CAPTURED)
    for build, published_at in enumerate(BUILDS):
        for trade in TRADES:
            if trade.build == build:
                of_statement = trade.trade_id in ("y3", "y4")
                _insert(database, batches, trade, **({"revision": -1} if of_statement else {}))
        database.rows(
            "INSERT INTO ops.pending_delivery_periods (market, delivery_day, delivery_hour, cause)"
            " SELECT DISTINCT market, delivery_day, pnl_hour, 'test' FROM raw.trades"
            " JOIN raw.period_hours USING (market, delivery_day, delivery_hour)"
        )
        for market in MARKETS:
            _publish(url, market)
        for bound in ("valid_from", "valid_to"):
            database.rows(
                f"UPDATE curated.pnl_versions SET {bound} = %s WHERE {bound} > now() - interval '1 hour'",
                (published_at,),
            )


def _insert(database: Database, batches: dict[str, int], trade: Trade, **columns: Any) -> None:
    period = MARKETS[trade.market].period(trade.day, trade.label)
    hours = (MARKETS[trade.market].period(trade.day, share.pnl_hour) for share in period.shares)
    store_periods(database.cursor, (period, *hours))
    row = {
        "market": trade.market,
        "trade_id": trade.trade_id,
        "trader_id": trade.trader,
        "direction": trade.direction,
        "quantity_mw": trade.mw,
        "price_eur_per_mwh": trade.price,
        "delivery_day": trade.day,
        "delivery_hour": period.delivery_hour,
        "delivery_start_at": period.start_at,
        "delivery_end_at": period.end_at,
        "received_at": BUILDS[trade.build] - timedelta(hours=10),
    }
    database.insert("raw.trades", **row | database.line(batches[trade.market]) | columns)


def _journal(database: Database, batches: dict[str, int]) -> None:
    for market, batch in batches.items():
        file = database.line(batch)["landing_file_id"]
        spans = ((LONG_AGO, GAP[0]), (GAP[1], LATER)) if market == "DE" else ((LONG_AGO, LATER),)
        database.connected(file, *spans)


def _statement(database: Database) -> None:
    """Yesterday's, which adds y4 and changes the price of y3."""
    line = database.line(database.batch("statements", name="yesterday"))
    start, after = MARKETS["DE"].span_of(YESTERDAY)
    trades = [trade for trade in TRADES if trade.day == YESTERDAY]
    energy = sum(mwh for trade in trades for mwh in trade.mwh.values())
    cash = sum(trade.sign * mwh * trade.price for trade in trades for mwh in trade.mwh.values())
    database.insert(
        "ops.statements", market="DE", statement_day=YESTERDAY, landing_file_id=line["landing_file_id"],
        landed_at=BUILDS[0], covered_from=start, covered_until=after, trade_count=len(trades),
        energy_mwh=energy, cash_flow_eur=cash, reconciled_at=BUILDS[0],
    )  # fmt: skip
    for outcome, trade, captured in (("missing", "y4", None), ("differs", "y3", AS_CAPTURED)):
        (by_statement,) = [t for t in trades if t.trade_id == trade]
        columns: dict[str, Any] = {}
        for side, of in (("statement", by_statement), ("captured", captured)):
            if of is not None:
                columns |= {
                    f"{side}_trader_id": of.trader,
                    f"{side}_price_eur_per_mwh": of.price,
                    f"{side}_quantity_mw": of.mw,
                    f"{side}_delivery_day": of.day,
                    f"{side}_delivery_hour": of.label,
                }
        database.insert(
            "ops.reconciliation_differences", market="DE", statement_day=YESTERDAY, trade_id=trade,
            direction=by_statement.direction, outcome=outcome, landing_file_id=line["landing_file_id"],
            captured_revision=None if captured is None else 0, line_number=line["line_number"], **columns,
        )  # fmt: skip


def _publish(url: str, market: str) -> None:
    days = sorted({trade.day for trade in TRADES if trade.market == market})
    with connect(url, "test") as conn:
        with conn, conn.cursor() as cur:
            lock_pnl_days(cur, market, days)
        built = stage(conn, market, days)
        with conn, conn.cursor() as cur:
            publish(cur, built)
