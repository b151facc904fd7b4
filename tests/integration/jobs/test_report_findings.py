"""What turns a run of an hour of receipt red once its PnL is published, and what does not."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from include.errors import TerminalError
from include.expectations.review import Selection, decide
from include.jobs import build_pnl, report_findings
from include.run_scope import Window
from include.settings import Settings
from tests.factories import Database
from tests.messages import RECEIVED_AT, deal, landed, write_landing_file
from tests.passes import take_in

HOUR = datetime(2026, 3, 2, 10, tzinfo=UTC)
WINDOW = Window(HOUR, HOUR + timedelta(hours=1))
FOLDER = "trades/date=2026-03-02/hour=10"
GREEN = {"files_not_loaded": 0}
PNL = "SELECT trade_count, has_unreviewed_messages FROM curated.pnl_hourly"
LINES = itertools.count(1)


def rejects(database: Database, batch: int, reason: str, count: int) -> None:
    file_id = database.value("SELECT landing_file_id FROM ops.load_batches WHERE load_batch_id = %s", (batch,))
    for _ in range(count):
        database.insert(
            "ops.rejected_messages",
            landing_file_id=file_id,
            load_batch_id=batch,
            line_number=next(LINES),
            reason_code=reason,
        )


def loaded(
    database: Database, name: str, loaded: int = 0, duplicate: int = 0, rejected: int = 0, torn: int = 0
) -> None:
    """What the ledger and the rejects say of a file of HOUR."""
    batch = database.batch(name=name, hour_start_at=HOUR)
    rejects(database, batch, "invalid_json", rejected)
    rejects(database, batch, "torn_line", torn)
    database.rows(
        "UPDATE ops.landing_files SET loaded_count = %s, duplicate_count = %s, rejected_count = %s,"
        " event_count = 1000, line_count = 1000 + %s WHERE landing_file = %s",
        (loaded, duplicate, rejected + torn, loaded + duplicate + rejected + torn, f"trades/{name}"),
    )


@pytest.mark.parametrize(
    ("counts", "is_red"),
    [
        ({"loaded": 1, "rejected": 11, "duplicate": 208}, False),  # 11 of 220: 5 %
        ({"loaded": 1, "rejected": 11, "duplicate": 207}, True),
        ({"loaded": 1, "rejected": 10, "duplicate": 189, "torn": 7}, False),  # 10 of 200: a torn line is none
        ({"loaded": 1, "rejected": 10, "duplicate": 188, "torn": 7}, True),
        ({"rejected": 10}, True),
        ({"rejected": 9}, False),
        ({"torn": 99}, False),
    ],
)
def test_many_rejects_that_are_a_large_share_turn_an_hour_red_but_a_few_do_not(
    settings: Settings, database: Database, counts: dict[str, int], is_red: bool
) -> None:
    loaded(database, "a", **counts)
    if is_red:
        messages = sum(counts.values()) - counts.get("torn", 0)
        with pytest.raises(TerminalError) as raised:
            report_findings.run(settings, WINDOW)
        assert f"{counts['rejected']} rejects of {messages} messages (invalid_json)" in str(raised.value)
        assert "from 2026-03-02 10:00 UTC on" in str(raised.value)
        assert f"`make review` lists them; ACTION=… REASON=… FILE={FOLDER}/ decides" in str(raised.value)
    else:
        assert report_findings.run(settings, WINDOW) == GREEN
    assert report_findings.run(settings) == GREEN, "without a window only files that cannot be loaded"


def test_all_instances_and_all_portions_of_an_hour_count_together(
    settings: Settings, database: Database
) -> None:
    loaded(database, "a", loaded=50, rejected=6)
    assert report_findings.run(settings, WINDOW) == GREEN
    loaded(database, "b", loaded=50, rejected=6)
    with pytest.raises(TerminalError, match="12 rejects of 112 messages"):
        report_findings.run(settings, WINDOW)
    loaded(database, "c", loaded=128)
    assert report_findings.run(settings, WINDOW) == GREEN  # 12 of 240


def test_a_window_of_several_hours_is_judged_hour_by_hour(settings: Settings, database: Database) -> None:
    loaded(database, "a", loaded=1000, rejected=6)
    other = database.batch(name="b", hour_start_at=HOUR + timedelta(hours=1))
    rejects(database, other, "unknown_message", 9)
    day = Window(HOUR, HOUR + timedelta(hours=14))
    assert report_findings.run(settings, day) == GREEN
    rejects(database, other, "not_text", 1)
    database.rows(
        "UPDATE ops.landing_files SET rejected_count = 10, line_count = 10 WHERE landing_file = 'trades/b'"
    )
    with pytest.raises(TerminalError) as raised:
        report_findings.run(settings, day)
    found = "from 2026-03-02 11:00 UTC on, these wait for a review: 10 rejects of 10 messages (not_text, unkn"
    assert found in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    assert report_findings.run(settings, WINDOW) == GREEN


def test_rejected_replies_of_the_provider_are_not_for_review(settings: Settings, database: Database) -> None:
    batch = database.batch("reference_prices", hour_start_at=HOUR)
    rejects(database, batch, "invalid_price", 20)
    database.rows("UPDATE ops.rejected_messages SET source = 'reference_prices'")
    assert report_findings.run(settings, WINDOW) == GREEN


def test_an_hour_is_red_until_its_quarantined_trades_are_reviewed(
    settings: Settings, database: Database
) -> None:
    bad = [deal(id=f"bad{n:02}", price=99_999) for n in range(12)]
    write_landing_file(settings.landing_root, landed([deal(id="g"), *bad, deal(id="n", quantity=-1), "x"]))
    next_hour = RECEIVED_AT + timedelta(hours=1)
    write_landing_file(settings.landing_root, landed([deal(id="later")], next_hour), hour=next_hour)
    take_in(settings)
    assert database.rows(PNL) == [(2, True)], "published"
    assert report_findings.run(settings, Window(WINDOW.end_at, WINDOW.end_at + timedelta(hours=1))) == GREEN
    with pytest.raises(TerminalError) as raised:
        report_findings.run(settings, WINDOW)
    ids = ", ".join(f"bad{n:02}" for n in range(10))
    assert str(raised.value) == (
        "received from 2026-03-02 10:00 UTC on, these wait for a review: 13 trades in quarantine"
        f" ({ids} and 3 more; expected: each price is within the exchange's bounds, -9,999.99 to"
        " 9,999.99 EUR/MWh; each quantity is above 0 MW) and 1 reject of 15 messages (invalid_json). All others"
        f" are in PnL. `make review` lists them; ACTION=… REASON=… FILE={FOLDER}/ decides"
    )
    decide(settings, "accept", "the exchange confirmed them", Selection(landing_file=f"{FOLDER}/"))
    assert report_findings.run(settings, WINDOW) == GREEN, "one reject is few"
    build_pnl.run(settings)
    assert database.rows(PNL) == [(15, True)]
    decide(settings, "discard", "a test of the exchange", Selection(landing_file=f"{FOLDER}/"))
    build_pnl.run(settings)
    assert database.rows(PNL) == [(15, False)]


def test_files_that_cannot_be_loaded_are_named_with_the_messages(
    settings: Settings, database: Database
) -> None:
    loaded(database, "a", rejected=10)
    database.rows("UPDATE ops.landing_files SET load_error = 'the disk is damaged'")
    with pytest.raises(TerminalError) as raised:
        report_findings.run(settings, WINDOW)
    first, second = str(raised.value).splitlines()
    assert first == "trades/a is not loaded from line 1011 on: the disk is damaged"
    assert "10 rejects" in second
    with pytest.raises(TerminalError, match="the disk is damaged"):
        report_findings.run(settings)
