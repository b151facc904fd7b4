"""Statements of the days on which clocks change: SQL finds what the specification finds; no energy moves."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from include.domain.lifecycle import Received
from include.domain.reconciliation import Finding, Statement, reconcile
from include.domain.statement import StatementParser
from include.domain.trade import Trade, parse_message
from include.jobs import build_pnl, load_statement, reconcile_trades, validate_trades
from include.load import audit
from include.settings import Settings
from tests.factories import MARKET, Database
from tests.messages import deal, landed, write_landing_file
from tests.passes import take_in
from tests.statements import HEADER, line, text

OCTOBER_CHANGE, MARCH_CHANGE = date(2025, 10, 26), date(2025, 3, 30)
INSTANTS = "TradeId;Side;DeliveryStart;DeliveryEnd;ExecutionTime;Price;Currency;Volume;VolumeUnit"
ENERGY = "SELECT delivery_hour, sell_mwh FROM curated.pnl_hourly ORDER BY delivery_hour"


def capture(settings: Settings, day: date, messages: list[str]) -> datetime:
    """Receives messages on the evening before, and builds PnL of them."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=6)
    write_landing_file(settings.landing_root, landed(messages, at), hour=at)
    take_in(settings)
    return at


def reconciled(settings: Settings, day: date, file: Path) -> dict[str, int]:
    counts = load_statement.run(settings, day, file) | reconcile_trades.run(settings, [day])
    validate_trades.run(settings)
    build_pnl.run(settings)
    assert not [problem for each in audit.run(settings) for problem in each.problems]
    return counts


def captured(day: date, **changes: Any) -> str:
    trade: dict[str, Any] = {"id": "x", "delivery_day": str(day), "price": 10, "quantity": 1}
    return deal(**trade | changes)


def row(start: str, end: str, price: int = 10, quantity: str = "1;MW", trade_id: str = "x") -> str:
    """A line with times of a day in October, or with whole times."""
    start, end = (at if len(at) > 5 else f"{OCTOBER_CHANGE} {at}:00" for at in (start, end))
    amount, unit = quantity.split(";")
    return f"{trade_id};SELL;{start};{end};2025-10-25 20:00:00;{price};EUR;{amount};{unit}"


@pytest.mark.parametrize(
    ("label", "start", "end", "hour", "mwh"),
    [
        ("02:00-02:15B", "02:00", "02:15", "02-03B", "0.25"),
        ("02:00-02:15A", "02:00", "02:15", "02-03A", "0.25"),
        ("02:00-02:15", "02:00", "02:15", "02-03", "0.25"),
        ("02:45-03:00", "02:45", "03:00", "02-03", "0.25"),
        ("02:45-03:00B", "02:45", "03:00", "02-03B", "0.25"),
        ("02:30-03:00A", "02:30", "03:00", "02-03A", "0.5"),
        ("02-03B", "02:00", "03:00", "02-03B", "1"),
    ],
)
@pytest.mark.parametrize("price", [10, 20])
def test_local_times_move_no_energy(
    settings: Settings,
    database: Database,
    tmp_path: Path,
    label: str,
    start: str,
    end: str,
    hour: str,
    mwh: str,
    price: int,
) -> None:
    """Local times of the hour that comes twice say neither which one is meant nor that it is another one."""
    capture(settings, OCTOBER_CHANGE, [captured(OCTOBER_CHANGE, delivery_hour=label)])
    file = tmp_path / "trades-2025-10-26.csv"
    file.write_text(text([row(start, end, price)], INSTANTS))
    counts = reconciled(settings, OCTOBER_CHANGE, file)
    assert (counts["rejected_count"], counts["matched"]) == (0, price == 10)
    assert database.rows(ENERGY) == [(hour, Decimal(mwh))]
    assert database.rows("SELECT state, differs_count FROM ops.reconciliations") == [
        ("reconciled", int(price == 20))
    ]


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2025-10-26 00:00:00+00:00", "2025-10-26 02:00:00+00:00", ["02-03A", "02-03B"]),
        ("2025-10-25 23:00:00+00:00", "2025-10-26 01:00:00+00:00", ["01-02", "02-03A"]),
        ("2025-10-26 01:00:00+00:00", "2025-10-26 03:00:00+00:00", ["02-03B", "03-04"]),
    ],
)
def test_a_block_of_two_hours_has_the_energy_of_two_hours(
    settings: Settings, database: Database, tmp_path: Path, start: str, end: str, hours: list[str]
) -> None:
    file = tmp_path / "trades-2025-10-26.csv"
    lines = [row(start, end, quantity="5;MW", trade_id="a"), row(start, end, quantity="10;MWH", trade_id="b")]
    file.write_text(text(lines, INSTANTS))
    reconciled(settings, OCTOBER_CHANGE, file)
    assert database.rows("SELECT quantity_mw, energy_mwh FROM curated.trades") == [(5, 10), (5, 10)]
    assert database.rows(ENERGY) == [(hour, 10) for hour in hours]


@pytest.mark.parametrize(
    ("label", "start", "end"),
    [
        ("00-02", "2025-03-29 23:00:00+00:00", "2025-03-30 01:00:00+00:00"),
        ("00-03", "2025-03-29 23:00:00+00:00", "2025-03-30 01:00:00+00:00"),
        ("01-03", "2025-03-30 00:00:00+00:00", "2025-03-30 01:00:00+00:00"),
        ("01-02", "2025-03-30 01:00:00", "2025-03-30 03:00:00"),
    ],
)
def test_a_period_before_the_skipped_hour_has_one_name(
    settings: Settings, database: Database, tmp_path: Path, label: str, start: str, end: str
) -> None:
    capture(settings, MARCH_CHANGE, [captured(MARCH_CHANGE, delivery_hour=label, trader_id="t")])
    file = tmp_path / "trades-2025-03-30.csv"
    file.write_text(text([row(start, end)], INSTANTS))
    assert reconciled(settings, MARCH_CHANGE, file)["matched"] == 1


def test_each_label_beside_each_other_one(settings: Settings, database: Database, tmp_path: Path) -> None:
    """With the captured price and with another one: SQL finds and counts what the specification says."""
    labels = [
        *("02-03", "02-03A", "02-03B", "02:00-02:15", "02:00-02:15A", "02:00-02:15B", "02:15-02:30B"),
        *("01-03", "01-03A", "02-04", "02B-04", "02A-03B"),
    ]
    executed_on, executed = OCTOBER_CHANGE - timedelta(days=1), "2025-10-25T17:00:00Z"
    fields = {"delivery_day": str(OCTOBER_CHANGE), "trader_id": "t", "execution_time": executed, "quantity": 1}
    messages, rows = [], []
    for number, (one, other, price) in enumerate(product(labels, labels, (10, 20))):
        changes = fields | {"id": f"t{number}"}
        messages.append(captured(OCTOBER_CHANGE, **changes | {"delivery_hour": one}))
        rows.append(line(**changes, delivery_hour=other, price=price))
    at = capture(settings, OCTOBER_CHANGE, messages)
    file = tmp_path / f"trades-{executed_on}.csv"
    file.write_text(text(rows))
    reconciled(settings, executed_on, file)

    parser = StatementParser(MARKET, executed_on)
    parser.trade(HEADER)
    trades = tuple(trade for trade in map(parser.trade, rows) if trade)
    read = [parse_message(message, MARKET) for message in messages]
    received = [Received(trade, at, ("a", n)) for n, trade in enumerate(read) if isinstance(trade, Trade)]
    expected = reconcile(received, [Statement(executed_on, datetime.now(UTC), trades)], MARKET)
    assert len(expected.findings) == len(rows)
    assert set(database.rows("SELECT trade_id, outcome FROM ops.reconciliation_differences")) == {
        (key[0], str(found)) for key, found in expected.findings.items() if found is not Finding.MATCHED
    }
    assert set(
        database.rows("SELECT trade_id, revision, price_eur_per_mwh, delivery_hour FROM curated.trades")
    ) == {
        (trade.trade_id, trade.revision, trade.price_eur_per_mwh, trade.period.delivery_hour)
        for trade in expected.counting.values()
    }
    energy: dict[str, Decimal] = {}
    for trade in expected.counting.values():
        for share in trade.period.shares:
            energy[share.pnl_hour] = energy.get(share.pnl_hour, Decimal()) + share.hours * trade.quantity_mw
    assert dict(database.rows(ENERGY)) == energy
