"""A made history goes through the whole pipeline as a captured one does."""

from datetime import UTC, datetime

from include.jobs import (
    build_pnl,
    load_reference_prices,
    load_trades,
    validate_reference_prices,
    validate_trades,
)
from include.load import audit
from include.settings import Settings
from tests.factories import Database
from tools.history import write_history


def test_both_lines_load_into_a_clean_warehouse(settings: Settings, database: Database) -> None:
    history = write_history(settings.landing_root, datetime(2026, 10, 24, 20, tzinfo=UTC), 8, per_minute=10)
    loaded = load_trades.run(settings)
    prices = load_reference_prices.run(settings)
    assert loaded["loaded_count"] == history.trade_count
    assert loaded["line_count"] == history.trade_lines
    assert prices["line_count"] == history.price_lines
    assert prices["rejected_count"] == 0
    reasons = dict(database.rows("SELECT reason_code, count(*) FROM ops.rejected_messages GROUP BY 1"))
    conflicts = reasons.pop("conflicting_duplicate")
    assert conflicts >= history.conflict_count
    assert sum(reasons.values()) == history.broken_count
    assert loaded["duplicate_count"] + conflicts == history.duplicate_or_conflict_count
    assert not [file for file in audit.run(settings) if file.problems or file.waiting_lines]

    validated = validate_trades.run(settings)
    assert (validated["batches"], validated["quarantined"]) == (history.trade_files, 0)
    assert validate_reference_prices.run(settings)["batches"] == history.price_files
    build_pnl.run(settings)
    # final everywhere: nothing that was traded would have to be asked for
    assert set(database.rows("SELECT DISTINCT price_status FROM curated.pnl_hourly")) == {("final",)}
    assert database.value("SELECT count(*) FROM ops.capture_gaps") > 0
