"""A day in the shape of a real one, and the change days: hours and quarters agree, and every row is priced."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from include.domain.delivery_period import Market
from include.domain.pnl import Fill, Pnl, compute_pnl
from include.domain.trade import Trade, parse_message
from include.jobs import rebuild_steps
from include.landing import event_line, message_line
from include.run_scope import DeliveryDays, Rebuild
from include.settings import Settings
from include.simulator.market import SimulatedMarket
from include.simulator.provider import Provider
from include.warehouse.migrate import migrate
from tests.factories import Database
from tests.messages import deal, write_landing_file
from tools.history.real_day import real_day

DAY = date(2025, 10, 7)
NAMES = [field.name for field in fields(Pnl)]
_SUMS = (
    "buy_mwh", "sell_mwh", "net_position_mwh", "cash_flow_eur", "buy_value_eur", "sell_value_eur", "pnl_eur",
)  # fmt: skip


@pytest.fixture
def pages() -> None:
    """They are written here."""


@contextmanager
def priced(settings: Settings, zone: str) -> Iterator[Settings]:
    """Settings of a platform in that zone, with a provider that knows every hour."""
    with Provider(SimulatedMarket(timezone=zone), budget=[(10_000, 60)]) as provider:
        yield replace(
            settings,
            market=Market.of(zone),
            market_data_url=provider.url,
            reference_price_per_minute=1_000,
        )


def run(settings: Settings, day: date, messages: list[tuple[datetime, str]]) -> None:
    """Lands the messages, and rebuilds the day with its prices."""
    hours: dict[datetime, bytes] = {}
    for at, text in messages:
        hour = at.replace(minute=0, second=0, microsecond=0)
        hours.setdefault(hour, event_line(hour, "connected"))
        hours[hour] += message_line(at, text.encode())
    for hour, content in hours.items():
        write_landing_file(settings.landing_root, content, hour=hour)
    rebuild_steps.run(settings, Rebuild("r", DeliveryDays(day, day), force_prices=True))


def assert_built(database: Database, market: Market, messages: list[str]) -> None:
    """PnL is the specification's, priced, and the sum of its quarters."""
    trades = [trade for text in messages if isinstance(trade := parse_message(text, market), Trade)]
    assert database.value("SELECT count(*) FROM curated.trades") == len(trades)
    assert database.value("SELECT sum(trade_count) FROM curated.portfolio_pnl_daily") == len(trades)
    prices = dict(database.rows("SELECT delivery_hour, price_eur_per_mwh FROM curated.reference_prices"))
    fills: dict[tuple[str, str], list[Fill]] = {}
    for trade in trades:
        for hour, fill in trade.fills().items():
            fills.setdefault((hour, trade.trader_id), []).append(fill)
    rows = database.rows(f"SELECT delivery_hour, trader_id, {', '.join(NAMES)} FROM curated.pnl_hourly")
    assert {row[:2]: Pnl(*row[2:]) for row in rows} == {
        key: compute_pnl(of_hour, prices[key[0]]) for key, of_hour in fills.items()
    }
    by_quarter = database.rows(
        f"SELECT delivery_hour, trader_id, {', '.join(f'sum({name})' for name in _SUMS)}"
        " FROM curated.pnl_quarter_hourly GROUP BY delivery_hour, trader_id"
    )
    by_hour = database.rows(f"SELECT delivery_hour, trader_id, {', '.join(_SUMS)} FROM curated.pnl_hourly")
    assert set(by_quarter) == set(by_hour)
    sums, columns = ", ".join(f"sum({name})" for name in _SUMS), ", ".join(_SUMS)
    assert set(database.rows(f"SELECT delivery_hour, {columns} FROM curated.portfolio_pnl_hourly")) == set(
        database.rows(
            f"SELECT delivery_hour, {sums} FROM curated.portfolio_pnl_quarter_hourly GROUP BY delivery_hour"
        )
    )
    assert database.value("SELECT count(*) FROM curated.pnl_hourly WHERE pnl_eur IS NULL") == 0
    assert database.value("SELECT count(*) FROM ops.provider_requests WHERE delivery_hour LIKE '%:%'") == 0


@pytest.mark.timeout(300)
def test_a_real_day(settings: Settings, database: Database) -> None:
    messages = real_day(DAY)
    with priced(settings, "Europe/Berlin") as desk:
        run(desk, DAY, [(at.astimezone(UTC) + timedelta(milliseconds=30), text) for at, text in messages])
    assert_built(database, Market.of("Europe/Berlin"), [text for _, text in messages])
    assert database.value("SELECT count(*) FROM curated.trades") == 3_349
    assert database.value("SELECT count(*) FROM curated.trades WHERE delivery_hour LIKE '%:%'") == 1_340
    assert database.value("SELECT count(*) FROM ops.provider_requests") == 24, "one an hour, none for a quarter"


_CHANGES: dict[str, dict[date, tuple[list[str], dict[str, str]]]] = {
    # zone: day: labels that are traded, and MWh sold in each hour of PnL
    "Europe/Berlin": {
        date(2025, 3, 30): (
            ["01-02", "01:45-02:00", "03:00-03:15", "00-06"],
            {"00-01": "1", "01-02": "2.25", "03-04": "1.25", "04-05": "1", "05-06": "1"},
        ),
        date(2025, 10, 26): (
            ["02-03A", "02:15-02:30B", "02-03", "02:15-02:30", "00-04"],
            {"00-01": "1", "01-02": "1", "02-03A": "2", "02-03B": "1.25", "02-03": "1.25", "03-04": "1"},
        ),
    },
    "Europe/London": {
        date(2025, 3, 30): (
            ["00-01", "02:00-02:15", "00-03"], {"00-01": "2", "02-03": "1.25"},
        ),
        date(2025, 10, 26): (
            ["01-02B", "01:30-01:45A", "00-03"],
            {"00-01": "1", "01-02A": "1.25", "01-02B": "2", "02-03": "1"},
        ),
    },
    "Europe/Helsinki": {
        date(2025, 3, 30): (
            ["02-03", "04:45-05:00", "02-05"], {"02-03": "2", "04-05": "1.25"},
        ),
        date(2025, 10, 26): (
            ["03-04A", "03:00-03:15B", "03-05"], {"03-04A": "2", "03-04B": "1.25", "04-05": "1"},
        ),
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "day"), [(zone, day) for zone, days in _CHANGES.items() for day in days], ids=str
)
def test_a_change_day(settings: Settings, database: Database, zone: str, day: date) -> None:
    labels, sold = _CHANGES[zone][day]
    migrate(settings.warehouse_url, [Market.of(zone)])
    at = datetime.combine(day - timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=18)
    messages = [
        deal(id=f"t{n}", quantity=1, price=n - 2, delivery_day=day.isoformat(), delivery_hour=label)
        for n, label in enumerate(labels)
    ]
    with priced(settings, zone) as desk:
        run(desk, day, [(at + timedelta(seconds=n), text) for n, text in enumerate(messages)])
    assert_built(database, Market.of(zone), messages)
    rows = database.rows("SELECT delivery_hour, sell_mwh FROM curated.pnl_hourly")
    assert dict(rows) == {hour: Decimal(mwh) for hour, mwh in sold.items()}
