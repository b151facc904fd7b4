"""Statements from the file of the exchange to PnL: gaps heal, differences are found, nothing counts twice."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from include.errors import TerminalError
from include.expectations.review import Action, Selection, decide, waiting
from include.jobs import (
    build_pnl,
    import_statements,
    load_statement,
    load_trades,
    rebuild_steps,
    reconcile_trades,
    validate_trades,
)
from include.jobs.check_freshness import check
from include.landing import STATEMENTS, event_line, list_files
from include.load import audit, statements
from include.run_scope import DeliveryDays, Rebuild
from include.settings import Settings
from tests.factories import MARKET, Database
from tests.messages import RECEIVED_AT, cancellation, deal, landed, write_landing_file
from tests.passes import take_in, validate_landed
from tests.statements import DAY, line, text, write_statement
from tools.fingerprint import fingerprint

NEXT_DAY = DAY + timedelta(days=1)

TRADES = "SELECT trade_id, revision, price_eur_per_mwh, source FROM curated.trades ORDER BY trade_id"
COUNTS = (
    "SELECT state, matched_count, missing_count, differs_count, unexpected_count FROM ops.reconciliations"
    " ORDER BY statement_day"
)
PNL = "SELECT {} FROM curated.pnl_hourly ORDER BY delivery_day, delivery_hour, trader_id"


@pytest.fixture
def second(second_warehouse_url: str) -> Iterator[Database]:
    with closing(Database(second_warehouse_url)) as database:
        yield database


def capture(settings: Settings, messages: list[str], name: str = "a") -> None:
    """Receives messages while it is connected, and loads and validates them."""
    write_landing_file(settings.landing_root, landed(messages), name)
    validate_landed(settings)


def reconcile(settings: Settings, file: Path, day: date = DAY) -> dict[str, int]:
    """What the DAG does."""
    counts = load_statement.run(settings, day, file) | reconcile_trades.run(settings, [day])
    validate_trades.run(settings)
    build_pnl.run(settings)
    return counts


def is_clean(settings: Settings) -> bool:
    return not [problem for file in audit.run(settings) for problem in file.problems]


def connections(*spans: tuple[float, float]) -> bytes:
    """The journal of a capture that was connected in these spans, in hours after the start of the day."""
    start, _ = MARKET.span_of(DAY)
    lines = b""
    for first, last in spans:
        lines += event_line(start + timedelta(hours=first), "connected")
        for beat in range(int((last - first) * 180)):
            at = start + timedelta(hours=first, seconds=20 * beat)
            lines += event_line(
                at, "heartbeat", connected=True, alive_until=at.isoformat(timespec="microseconds")
            )
        lines += event_line(start + timedelta(hours=last), "disconnected")
    return lines


def test_a_file_of_a_delivery_day_heals_the_hours_of_that_day_only(
    settings: Settings, database: Database, second: Database, second_warehouse_url: str, tmp_path: Path
) -> None:
    """No connection from 18:00 to 20:00 of the day before: hours of both days were tradable then."""
    start, _ = MARKET.span_of(DAY)
    whole = replace(settings, warehouse_url=second_warehouse_url, landing_root=tmp_path / "whole")
    # 15:30, 18:30 and 19:30 for both days, and two of the day itself, one of which is for the next day
    sent = [
        (hours, f"{day:%d}_{hours}", day, hour)
        for day, hour, moments in (
            (DAY - timedelta(days=1), 22, (-8.5, -5.5, -4.5)),
            (DAY, 2, (-8.5, -5.5, -4.5)),
            (DAY, 16, (9,)),
            (NEXT_DAY, 2, (16,)),
        )
        for hours in moments
    ]
    for one, spans in ((settings, [(-10.0, -6.0), (-4.0, 24.0)]), (whole, [(-10.0, 24.0)])):
        content = connections(*spans)
        for hours, name, day, hour in sent:
            if any(first <= hours < last for first, last in spans):
                at = start + timedelta(hours=hours, seconds=1)
                message = deal(
                    id=name,
                    delivery_day=f"{day}",
                    delivery_hour=f"{hour:02}-{hour + 1:02}",
                    execution_time=at.isoformat(),
                )
                content += landed([message], at)
        write_landing_file(one.landing_root, b"".join(sorted(content.splitlines(keepends=True))))
        take_in(one)
    incomplete = (
        "SELECT DISTINCT delivery_day FROM ops.incomplete_periods WHERE reason = 'capture_gap' ORDER BY 1"
    )
    complete = "SELECT DISTINCT delivery_day, delivery_hour, is_complete FROM curated.pnl_hourly ORDER BY 1, 2"
    before = DAY - timedelta(days=1)
    assert database.rows(complete) == [
        (before, "22-23", False),
        (DAY, "02-03", False),
        (DAY, "16-17", False),
        (NEXT_DAY, "02-03", False),  # its last two hours are after what was captured
    ]
    rows = [
        f"{name};SELL;{local:%Y-%m-%d %H:%M:%S};{local + timedelta(hours=1):%Y-%m-%d %H:%M:%S};"
        f"{start + timedelta(hours=hours)};20.64;EUR;1.2;MW;flex_trader_4"
        for hours, name, day, hour in sent
        if day == DAY
        for local in [datetime.combine(day, datetime.min.time()) + timedelta(hours=hour)]
    ]
    file = tmp_path / "trades-2026-03-02.csv"
    header = "TradeId;Side;DeliveryStart;DeliveryEnd;ExecutionTime;Price;Currency;Volume;VolumeUnit;TraderId"
    file.write_text(text(rows, f"# Private Trades - 2026-03-02 - 2026-03-03T00:05:16.000Z;;;;;;;;\n{header}"))
    assert reconcile(settings, file)["rejected_count"] == 0
    assert database.rows(COUNTS) == [("reconciled", 2, 2, 0, 0)]
    assert database.rows(complete) == [
        (before, "22-23", False),
        (DAY, "02-03", True),
        (DAY, "16-17", True),
        (NEXT_DAY, "02-03", False),  # its last two hours are after what was captured
    ]
    assert database.rows(incomplete) == [(before,), (NEXT_DAY,)]
    of_day = (
        "SELECT delivery_hour, trader_id, trade_count, sell_mwh, cash_flow_eur, capture_gap_seconds,"
        " is_complete FROM curated.pnl_hourly WHERE delivery_day = %s ORDER BY 1, 2"
    )
    assert database.rows(of_day, (DAY,)) == second.rows(of_day, (DAY,))
    assert database.rows(
        "SELECT DISTINCT delivery_day, reconciled_gap_seconds > 7000 FROM curated.pnl_versions"
        " WHERE valid_to IS NULL ORDER BY 1"
    ) == [(before, False), (DAY, True), (NEXT_DAY, False)]
    standing = database.rows(PNL.format("*"))
    assert reconcile(settings, file)["line_count"] == 0
    rebuild_steps.run(settings, Rebuild("r", DeliveryDays(DAY, DAY), reload=True))
    assert database.rows(PNL.format("*")) == standing
    # a captured trade for the day that is not in it opens its gaps again
    capture(settings, [deal(id="extra", execution_time="2026-03-01T15:00:00Z")], "late")
    build_pnl.run(settings)
    assert database.rows(COUNTS) == [("differences", 2, 2, 0, 1)]
    assert (DAY, "02-03", False) in database.rows(complete)


def test_each_outcome(settings: Settings, database: Database, tmp_path: Path) -> None:
    """Matched, missing, another price or trader, and one that the statement does not have."""
    capture(settings, [deal(id=name) for name in ("same", "price", "extra", "trader")])
    lines = [line(id="same"), line(id="new", trader_id=""), line(id="price", price=30, trader_id="")]
    file = write_statement(tmp_path, [*lines, line(id="trader", trader_id="other")])
    counts = reconcile(settings, file)
    assert [counts[name] for name in ("matched", "missing", "differs", "unexpected")] == [1, 1, 2, 1]
    assert database.rows(
        "SELECT trade_id, trader_id, price_eur_per_mwh, revision, source FROM curated.trades ORDER BY trade_id"
    ) == [
        ("extra", "flex_trader_4", Decimal("20.64"), 0, "stream"),
        ("new", "unassigned", Decimal("20.64"), -1, "statement"),
        ("price", "flex_trader_4", 30, -1, "statement"),
        ("same", "flex_trader_4", Decimal("20.64"), 0, "stream"),
        ("trader", "other", Decimal("20.64"), -1, "statement"),
    ]
    assert database.rows(COUNTS) == [("differences", 1, 1, 2, 1)]
    assert database.rows(
        "SELECT captured_count, statement_count, captured_mwh, statement_mwh, captured_cash_flow_eur,"
        " statement_cash_flow_eur, matched_mwh, missing_mwh, differs_mwh, unexpected_mwh"
        " FROM ops.reconciliations"
    ) == [tuple(map(Decimal, ("4", "4", "4.8", "4.8", "99.072", "110.304", "1.2", "1.2", "2.4", "1.2")))]
    assert database.value(
        "SELECT starts_with(landing_file, 'statements/date=2026-03-02/') FROM curated.trades"
        " JOIN ops.landing_files USING (landing_file_id) WHERE trade_id = 'new'"
    )
    assert is_clean(settings)


def test_a_cancelled_trade_that_the_statement_has_waits_for_a_decision(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    """It stays out of PnL until a person says that it counts, and again when no statement has it any more."""
    capture(settings, [deal(id="same"), deal(id="x"), cancellation(id="x"), cancellation(id="uncaptured")])
    file = write_statement(tmp_path, [line(id="same"), line(id="x"), line(id="uncaptured")])
    counts = reconcile(settings, file)
    assert (counts["matched"], counts["cancelled"], counts["missing"], counts["not_reconciled"]) == (1, 2, 0, 1)
    outcomes = "SELECT trade_id, outcome FROM ops.reconciliation_differences ORDER BY trade_id"
    assert database.rows(outcomes) == [("uncaptured", "cancelled"), ("x", "cancelled")]
    sums = (
        "SELECT state, captured_count, captured_mwh, captured_cash_flow_eur, statement_count, matched_count,"
        " cancelled_count, cancelled_mwh, cancelled_cash_flow_eur, unreviewed_cancelled_count"
        " FROM ops.reconciliations"
    )
    one, two = (Decimal(number) * Decimal("20.64") * Decimal("1.2") for number in (1, 2))
    quantity = Decimal("1.2")
    assert database.rows(sums) == [
        ("differences", 1, quantity, one, 3, 1, 2, 2 * quantity, two, 2),
    ]
    assert [row[0] for row in database.rows(TRADES)] == ["same"]
    assert {(row["problem"], row["trade_id"]) for row in waiting(settings)} == {
        ("cancelled", "x"),
        ("cancelled", "uncaptured"),
    }
    decide(settings, "discard", "the exchange recalled it", Selection(trade_id="uncaptured"))
    decide(settings, "accept", "the exchange says that it counts", Selection(trade_id="x"))
    build_pnl.run(settings)
    for is_rebuilt in (False, True):
        if is_rebuilt:
            rebuild_steps.run(settings, Rebuild("r", DeliveryDays(DAY, DAY), reload=True))
        assert [row[:2] for row in database.rows(TRADES)] == [("same", 0), ("x", 0)]
        assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 2
        assert database.rows(outcomes) == [("uncaptured", "cancelled")]
        assert database.rows(sums)[0][0] == "reconciled"
        assert waiting(settings) == []
    # decided otherwise, and again
    decide(settings, "discard", "no, it was recalled", Selection(trade_id="x"))
    build_pnl.run(settings)
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 1
    assert database.rows(sums)[0][0] == "reconciled"
    decide(settings, "accept", "it counts", Selection(trade_id="x"))
    # a corrected file does not have it
    reconcile(settings, write_statement(tmp_path, [line(id="same")]))
    assert [row[0] for row in database.rows(TRADES)] == ["same"]
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 1
    assert database.rows(COUNTS) == [("reconciled", 1, 0, 0, 0)]
    assert is_clean(settings)


def test_a_cancellation_after_the_statement_was_landed_is_no_difference(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    capture(settings, [deal(id="x")])
    reconcile(settings, write_statement(tmp_path, [line(id="x")]))
    later = datetime.now(UTC) + timedelta(seconds=1)
    write_landing_file(settings.landing_root, landed([cancellation(id="x")], later), "b")
    validate_landed(settings)
    build_pnl.run(settings)
    assert database.rows(TRADES) == []
    assert database.rows(COUNTS) == [("reconciled", 1, 0, 0, 0)]


def test_a_statement_that_writes_ids_otherwise_adds_nothing(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    """Its day is held until a corrected one comes."""
    numbers = range(10, 20)
    capture(settings, [deal(id=f"00{n}", price=n) for n in numbers])
    build_pnl.run(settings)
    pnl = PNL.format("trade_count, sell_mwh, cash_flow_eur")
    before = database.rows(pnl)
    assert before
    wrong = [line(id=f"{n}", price=n) for n in numbers]
    counts = reconcile(settings, write_statement(tmp_path, wrong))
    assert (counts["not_reconciled"], counts["missing"]) == (1, 0)
    assert database.rows(pnl) == before
    assert database.rows(COUNTS) == [("held", 0, 10, 0, 10)]
    assert database.rows("SELECT alike_count, captured_count, statement_count FROM ops.reconciliations") == [
        (10, 10, 10)
    ]
    check(settings)
    ((severity, detail),) = database.rows(
        "SELECT severity, detail FROM ops.alarms WHERE alarm = 'statement_differences'"
    )
    assert severity == "critical"
    assert "10 of its trades equal captured ones in all but their id: are ids written differently?" in detail
    rebuild_steps.run(settings, Rebuild("r", DeliveryDays(DAY, DAY), reload=True))
    assert (database.rows(pnl), database.rows(COUNTS)) == (before, [("held", 0, 10, 0, 10)])
    right = [line(id=f"00{n}", price=n) for n in numbers]
    reconcile(settings, write_statement(tmp_path, [*right, line(id="new", price=1)]))
    assert database.rows(COUNTS) == [("reconciled", 10, 1, 0, 0)]
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 11
    assert is_clean(settings)


def test_a_held_statement_is_taken_once_its_captured_trades_are_discarded(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    """And what is captured later may hold one that was taken."""
    file = write_statement(tmp_path, [line(id=f"t_{n}") for n in range(6)])
    reconcile(settings, file)
    assert database.rows(COUNTS) == [("reconciled", 0, 6, 0, 0)]
    capture(settings, [deal(id=f"{n}") for n in range(6)])
    build_pnl.run(settings)
    assert database.rows(COUNTS) == [("held", 0, 6, 0, 6)]
    assert {row[3] for row in database.rows(TRADES)} == {"stream"}
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 6
    decide(settings, "discard", "the ids of the file are right", Selection(expectation="each captured trade"))
    validate_trades.run(settings)
    build_pnl.run(settings)
    assert database.rows(COUNTS) == [("reconciled", 0, 6, 0, 6)]
    assert {row[3] for row in database.rows(TRADES)} == {"statement"}
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 6


def test_an_unexpected_trade_counts_until_a_person_discards_it(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    capture(settings, [deal(id="same"), deal(id="extra"), deal(id="extra", revision=1, price=1)])
    file = write_statement(tmp_path, [line(id="same")])
    reconcile(settings, file)
    assert [row["trade_id"] for row in waiting(settings)] == ["extra"]
    assert len(database.rows(TRADES)) == 2
    assert decide(settings, "accept", "a late correction", Selection(trade_id="extra"))["trades"] == 2
    assert database.rows(COUNTS) == [("reconciled", 1, 0, 0, 1)]
    assert waiting(settings) == []
    assert len(database.rows(TRADES)) == 2
    decide(settings, "discard", "the exchange does not know it", Selection(trade_id="extra"))
    build_pnl.run(settings)
    assert [row[0] for row in database.rows(TRADES)] == ["same"]
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 1
    for _ in range(2):
        rebuild_steps.run(settings, Rebuild("r", DeliveryDays(DAY, DAY), reload=True))
        assert [row[0] for row in database.rows(TRADES)] == ["same"], "the decision holds"
        assert database.rows(COUNTS) == [("reconciled", 1, 0, 0, 1)]
    # a corrected file of the exchange has it
    reconcile(settings, write_statement(tmp_path, [line(id="same"), line(id="extra", price=1)]))
    assert [row[0] for row in database.rows(TRADES)] == ["extra", "same"]
    assert database.rows(COUNTS) == [("reconciled", 2, 0, 0, 0)]


def test_a_trade_that_was_taken_back_while_nobody_was_connected(
    settings: Settings, database: Database, second: Database, second_warehouse_url: str, tmp_path: Path
) -> None:
    """Only the statement knows of the recall, and of an amendment: the trade is not in it, or otherwise."""
    start, _ = MARKET.span_of(DAY)
    recalled, amended, first = (deal(id=name) for name in ("recalled", "amended", "kept"))
    amendment = deal(id="amended", revision=1, price="31.5")
    whole = replace(settings, warehouse_url=second_warehouse_url, landing_root=tmp_path / "whole")
    for one, spans in ((settings, [(-10.0, 8.0), (10.0, 24.0)]), (whole, [(-10.0, 24.0)])):
        content = connections(*spans) + landed([recalled, amended, first], start + timedelta(hours=7))
        if one is whole:
            content += landed([cancellation(id="recalled"), amendment], start + timedelta(hours=9))
        write_landing_file(one.landing_root, b"".join(sorted(content.splitlines(keepends=True))))
        take_in(one)
    alarms = (
        "SELECT severity, detail FROM ops.alarms WHERE cleared_at IS NULL AND alarm = 'statement_differences'"
    )
    trades = (
        "SELECT trade_count, sell_mwh, cash_flow_eur, capture_gap_seconds, is_complete FROM curated.pnl_hourly"
    )
    reconcile(settings, write_statement(tmp_path, [line(id="kept"), line(id="amended", price="31.5")]))
    assert database.rows(COUNTS) == [("differences", 1, 0, 1, 1)]
    assert database.rows(trades) == [(3, Decimal("3.6"), Decimal("87.336"), 7200, False)], "it still counts"
    check(settings)
    assert database.rows(alarms) == [
        (
            "critical",
            "the exchange's statement is not reconciled, a review is needed: 2026-03-02 (1 captured trades are"
            " not in it, 0 cancelled ones are, 0 of its lines cannot be used)",
        )
    ]
    assert [row["trade_id"] for row in waiting(settings)] == ["recalled"]
    decide(settings, "discard", "the exchange took it back", Selection(trade_id="recalled"))
    build_pnl.run(settings)
    check(settings)
    assert [severity for severity, _ in database.rows(alarms)] == ["warning"], "one trade was changed"
    assert database.rows(COUNTS) == [("reconciled", 1, 0, 1, 1)]
    assert database.rows(trades) == [(2, Decimal("2.4"), Decimal("62.568"), 0, True)]
    assert database.rows(trades) == second.rows(trades)
    shown = ("cancelled_trade_count", "amendment_count")
    tables = ("curated.pnl_hourly", "curated.pnl_daily", "curated.portfolio_pnl_hourly")
    healed, uninterrupted = (fingerprint(one, without=shown) for one in (database, second))
    assert [healed[name] for name in tables] == [uninterrupted[name] for name in tables]


@pytest.mark.parametrize("action", ["accept", "discard"])
def test_a_decision_on_an_unexpected_trade_leaves_its_quarantine_alone(
    settings: Settings, database: Database, tmp_path: Path, action: Action
) -> None:
    """Revision 1 breaks a bound, and nobody has decided about that."""
    in_statement = Selection(expectation="statement of the exchange")
    late = datetime.now(UTC) + timedelta(minutes=4)  # after both statements
    capture(settings, [deal(id="x")])
    write_landing_file(settings.landing_root, landed([deal(id="x", revision=1, price=99_999)], late), "b")
    validate_landed(settings)
    reconcile(settings, write_statement(tmp_path, []))
    assert decide(settings, action, "why", in_statement)["trades"] == 1
    counting = [("x", 0, Decimal("20.64"), "stream")]
    waits = [("quarantined", "x", 1)]
    queue = "SELECT problem, trade_id, revision FROM ops.review_queue"
    for _ in range(2):
        build_pnl.run(settings)
        assert database.rows(TRADES) == (counting if action == "accept" else [])
        assert database.rows(COUNTS) == [("reconciled", 0, 0, 0, 1)]
        assert database.rows(queue) == waits
        assert [(row["problem"], row["revision"]) for row in waiting(settings)] == [("quarantined", 1)]
        rebuild_steps.run(settings, Rebuild("r", DeliveryDays(DAY, DAY), reload=True))
    # a corrected file has it: that decision ends, and the other one is still to be taken
    reconcile(settings, write_statement(tmp_path, [line(id="x")]))
    assert database.rows(TRADES) == counting
    assert database.rows(COUNTS) == [("reconciled", 1, 0, 0, 0)]
    assert database.rows(queue) == waits


@pytest.mark.parametrize("price", [12_345, 20.64])
def test_what_was_decided_about_a_trade_by_name_outlives_the_statement_that_lacks_it(
    settings: Settings, database: Database, tmp_path: Path, price: float
) -> None:
    """Revision 1 breaks a bound: accepted before, so that it is unexpected, or discarded with the trade."""
    capture(settings, [deal(id="x"), deal(id="x", revision=1, price=12_345)])
    if price == 12_345:
        decide(settings, "accept", "it is right", Selection(trade_id="x"))
    reconcile(settings, write_statement(tmp_path, []))
    decide(settings, "discard", "the exchange does not know it", Selection(trade_id="x"))
    assert database.rows(TRADES) == []
    assert database.rows(COUNTS) == [("reconciled", 0, 0, 0, 1)]
    assert waiting(settings) == []
    reconcile(settings, write_statement(tmp_path, [line(id="x", price=price)]))
    rebuild_steps.run(settings, Rebuild("r", DeliveryDays(DAY, DAY), reload=True))
    assert [float(row[2]) for row in database.rows(TRADES)] == [price]
    assert waiting(settings) == []


def test_accepting_a_trade_by_name_is_one_decision(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    """On the revision in quarantine, and on its being in no statement."""
    capture(settings, [deal(id="x"), deal(id="x", revision=1, price=12_345)])
    reconcile(settings, write_statement(tmp_path, []))
    decide(settings, "accept", "both are right", Selection(trade_id="x"))
    assert [row[1:3] for row in database.rows(TRADES)] == [(1, 12_345)]
    assert database.rows(COUNTS) == [("reconciled", 0, 0, 0, 1)]
    assert waiting(settings) == []


def test_an_earlier_revision_that_is_loaded_later_is_discarded_too(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    capture(settings, [deal(id="x", revision=1)])
    reconcile(settings, write_statement(tmp_path, []))
    decide(settings, "discard", "the exchange does not know it", Selection(trade_id="x"))
    capture(settings, [deal(id="x", price=1)], "late")
    build_pnl.run(settings)
    assert database.rows(TRADES) == []
    assert database.rows(COUNTS) == [("reconciled", 0, 0, 0, 1)]
    capture(settings, [deal(id="x", revision=2)], "later")  # nobody has decided about that
    assert [row[:2] for row in database.rows(TRADES)] == [("x", 2)]
    assert database.rows(COUNTS) == [("differences", 0, 0, 0, 1)]


@pytest.mark.parametrize("delivery_day", ["2026-03-03", "2026-03-12", "2026-02-27"])
def test_a_trade_is_unexpected_whenever_it_delivers_and_whatever_is_loaded_first(
    settings: Settings, database: Database, tmp_path: Path, delivery_day: str
) -> None:
    statement = write_statement(tmp_path, [])
    messages = landed([deal(id="far", delivery_day=delivery_day)])
    write_landing_file(settings.landing_root, messages)
    for steps in (("s", "t"), ("t", "s")):
        for step in steps:
            if step == "s":
                reconcile(settings, statement)
            else:
                validate_landed(settings)
        assert database.rows(COUNTS) == [("differences", 0, 0, 0, 1)], steps
        database.forget_everything()


@pytest.mark.parametrize("names", ["ab", "ba"])
@pytest.mark.parametrize("days", [[DAY], [NEXT_DAY], [DAY, NEXT_DAY]])
@pytest.mark.parametrize("is_stated_first", [False, True])
def test_without_a_time_of_execution_the_first_receipt_tells_the_day(
    settings: Settings, database: Database, tmp_path: Path, names: str, days: list[date], is_stated_first: bool
) -> None:
    """Two instances received the trade, shortly before and after midnight; either file is loaded first."""
    midnight, _ = MARKET.span_of(NEXT_DAY)
    around = {name: midnight + timedelta(milliseconds=n) for name, n in zip("ab", (-10, 10), strict=True)}
    write_landing_file(settings.landing_root, landed([deal(id="other", delivery_day="2026-03-05")]), "other")
    load_trades.run(settings)
    files = [(day, write_statement(tmp_path, [], day)) for day in days]
    if is_stated_first:
        for day, file in files:
            reconcile(settings, file, day)
    for name in names:
        messages = landed([deal(id="n", execution_time="?", delivery_day="2026-03-03")], around[name])
        write_landing_file(settings.landing_root, messages, name, around[name])
        validate_landed(settings)
    for day, file in files:
        reconcile(settings, file, day)
    assert database.rows(
        "SELECT statement_day, outcome FROM ops.reconciliation_differences WHERE trade_id = 'n'"
    ) == ([(DAY, "unexpected")] if DAY in days else [])


def test_a_trade_that_only_the_replaced_file_had_is_compared_again(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    """By its time of execution it is in the file of the day after; it was in this one."""
    capture(settings, [deal(id="x", execution_time="2026-03-02T23:30:00Z")])
    reconcile(settings, write_statement(tmp_path, [], NEXT_DAY), NEXT_DAY)
    assert database.rows(COUNTS) == [("differences", 0, 0, 0, 1)]
    reconcile(settings, write_statement(tmp_path, [line(id="x")]))
    assert [row[0] for row in database.rows(COUNTS)] == ["reconciled", "reconciled"]
    reconcile(settings, write_statement(tmp_path, []))
    assert [row[0] for row in database.rows(COUNTS)] == ["reconciled", "differences"]


def test_a_trade_is_unexpected_no_more_once_the_copy_that_counts_is_of_another_day(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    reconcile(settings, write_statement(tmp_path, []))
    capture(settings, [deal(id="x")])
    assert [row[0] for row in database.rows(COUNTS)] == ["differences"]
    earlier = landed([deal(id="x", execution_time="2026-03-01T20:00:00Z")], RECEIVED_AT - timedelta(hours=1))
    write_landing_file(settings.landing_root, earlier, "b")
    validate_landed(settings)
    assert [row[0] for row in database.rows(COUNTS)] == ["reconciled"]


def test_a_trade_near_midnight_may_be_in_the_file_beside(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    """Times of execution are known to be wrong by hours."""
    capture(settings, [deal(id="late", execution_time="2026-03-02T22:30:00Z")])
    reconcile(settings, write_statement(tmp_path, []))
    assert database.rows(COUNTS) == [("differences", 0, 0, 0, 1)]
    # never connected while the hour was tradable, from 15:00 of the day before to 14:55
    assert database.rows(PNL.format("capture_gap_seconds")) == [((23 * 60 + 55) * 60,)]
    reconcile(
        settings,
        write_statement(tmp_path, [line(id="late", execution_time="2026-03-02T23:30:00Z")], NEXT_DAY),
        NEXT_DAY,
    )
    assert database.rows(COUNTS) == [("reconciled", 0, 0, 0, 0), ("reconciled", 1, 0, 0, 0)]
    # the file beside reconciles the day and so closes its gap; that of the evening before is still there
    assert database.rows(PNL.format("capture_gap_seconds")) == [(9 * 60 * 60,)]


def test_a_statement_that_is_landed_weeks_later_takes_back_no_amendment(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    capture(settings, [deal(id="a"), deal(id="b"), deal(id="c"), deal(id="c", price=2, revision=1)])
    amendments = [deal(id=id, price=30, revision=2) for id in "abc"]
    write_landing_file(settings.landing_root, landed(amendments, RECEIVED_AT + timedelta(days=1)), "b")
    validate_landed(settings)
    reconcile(settings, write_statement(tmp_path, [line(id="a"), line(id="b", price=1), line(id="c")]))
    # a: as at the end of the day; b: as nobody said before; c: as before the end of the day
    assert database.rows(TRADES) == [
        ("a", 2, 30, "stream"),
        ("b", -1, 1, "statement"),
        ("c", -1, Decimal("20.64"), "statement"),
    ]
    assert database.rows(COUNTS) == [("reconciled", 1, 0, 2, 0)]
    assert is_clean(settings)


def test_of_two_files_of_a_day_the_last_one_stands(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    capture(settings, [deal(id="a")])
    first = write_statement(tmp_path / "1", [line(id="a"), line(id="b"), line(id="c")])
    second = write_statement(tmp_path / "2", [line(id="a", price=1), line(id="c")])
    reconcile(settings, first)
    assert [row[:2] for row in database.rows(TRADES)] == [("a", 0), ("b", -1), ("c", -1)]
    reconcile(settings, second)
    assert [row[:3] for row in database.rows(TRADES)] == [("a", -1, 1), ("c", -1, Decimal("20.64"))]
    assert database.rows(COUNTS) == [("reconciled", 0, 1, 1, 0)]
    reconcile(settings, second)  # nothing new: it stands
    assert len(list_files(settings.landing_root, STATEMENTS)) == 2
    assert is_clean(settings)


@pytest.mark.parametrize(
    ("first", "corrected"),
    [
        (  # the cash flow stays: what is bought and what is sold cost as much more
            [line(id="x", direction="buy", price=10), line(id="y", price=20)],
            [line(id="x", direction="buy", price=11), line(id="y", price=21)],
        ),
        (
            [line(id="x", delivery_hour="14-17")],
            [line(id="x", delivery_hour="15-17")],
        ),  # it starts in this hour
    ],
)
def test_each_change_has_its_cause(
    settings: Settings, database: Database, tmp_path: Path, first: list[str], corrected: list[str]
) -> None:
    for rows in (first, corrected):
        reconcile(settings, write_statement(tmp_path, rows))
    assert database.rows(
        "SELECT causes FROM curated.pnl_hourly_changes WHERE delivery_hour = '15-16' ORDER BY changed_at"
    ) == [(["new row", "statement"],), (["late trades"],)]


def test_a_file_that_another_one_replaced_stands_again(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    right = write_statement(tmp_path / "right", [line(id="a"), line(id="b")])
    wrong = write_statement(tmp_path / "wrong", [line(id="a", price=99)])
    for file in (right, wrong, right, right):
        reconcile(settings, file)
    assert [row[:3] for row in database.rows(TRADES)] == [
        ("a", -1, Decimal("20.64")),
        ("b", -1, Decimal("20.64")),
    ]
    assert len(list_files(settings.landing_root, STATEMENTS)) == 3
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 2
    assert is_clean(settings)


def test_a_file_stands_also_after_one_that_was_landed_while_the_clock_was_ahead(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    folder = settings.landing_root / STATEMENTS / f"date={DAY}"
    folder.mkdir(parents=True)
    (folder / "20980101T000000000000Z-0.csv").write_text(text([line(id="a")]))
    import_statements.reconcile_landed(settings)
    reconcile(settings, write_statement(tmp_path / "2", [line(id="b")]))
    assert [row[0] for row in database.rows(TRADES)] == ["b"]


def test_a_line_of_another_day_is_rejected_and_closes_no_gap(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    of_next_day = line(id="late", execution_time=f"{NEXT_DAY}T10:00:00Z")
    counts = reconcile(settings, write_statement(tmp_path, [of_next_day, line()]))
    assert (counts["rejected_count"], counts["days"], counts["not_reconciled"]) == (1, 1, 1)
    assert database.rows("SELECT reason_code FROM ops.rejected_messages") == [("wrong_statement_day",)]
    assert database.rows(COUNTS) == [("rejects", 0, 1, 0, 0)]
    assert database.rows("SELECT * FROM ops.unreviewed_messages") == []
    decide(settings, "discard", "wrong day", Selection(reason_code="wrong_statement_day"))
    assert database.rows(COUNTS) == [("reconciled", 0, 1, 0, 0)]


def test_a_file_of_other_days_is_refused_and_replaces_nothing(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    reconcile(settings, write_statement(tmp_path, [line()]))
    times = [f"{NEXT_DAY}T10:00:00Z", f"{NEXT_DAY}T23:30:00Z", f"{NEXT_DAY}T11:00:00Z"]
    other = write_statement(tmp_path, [line(execution_time=at) for at in times], NEXT_DAY)
    with pytest.raises(TerminalError) as refused:
        reconcile(settings, other)
    assert str(refused.value) == (
        f"{other} is no statement of 2026-03-02, all of its lines are of 2026-03-03, 2026-03-04: executed at"
        " 2026-03-03 10:00:00+00:00, not on 2026-03-02 in Europe/Berlin; where such a file has the day of"
        ' delivery, set day = "delivery" of statement in MARKETS_FILE'
    )
    assert len(list_files(settings.landing_root, STATEMENTS)) == 1
    assert [row[0] for row in database.rows(TRADES)] == ["x"]


def test_a_file_without_trades_is_of_any_day(settings: Settings, database: Database, tmp_path: Path) -> None:
    counts = reconcile(settings, write_statement(tmp_path, ["# no trades"]))
    assert (counts["rejected_count"], counts["days"]) == (0, 1)
    assert database.rows(COUNTS) == [("reconciled", 0, 0, 0, 0)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_truncated_file_in_any_encoding(
    settings: Settings, database: Database, tmp_path: Path, encoding: str
) -> None:
    lines = [line(id=f"t{n}", trader_id="Müller", price="20,64") for n in range(3)]
    content = text(lines).replace("20,64", "@").replace(",", ";").replace("@", "20,64")
    path = tmp_path / "trades-2026-03-02.csv"
    path.write_bytes(content.replace("\n", "\r\n").encode(encoding)[:-24])
    counts = reconcile(settings, path)
    assert (counts["line_count"], counts["loaded_count"], counts["rejected_count"]) == (4, 2, 1)
    assert database.rows("SELECT DISTINCT reason_code, line_number FROM ops.rejected_messages") == [
        ("torn_line", 4)
    ]
    assert database.rows("SELECT DISTINCT trader_id, price_eur_per_mwh FROM raw.statement_trades") == [
        ("Müller", Decimal("20.64"))
    ]
    assert is_clean(settings)


INSTANTS = "TradeId;Side;DeliveryStart;DeliveryEnd;Price;Volume;VolumeUnit"
QUARTER = "1;SELL;2026-03-02 14:00:00+00:00;2026-03-02 14:15:00+00:00;81.29;0.5;MWH"


@pytest.mark.parametrize(
    "content", [f"{INSTANTS}\n{QUARTER}", f"{INSTANTS}\n{QUARTER[:-1]}", INSTANTS, INSTANTS[:-1]]
)
def test_a_file_that_may_be_truncated_reconciles_no_day(
    settings: Settings, database: Database, tmp_path: Path, content: str
) -> None:
    """No line before shows how long the last one should be, and MW for MWH is a quarter of the power."""
    path = tmp_path / "trades-2026-03-02.csv"
    path.write_text(content)
    reconcile(settings, path)
    assert database.rows("SELECT reason_code FROM ops.rejected_messages") == [("torn_line",)]
    assert database.value("SELECT count(*) FROM curated.trades") == 0
    assert database.rows("SELECT state FROM ops.reconciliations") == [("rejects",)]
    path.write_text(content + "\n")
    reconcile(settings, path)
    assert database.rows("SELECT state FROM ops.reconciliations") == [("reconciled",)]


def test_lines_that_come_twice(settings: Settings, database: Database, tmp_path: Path) -> None:
    r"""Ids may hold what COPY escapes."""
    lines = [line(id="a\\b"), line(id="a\\b"), line(id="a\\b", price=1), line(id="a\\b", direction="buy")]
    counts = load_statement.run(settings, DAY, write_statement(tmp_path, lines))
    assert (counts["loaded_count"], counts["duplicate_count"], counts["rejected_count"]) == (2, 1, 1)
    assert database.rows("SELECT reason_code, line_number, raw FROM ops.rejected_messages") == [
        ("conflicting_duplicate", 4, lines[2])
    ]
    assert is_clean(settings)


def test_what_is_no_statement_is_refused_in_words(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "error.html"
    path.write_text("<html>503</html>\n" * 100)
    with pytest.raises(TerminalError, match="names the columns of a known statement"):
        load_statement.run(settings, DAY, path)
    with pytest.raises(TerminalError, match="cannot be read"):
        load_statement.run(settings, DAY, tmp_path / "none.csv")
    assert list_files(settings.landing_root, STATEMENTS) == []


def test_a_day_that_is_not_over_has_no_statement(settings: Settings, tmp_path: Path) -> None:
    """It would close gaps that are still to come."""
    today = datetime.now(MARKET.timezone).date()
    with pytest.raises(
        TerminalError, match=f"not accepted before {today + timedelta(days=1)} 00:00 Europe/Berlin$"
    ):
        load_statement.run(settings, today, write_statement(tmp_path, [line()], today))


def test_landed_files_are_verbatim_and_private(settings: Settings, tmp_path: Path) -> None:
    path = write_statement(tmp_path, [line()])
    load_statement.run(settings, DAY, path)
    (file,) = list_files(settings.landing_root, STATEMENTS)
    assert file.path.read_bytes() == path.read_bytes()
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in file.path.parent.iterdir()] == [file.path.name]


def test_killed_anywhere_a_rerun_ends_the_same(
    settings: Settings, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture(settings, [deal(id="a"), deal(id="c")])
    file = write_statement(tmp_path, [line(id="a", price=1), line(id="b")])

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    for target, name in (
        (statements, "write_rows"),  # landed, nothing loaded
        (reconcile_trades, "reconcile_days"),  # loaded
        (validate_trades, "validate_batches"),  # reconciled, not validated
        (build_pnl, "build_days"),  # validated
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, killed)
            with pytest.raises(KeyboardInterrupt):
                reconcile(settings, file)
        assert is_clean(settings)
    reconcile(settings, file)
    assert [row[:3] for row in database.rows(TRADES)] == [
        ("a", -1, 1),
        ("b", -1, Decimal("20.64")),
        ("c", 0, Decimal("20.64")),
    ]
    assert database.rows(COUNTS) == [("differences", 0, 1, 1, 1)]
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 3
    assert len(list_files(settings.landing_root, STATEMENTS)) == 1


def test_an_added_trade_that_breaks_an_expectation_is_quarantined(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    file = write_statement(tmp_path, [line(id="good"), line(id="bad", price=10_000)])
    reconcile(settings, file)
    assert [row[0] for row in database.rows(TRADES)] == ["good"]
    assert database.rows("SELECT trade_id, revision, review FROM ops.quarantined_trades") == [("bad", -1, None)]
    decide(settings, "accept", "it is right", Selection(trade_id="bad"))
    build_pnl.run(settings)
    assert [row[0] for row in database.rows(TRADES)] == ["bad", "good"]
    rebuild_steps.run(settings, Rebuild("r", DeliveryDays(DAY, DAY), reload=True))
    assert [row[0] for row in database.rows(TRADES)] == ["bad", "good"]


def test_a_decision_holds_for_as_long_as_the_statement_says_the_same(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    bad, other = line(id="y", price=99_999), line(id="z")
    reviews = "SELECT trade_id, price_eur_per_mwh, review FROM ops.quarantined_trades"
    reconcile(settings, write_statement(tmp_path, [bad]))
    decide(settings, "discard", "a typing error", Selection(trade_id="y"))
    # the same in another file, also after one that does not have it, and loaded again
    for lines in ([bad, other], [other], [other, bad]):
        reconcile(settings, write_statement(tmp_path, lines))
        rebuild_steps.run(settings, Rebuild("r", DeliveryDays(DAY, DAY), reload=True))
        assert [row[0] for row in database.rows(TRADES)] == ["z"]
        assert database.rows(reviews) == [("y", 99_999, "discard")]
    reconcile(settings, write_statement(tmp_path, [line(id="y", price=50), other]))
    assert [row[:3] for row in database.rows(TRADES)] == [("y", -1, 50), ("z", -1, Decimal("20.64"))]
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 2
    assert database.rows(reviews) == []
    reconcile(settings, write_statement(tmp_path, [line(id="y", price=88_888), other]))
    assert [row[0] for row in database.rows(TRADES)] == ["z"]
    assert database.rows(reviews) == [("y", 88_888, None)]


def test_an_hour_whose_statement_rows_wait_for_validation_is_incomplete(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    capture(settings, [deal(id="a")])
    build_pnl.run(settings)
    file = write_statement(tmp_path, [line(id="a"), line(id="b"), line(id="c", delivery_hour="17")])
    load_statement.run(settings, DAY, file)
    reconcile_trades.run(settings, [DAY])
    build_pnl.run(settings)
    waits = (
        "SELECT delivery_hour, substring(detail FOR 10) FROM ops.incomplete_periods"
        " WHERE reason = 'trades_not_validated' ORDER BY delivery_hour"
    )
    assert database.rows(waits) == [("15-16", "1 trade of"), ("17-18", "1 trade of")]
    assert database.rows("SELECT delivery_hour, trade_count FROM curated.pnl_hourly") == [("15-16", 1)]
    validate_trades.run(settings)
    build_pnl.run(settings)
    assert database.rows(waits) == []
    assert database.rows("SELECT delivery_hour, trade_count FROM curated.pnl_hourly ORDER BY 1") == [
        ("15-16", 2),
        ("17-18", 1),
    ]


def test_what_is_captured_late_is_added_no_more(settings: Settings, database: Database, tmp_path: Path) -> None:
    """Landing files of another host that are copied later: the trade keeps its trader."""
    reconcile(settings, write_statement(tmp_path, [line(id="a", trader_id=""), line(id="b", trader_id="")]))
    assert database.rows("SELECT DISTINCT trader_id FROM curated.pnl_hourly") == [("unassigned",)]
    capture(settings, [deal(id="a"), deal(id="b", price=1), cancellation(id="b")], "late")
    build_pnl.run(settings)
    assert [row[:2] for row in database.rows(TRADES)] == [("a", 0)]
    assert database.rows("SELECT trade_id, revision, trader_id FROM curated.cancelled_trades") == [
        ("b", -1, "flex_trader_4")
    ]
    assert database.rows("SELECT trader_id, trade_count FROM curated.pnl_hourly") == [("flex_trader_4", 1)]
    assert database.rows(COUNTS) == [("differences", 1, 0, 0, 0)]
    assert [row["trade_id"] for row in waiting(settings)] == ["b"]


def test_a_new_warehouse_takes_statements_from_the_landing_files(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    capture(settings, [deal(id="a")])
    reconcile(settings, write_statement(tmp_path, [line(id="a"), line(id="b")]))
    before = database.rows(PNL.format("trader_id, trade_count, sell_mwh, cash_flow_eur"))
    database.forget_everything()
    rebuild_steps.run(settings, Rebuild("r", DeliveryDays(DAY, DAY)))
    assert database.rows(PNL.format("trader_id, trade_count, sell_mwh, cash_flow_eur")) == before
    assert database.rows(COUNTS) == [("reconciled", 1, 1, 0, 0)]


def test_a_history_is_imported_and_resumed(
    settings: Settings, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [DAY + timedelta(days=number) for number in range(9)]
    files = []
    for day in days:
        row = line(id=f"t{day}", delivery_day=day, execution_time=f"{day}T10:00:00Z")
        files.append((day, write_statement(tmp_path, [row], day)))
    with monkeypatch.context() as patch:
        calls = iter(range(8))
        run = load_statement.run
        patch.setattr(load_statement, "run", lambda *a: run(*a) if next(calls) < 7 else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            import_statements.run(settings, files)
    assert database.value("SELECT count(*) FROM ops.reconciliations") == 7
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 7
    counts = import_statements.run(settings, files)
    assert (counts["files"], counts["line_count"], counts["days"], counts["missing"]) == (9, 4, 2, 2)
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 9
    assert import_statements.run(settings, files)["days"] == 0


def test_a_build_before_a_statement_is_validated_leaves_both_hours_to_the_next_one(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    """The statement has x in another hour than it was captured: the hour that it leaves is built again, too."""
    capture(settings, [deal(id="x"), deal(id="y", delivery_hour="17-18")])
    build_pnl.run(settings)
    file = write_statement(tmp_path, [line(delivery_hour="17"), line(id="y", delivery_hour="17")])
    load_statement.run(settings, DAY, file)
    reconcile_trades.run(settings, [DAY])
    build_pnl.run(settings)
    hours = PNL.format("delivery_hour, trade_count")
    assert database.rows(hours) == [("15-16", 1), ("17-18", 1)], "as before, until it is validated"
    validate_trades.run(settings)
    build_pnl.run(settings)
    assert database.rows(hours) == [("17-18", 2)]
