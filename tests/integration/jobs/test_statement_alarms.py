"""Alarms about the exchange's statements."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.health.alarms import check
from include.health.notices import Notice
from include.settings import Settings
from tests.factories import MARKET, NOW, Database, ago


def statement_of(database: Database, day: date, *, rejects: int = 0, **columns: Any) -> None:
    """A day that is reconciled with its statement."""
    batch = database.batch("statements", name=f"date={day}/a")
    file = database.value("SELECT landing_file_id FROM ops.load_batches WHERE load_batch_id = %s", (batch,))
    start, after = MARKET.span_of(day)
    row = {
        "market": "DE",
        "statement_day": day,
        "landing_file_id": file,
        "landed_at": NOW,
        "covered_from": start,
    }
    totals = dict.fromkeys(("trade_count", "energy_mwh", "cash_flow_eur"), 1)
    database.insert("ops.statements", **row, covered_until=after, **totals, **columns)
    for number in range(rejects):
        database.insert(
            "ops.rejected_messages",
            source="statements",
            landing_file_id=file,
            load_batch_id=batch,
            line_number=number,
            reason_code="torn_line",
        )


def test_a_statement_that_waits_for_a_review(settings: Settings, database: Database) -> None:
    database.ran(0, window=0)
    statement_of(database, date(2026, 3, 2), rejects=2)
    statement_of(database, date(2026, 3, 3))
    (alarm,) = [alarm for alarm in check(settings)[0] if alarm.alarm.startswith("statement")]
    assert (alarm.alarm, alarm.severity) == ("statement_differences", "critical")
    said = "2026-03-02 (0 captured trades are not in it, 0 cancelled ones are, 2 of its lines cannot be used)"
    assert said in alarm.detail
    assert "2026-03-03" not in alarm.detail


def test_a_statement_that_added_trades_is_a_warning_for_a_day(settings: Settings, database: Database) -> None:
    database.ran(0, window=0)
    for number, day in enumerate((date(2026, 3, 2), date(2026, 3, 3))):
        statement_of(database, day, reconciled_at=ago(60 + 1440 * number))
        database.insert(
            "ops.reconciliation_differences",
            market="DE", statement_day=day, trade_id=f"t{number}", direction="buy", outcome="missing",
            landing_file_id=1, line_number=1,
        )  # fmt: skip
    (alarm,) = [alarm for alarm in check(settings)[0] if alarm.alarm.startswith("statement")]
    assert (alarm.severity, alarm.is_news) == ("warning", True)
    assert alarm.detail.endswith("2026-03-02 (1 added, 0 changed)")


def test_people_are_told_when_it_becomes_critical_and_when_it_no_longer_is(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def deliver(notice: Notice, to: dict[str, str]) -> dict[str, str]:
        told.extend(notice.title for _ in to)
        return dict.fromkeys(to, "sent")

    monkeypatch.setattr("include.health.notify.deliver", deliver)
    settings = replace(settings, alert_urls=("json://127.0.0.1:9",))
    database.ran(0, window=0)
    statement_of(database, date(2026, 3, 2), reconciled_at=ago(60))
    database.insert(
        "ops.reconciliation_differences",
        market="DE", statement_day=date(2026, 3, 2), trade_id="t0", direction="buy", outcome="missing",
        landing_file_id=1, line_number=1,
    )  # fmt: skip

    def told_now() -> list[str]:
        told.clear()
        for _ in range(2):
            check(settings)
        return [title for title in told if title.endswith("statement_differences")]

    assert told_now() == ["warning: statement_differences"]
    statement_of(database, date(2026, 3, 3), rejects=2)
    assert told_now() == ["ALARM statement_differences"], "the end of the warning is no news"
    database.rows("DELETE FROM ops.rejected_messages")
    assert told_now() == ["over, now a warning: statement_differences", "warning: statement_differences"]
    database.rows("DELETE FROM ops.reconciliation_differences")
    assert told_now() == ["over: statement_differences"]
    assert database.rows(
        "SELECT severity, cleared_at IS NOT NULL FROM ops.alarms WHERE alarm = 'statement_differences'"
        " ORDER BY alarm_id"
    ) == [("warning", True), ("critical", True), ("warning", True)]


def test_a_statement_that_is_missing(settings: Settings, database: Database, tmp_path: Path) -> None:
    """Due at 08:00 of the next day, only where somebody is to bring it, and only since the platform runs."""
    now = datetime.now(MARKET.timezone)
    due = now.date() - timedelta(days=1 if now.hour >= 8 else 2)
    database.ran(24 * 60 * 4)

    def missing(folder: Path | None) -> list[str]:
        alarms, _ = check(replace(settings, statement_folder=folder))
        return [alarm.detail for alarm in alarms if alarm.alarm == "statement_missing"]

    assert missing(None) == []
    (detail,) = missing(tmp_path)
    assert str(now.date() - timedelta(days=4)) in detail
    assert str(now.date() - timedelta(days=5)) not in detail
    for number in range(5):
        statement_of(database, due - timedelta(days=number))
    assert missing(tmp_path) == []
    database.rows("DELETE FROM ops.statements WHERE statement_day = %s", (due,))
    (detail,) = missing(tmp_path)
    assert detail.endswith(str(due))
