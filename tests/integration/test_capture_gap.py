"""A statement heals a capture gap: PnL is that of an installation that was never interrupted."""

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from include.jobs import build_pnl, load_statement, rebuild_steps, reconcile_trades, validate_trades
from include.load import audit
from include.run_scope import DeliveryDays, Rebuild
from include.settings import Settings
from include.simulator.deals import DealGenerator
from include.simulator.faults import Disturbance, ExchangeFaults
from include.simulator.statement import EndOfDayFiles
from tests.factories import MARKET, Database
from tests.passes import take_in
from tools.history.line import CaptureLine
from tools.history.outages import Outage

DAY = date(2026, 3, 3)
PER_MINUTE = 100
FIRST, LAST = datetime(2026, 3, 3, 7, 30, tzinfo=UTC), datetime(2026, 3, 3, 10, 30, tzinfo=UTC)
LOST, BACK = datetime(2026, 3, 3, 8, tzinfo=UTC), datetime(2026, 3, 3, 10, tzinfo=UTC)
OUTAGE = Outage(LOST, LOST, BACK, "capture was stopped")
FAULTS = ExchangeFaults(self_trades=0.01, quarter_hours=0.15, blocks=0.02, odd_labels=0.05, duplicates=0.01)


@dataclass
class Installation:
    """A platform of its own that receives what a capture line of it receives."""

    settings: Settings
    database: Database
    line: CaptureLine

    def pnl(self) -> str:
        """A hash of all its PnL; of the columns only the time of the build is left out."""
        names = self.database.value(
            "SELECT string_agg(column_name, ', ') FROM information_schema.columns"
            " WHERE (table_schema, table_name) = ('curated', 'pnl_hourly') AND column_name <> 'built_at'"
        )
        rows = self.database.rows(
            f"SELECT {names} FROM curated.pnl_hourly ORDER BY delivery_day, delivery_hour, trader_id"
        )
        # 3 and 3.0 are the same number
        same = [[value.normalize() if isinstance(value, Decimal) else value for value in row] for row in rows]
        return hashlib.sha256(repr(same).encode()).hexdigest()


def installation(url: str, folder: Path, outages: list[Outage]) -> Installation:
    """Connected from before the first hour of the day opens until after its end, but for the outages."""
    settings = replace(
        Settings(), warehouse_url=url, landing_root=folder / "landing", data_docs_root=folder / "docs"
    )
    database = Database(url)
    prices = database.batch("reference_prices", name="prices")
    hours = MARKET.hours_of(DAY)
    for number, period in enumerate(hours):
        observed_at = period.end_at + timedelta(days=2)
        database.price(prices, DAY, period.delivery_hour, Decimal(f"{50 + number}.25"), observed_at)
    start_at = hours[0].tradable_from - timedelta(hours=1)
    line = CaptureLine(
        settings.landing_root, 0, "standalone", start_at, hours[-1].end_at + timedelta(hours=1), outages, 1
    )
    return Installation(settings, database, line)


pytestmark = pytest.mark.usefixtures("without_check")


@pytest.fixture
def interrupted(warehouse_url: str, tmp_path: Path) -> Iterator[Installation]:
    found = installation(warehouse_url, tmp_path / "interrupted", [OUTAGE])
    with closing(found.database):
        yield found


@pytest.fixture
def uninterrupted(second_warehouse_url: str, tmp_path: Path) -> Iterator[Installation]:
    found = installation(second_warehouse_url, tmp_path / "uninterrupted", [])
    with closing(found.database):
        yield found


def trade_on(files: EndOfDayFiles, *lines: CaptureLine) -> int:
    """The exchange trades for three hours; each message goes to all lines. Returns how many came in the gap."""
    disturbance = Disturbance(FAULTS, 1)
    generator = DealGenerator(7, MARKET, has_fixed_ids=True)
    lost = set()
    for deal in generator.between(FIRST, LAST, PER_MINUTE / 60):
        for message in disturbance.messages(deal):
            assert isinstance(message, str)
            files.record(message)
            received = [line.receive(deal.executed_at, message.encode()) for line in lines]
            if not all(received):
                lost.add((deal.id, '"direction": "buy"' in message))
    for line in lines:
        line.stop()
    return len(lost)


@pytest.mark.timeout(300)
def test_a_statement_heals_a_gap_of_two_hours_under_a_hundred_trades_a_minute(
    interrupted: Installation, uninterrupted: Installation, tmp_path: Path
) -> None:
    files = EndOfDayFiles(tmp_path / "statements", MARKET, clock=lambda: LAST)
    missed = trade_on(files, interrupted.line, uninterrupted.line)
    assert missed > 110 * PER_MINUTE
    take_in(uninterrupted.settings)
    take_in(interrupted.settings)
    database = interrupted.database
    seconds = "SELECT round(gap_seconds) FROM ops.capture_gaps WHERE gap_start_at = %s"
    assert database.rows(seconds, (LOST,)) == [(7200,)]
    before = database.rows("SELECT delivery_hour FROM curated.pnl_hourly WHERE NOT is_complete GROUP BY 1")
    assert len(before) > 5, "each hour that was open then"
    complete = "SELECT bool_and(is_complete) FROM curated.pnl_hourly"
    assert uninterrupted.database.value(complete) is True
    of_others = "SELECT * FROM ops.incomplete_periods WHERE reason <> 'price_missing'"
    assert uninterrupted.database.rows(of_others) == []
    assert interrupted.pnl() != uninterrupted.pnl()

    def arrives() -> dict[str, int]:
        counts = load_statement.run(interrupted.settings, DAY, file)
        counts |= reconcile_trades.run(interrupted.settings, [DAY])
        validate_trades.run(interrupted.settings)
        build_pnl.run(interrupted.settings)
        return counts

    file = files.write(DAY)
    counts = arrives()
    assert (counts["missing"], counts["differs"], counts["unexpected"]) == (missed, 0, 0)
    assert database.value("SELECT count(*) FROM curated.trades WHERE source = 'statement'") == missed
    trades = "SELECT count(*), sum(energy_mwh), sum(energy_mwh * price_eur_per_mwh) FROM curated.trades"
    assert database.rows(trades) == uninterrupted.database.rows(trades)
    assert interrupted.pnl() == uninterrupted.pnl()
    assert database.rows("SELECT DISTINCT is_complete, capture_gap_seconds FROM curated.pnl_hourly") == [
        (True, 0)
    ]
    assert database.rows(
        "SELECT state, captured_count - matched_count, statement_count - captured_count, missing_count,"
        " unreviewed_unexpected_count FROM ops.reconciliations"
    ) == [("reconciled", 0, missed, missed, 0)]
    assert database.value(
        "SELECT statement_mwh = captured_mwh + missing_mwh"
        " AND statement_cash_flow_eur = captured_cash_flow_eur + missing_cash_flow_eur FROM ops.reconciliations"
    )
    gaps = "SELECT * FROM ops.capture_gaps WHERE gap_end_at > %s AND gap_start_at < %s"
    assert database.rows(gaps, MARKET.span_of(DAY)) == []
    assert database.rows("SELECT * FROM ops.incomplete_periods WHERE reason = 'capture_gap'") == []
    causes = "SELECT DISTINCT unnest(causes) FROM curated.pnl_hourly_changes WHERE changed_at > %s"
    landed_at = database.value("SELECT landed_at FROM ops.reconciliations")
    assert ("statement",) in database.rows(causes, (landed_at,))

    counts = arrives()  # once more
    assert (counts["missing"], counts["line_count"]) == (missed, 0)
    assert interrupted.pnl() == uninterrupted.pnl()
    rebuilt = rebuild_steps.run(interrupted.settings, Rebuild("r", DeliveryDays(DAY, DAY), reload=True))
    assert rebuilt["rebuild_pnl"]["rows_changed"] == 0
    assert interrupted.pnl() == uninterrupted.pnl()
    problems = {file.landing_file: file.problems for file in audit.run(interrupted.settings) if file.problems}
    assert problems.keys() == {"reference_prices/prices"}, "which the test has put straight into the warehouse"
