"""Statements of two markets with the same trade ids: what one says changes nothing in the other."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.domain.delivery_period import Market
from include.errors import TerminalError
from include.expectations.review import Selection, decide, waiting
from include.jobs import (
    build_pnl,
    import_statements,
    load_statement,
    rebuild_steps,
)
from include.landing import STATEMENTS, TRADES, list_files
from include.run_scope import DeliveryDays, Rebuild
from include.settings import Settings
from include.warehouse.migrate import migrate
from tests.factories import MARKET, Database
from tests.integration.statements.test_reconcile_trades import connections, is_clean, reconcile
from tests.messages import deal, landed, write_landing_file
from tests.passes import take_in
from tests.statements import DAY, line, write_statement

FINLAND = replace(Market.of("Europe/Helsinki"), market="FI")
PRICE = Decimal("20.64")
COUNTS = (
    "SELECT market, state, matched_count, missing_count, differs_count, unexpected_count"
    " FROM ops.reconciliations ORDER BY market, statement_day"
)
TRADES_OF = (
    "SELECT trade_id, revision, price_eur_per_mwh, source FROM curated.trades WHERE market = %s"
    " ORDER BY trade_id"
)
OPEN_GAPS = "SELECT DISTINCT market FROM ops.incomplete_periods WHERE reason = 'capture_gap' ORDER BY market"


@pytest.fixture
def german(settings: Settings) -> Settings:
    migrate(settings.warehouse_url, [MARKET, FINLAND])
    return settings


@pytest.fixture
def finnish(german: Settings) -> Settings:
    return replace(german, market=FINLAND, is_first_market=False)


def capture(settings: Settings, *messages: str, name: str = "a") -> None:
    """Captures these messages; from 8:00 to 10:00 in Berlin there was no connection."""
    folder = f"{TRADES}/market={settings.landing_market}" if settings.landing_market else TRADES
    # lines of a file are in order of receipt
    lines = (connections((-11.0, 8.0), (10.0, 24.0)) + landed(messages)).splitlines(keepends=True)
    write_landing_file(settings.landing_root, b"".join(sorted(lines)), name, source=folder)
    take_in(settings)


def content(database: Database, market: str) -> list[Any]:
    """What is stored of a market, to the microsecond."""
    return [
        database.rows(f"SELECT t::text FROM {table} AS t WHERE market = %s ORDER BY 1", (market,))
        for table in (
            "curated.pnl_versions",
            "raw.trades",
            "raw.statement_trades",
            "ops.statements",
            "ops.reconciliation_differences",
            "ops.quarantined_trades",
            "ops.capture_gaps",
            "ops.pending_delivery_periods",
        )
    ]


def test_a_statement_closes_the_gap_of_its_market_only(
    german: Settings, finnish: Settings, database: Database, tmp_path: Path
) -> None:
    capture(german, *(deal(id=name) for name in "abcd"))
    capture(finnish, *(deal(id=name) for name in "acd"))
    before = content(database, "DE")
    counts = reconcile(
        finnish, write_statement(tmp_path, [line(id="a"), line(id="b", price=7), line(id="c", price=5)])
    )
    assert [counts[name] for name in ("matched", "missing", "differs", "unexpected")] == [1, 1, 1, 1]
    assert database.rows(COUNTS) == [("FI", "differences", 1, 1, 1, 1)]
    assert database.rows(TRADES_OF, ("FI",)) == [
        ("a", 0, PRICE, "stream"),
        ("b", -1, 7, "statement"),
        ("c", -1, 5, "statement"),
        ("d", 0, PRICE, "stream"),
    ]
    assert database.rows(TRADES_OF, ("DE",)) == [(name, 0, PRICE, "stream") for name in "abcd"]
    assert database.rows(OPEN_GAPS) == [("DE",), ("FI",)]

    # each market has a trade d; only in one of them no statement has it
    assert [row["trade_id"] for row in waiting(finnish)] == ["d"]
    assert waiting(german) == []
    with pytest.raises(TerminalError, match="there is nothing"):
        decide(german, "discard", "why not", Selection(trade_id="d"))
    decide(finnish, "discard", "the exchange does not know it", Selection(trade_id="d"))
    build_pnl.run(finnish)
    assert database.rows(COUNTS) == [("FI", "reconciled", 1, 1, 1, 1)]
    assert database.rows(OPEN_GAPS) == [("DE",)]
    assert database.rows(
        "SELECT market, trade_count, cash_flow_eur, is_complete FROM curated.pnl_hourly ORDER BY market"
    ) == [
        # four sales of 1.2 MWh at 20.64
        ("DE", 4, Decimal("99.072"), False),
        # three at 20.64, 7 and 5
        ("FI", 3, Decimal("39.168"), True),
    ]
    assert content(database, "DE") == before
    assert is_clean(german)


def test_each_market_has_its_file_of_a_day(
    german: Settings, finnish: Settings, database: Database, tmp_path: Path
) -> None:
    """Even one with the same content, and through reloads, late messages and a new warehouse."""
    file = write_statement(tmp_path, [line(id="a"), line(id="b")])
    for settings in (german, finnish):
        capture(settings, deal(id="a"))
        reconcile(settings, file)
    folders = [
        {found.key.rsplit("/", 1)[0] for found in list_files(german.landing_root, STATEMENTS, market=market)}
        for market in ("", "FI")
    ]
    assert folders == [{f"statements/date={DAY}"}, {f"statements/market=FI/date={DAY}"}]
    both = [("DE", "reconciled", 1, 1, 0, 0), ("FI", "reconciled", 1, 1, 0, 0)]
    assert database.rows(COUNTS) == both
    assert database.rows("SELECT market, count(*) FROM raw.statement_trades GROUP BY 1 ORDER BY 1") == [
        ("DE", 2),
        ("FI", 2),
    ]
    assert database.rows(OPEN_GAPS) == []
    assert is_clean(german)

    before = content(database, "DE")
    rebuild = Rebuild("r", DeliveryDays(DAY, DAY), reload=True)
    rebuild_steps.run(finnish, rebuild)
    assert database.rows(COUNTS) == both
    capture(finnish, deal(id="b"), name="late")
    assert database.rows(TRADES_OF, ("FI",)) == [("a", 0, PRICE, "stream"), ("b", 0, PRICE, "stream")]
    assert content(database, "DE") == before
    both[1] = ("FI", "reconciled", 2, 0, 0, 0)
    assert database.rows(COUNTS) == both

    pnl = "SELECT market, trade_count, cash_flow_eur, is_complete FROM curated.pnl_hourly ORDER BY market"
    standing = database.rows(pnl)
    database.forget_everything()
    rebuild_steps.run(german, Rebuild("new", DeliveryDays(DAY, DAY)))
    assert database.rows(COUNTS) == both[:1], "a market loads its own files only"
    rebuild_steps.run(finnish, Rebuild("new", DeliveryDays(DAY, DAY)))
    assert database.rows(COUNTS) == both
    assert database.rows(pnl) == standing


def test_a_day_is_that_of_its_market(
    german: Settings, finnish: Settings, database: Database, tmp_path: Path
) -> None:
    """22:30 UTC is still the same day in Berlin, and the next one in Helsinki."""
    lines = [
        line(id="late", delivery_day=DAY + timedelta(days=1), execution_time="2026-03-02T22:30:00Z"),
        line(),
    ]
    file = write_statement(tmp_path, lines)
    assert reconcile(german, file)["missing"] == 2
    assert reconcile(finnish, file)["rejected_count"] == 1
    assert database.rows(COUNTS) == [("DE", "reconciled", 0, 2, 0, 0), ("FI", "rejects", 0, 1, 0, 0)]
    assert database.rows("SELECT market, reason_code FROM ops.rejected_messages") == [
        ("FI", "wrong_statement_day")
    ]
    assert waiting(german) == []
    decide(finnish, "discard", "of the next day", Selection(reason_code="wrong_statement_day"))
    assert {row[1] for row in database.rows(COUNTS)} == {"reconciled"}


def test_a_history_of_one_market_is_imported_beside_the_other(
    german: Settings, finnish: Settings, database: Database, tmp_path: Path
) -> None:
    files = [(DAY, write_statement(tmp_path, [line(id="a")]))]
    assert import_statements.run(german, files)["missing"] == 1
    before = content(database, "DE")
    assert import_statements.run(finnish, files)["missing"] == 1
    assert import_statements.run(finnish, files)["days"] == 0
    assert content(database, "DE") == before


def test_a_statement_stays_with_its_market(
    german: Settings, finnish: Settings, database: Database, tmp_path: Path
) -> None:
    file = write_statement(tmp_path, [line(id="a")])
    reconcile(german, file)
    stolen = replace(finnish, is_first_market=True)  # as if FI had the plain paths
    with pytest.raises(TerminalError, match="cannot be loaded"):
        load_statement.run(stolen, DAY, file)
    assert "was loaded as a file of market DE, not FI" in str(
        database.value("SELECT load_error FROM ops.landing_files WHERE source = 'statements'")
    )
    assert database.rows("SELECT DISTINCT market FROM raw.statement_trades") == [("DE",)]
