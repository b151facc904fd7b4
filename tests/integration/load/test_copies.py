"""Copies of a trade: equal ones change nothing; of different ones the one received first counts."""

import itertools
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg2
import pytest

from include.expectations.review import Action, Selection, decide
from include.jobs import build_pnl, load_trades, validate_trades
from include.landing import TRADES, list_files, message_line
from include.load import audit
from include.load.loader import reload_files
from include.load.trades import TradeSink
from include.run_scope import Window
from include.settings import Settings
from tests.factories import MARKET, Database
from tests.messages import RECEIVED_AT, deal, event, write_landing_file
from tests.passes import validate_landed
from tools.fingerprint import fingerprint

_HOUR = timedelta(hours=1)
_WINDOW = RECEIVED_AT.replace(minute=0)

_OF_ONE = " WHERE trade_id = %s"
_PRICE = "SELECT price_eur_per_mwh::int FROM raw.trades"
_COUNTS = "SELECT loaded_count, duplicate_count, rejected_count FROM ops.landing_files ORDER BY landing_file"


@pytest.fixture(autouse=True)
def _accounted_for(settings: Settings, database: Database) -> Iterator[None]:
    yield
    assert not [problem for file in audit.run(settings) for problem in file.problems]
    assert database.value("SELECT count(*) FROM staging.trade_copies") == 0


def line(seconds: float, **changes: Any) -> bytes:
    """A message that was received some seconds after RECEIVED_AT."""
    return message_line(RECEIVED_AT + timedelta(seconds=seconds), deal(**changes).encode())


def filler(name: str) -> bytes:
    """Other trades, delivered in another hour."""
    return b"".join(line(5 + n / 100, id=f"{name}{n}", delivery_hour="20-21", quantity=0.1) for n in range(60))


def write(settings: Settings, hour: int, content: bytes) -> None:
    """A landing file of that hour after RECEIVED_AT's, whose name is not UTF-8."""
    write_landing_file(settings.landing_root, content, "\udcff", hour=_WINDOW + hour * _HOUR)


def load(settings: Settings, hour: int) -> None:
    """Loads what was received in that hour after RECEIVED_AT's, and validates it."""
    validate_landed(settings, Window(_WINDOW + hour * _HOUR, _WINDOW + (hour + 1) * _HOUR))


def test_an_equal_copy_changes_nothing_whenever_it_was_received(settings: Settings, database: Database) -> None:
    write(settings, 0, line(0) + line(1))
    write(settings, 1, line(3600, price=20.640))
    load(settings, 1)
    stored = database.rows("SELECT *, xmin, ctid FROM raw.trades")
    load(settings, 0)
    assert database.rows("SELECT *, xmin, ctid FROM raw.trades") == stored
    assert database.rows(_COUNTS) == [(0, 2, 0), (1, 0, 0)]


def test_of_two_contents_the_one_received_first_counts(settings: Settings, database: Database) -> None:
    write(settings, 0, line(0, price=1, delivery_hour="16-17") + filler("f"))
    write(settings, 1, line(3600, price=2))
    load(settings, 1)
    build_pnl.run(settings)
    assert database.value(_PRICE + " WHERE delivery_hour <> '20-21'") == 2
    load(settings, 0)
    build_pnl.run(settings)
    assert database.value(_PRICE + " WHERE delivery_hour <> '20-21'") == 1
    assert database.rows(
        "SELECT delivery_hour, cash_flow_eur::text FROM curated.pnl_hourly WHERE delivery_hour <> '20-21'"
    ) == [("16-17", "1.2")]
    ((raw, detail),) = database.rows(
        "SELECT raw::json -> 'deal_confirmation' ->> 'price', detail FROM ops.rejected_messages"
    )
    assert raw == "2"
    assert r"hour=10/\xff.jsonl, line 1" in detail
    assert database.rows(_COUNTS) == [(61, 0, 0), (0, 0, 1)]


@pytest.mark.parametrize("content_was_received_first_by", ["an earlier hour", "the same file"])
def test_an_equal_copy_proves_when_a_content_was_received(
    settings: Settings, database: Database, content_was_received_first_by: str
) -> None:
    """The stored copy was received last, but an equal one, a mere duplicate, before the one that differs."""
    if content_was_received_first_by == "the same file":
        write(settings, 0, filler("a"))
        write(settings, 1, filler("b") + line(3602, id="x", price=2) + line(3601, id="x", price=1))
    else:
        write(settings, 0, filler("a") + line(1, id="x", price=1))
        write(settings, 1, filler("b") + line(3600, id="x", price=2))
    write(settings, 2, line(7200, id="x", price=1))
    for hour in (2, 0, 1):
        load(settings, hour)
    assert database.rows(_PRICE + _OF_ONE, ("x",)) == [(1,)]
    assert database.rows("SELECT reason_code FROM ops.rejected_messages") == [("conflicting_duplicate",)]


def test_a_file_that_is_gone_proves_nothing_and_stops_nothing(settings: Settings, database: Database) -> None:
    write(settings, 0, line(1, id="x", price=1))
    write(settings, 1, filler("b") + line(2, id="x", price=2))
    write(settings, 2, line(7200, id="x", price=1))
    for hour in (2, 0):
        load(settings, hour)
    (path,) = [file.path for file in list_files(settings.landing_root, TRADES) if "hour=10" in file.key]
    path.rename(path.with_suffix(".away"))
    load(settings, 1)
    path.with_suffix(".away").rename(path)
    assert database.rows(_PRICE + _OF_ONE, ("x",)) == [(2,)]


def test_an_earlier_copy_with_other_content_is_validated(settings: Settings, database: Database) -> None:
    write(settings, 0, line(0, price=99_999) + filler("f"))
    write(settings, 1, line(3600, price=2))
    load(settings, 1)
    build_pnl.run(settings)
    load(settings, 0)
    build_pnl.run(settings)
    assert database.value(_PRICE + " WHERE delivery_hour = '15-16'") == 99_999
    assert database.rows("SELECT price_eur_per_mwh::int, review FROM ops.quarantined_trades") == [
        (99_999, None)
    ]
    assert database.rows("SELECT sum(trade_count) FROM curated.pnl_hourly WHERE delivery_hour = '15-16'") == [
        (None,)
    ]


@pytest.mark.parametrize("action", ["accept", "discard"])
def test_a_decision_holds_when_the_copy_that_it_is_about_comes_back(
    settings: Settings, database: Database, action: Action
) -> None:
    """Two instances: the copy that counts is in the second file. All is loaded again, the first file first."""
    write_landing_file(settings.landing_root, line(1, price=20), "a")
    write_landing_file(settings.landing_root, line(0, price=12_345), "b")
    load(settings, 0)
    decide(settings, action, "seen", Selection(expectation="bounds"))
    reviews = "SELECT price_eur_per_mwh::int, review, review_reason FROM ops.quarantined_trades"
    assert database.rows(reviews) == [(12_345, action, "seen")]
    with closing(psycopg2.connect(settings.warehouse_url)) as conn:
        reload_files(conn, list_files(settings.landing_root, TRADES), TradeSink(MARKET))
    validate_trades.run(settings)
    assert database.rows(reviews) == [(12_345, action, "seen")]
    assert database.rows("SELECT price_eur_per_mwh::int FROM curated.trades") == (
        [(12_345,)] if action == "accept" else []
    )


@pytest.mark.parametrize("is_decided", [False, True])
def test_a_copy_that_is_replaced_leaves_the_quarantine_and_ends_its_decision(
    settings: Settings, database: Database, is_decided: bool
) -> None:
    write(settings, 0, line(0, price=2))
    write(settings, 1, line(3600, price=99_999))
    load(settings, 1)
    assert database.value("SELECT count(*) FROM ops.quarantined_trades") == 1
    if is_decided:
        decide(settings, "discard", "a typing error", Selection(expectation="bounds"))
    load(settings, 0)
    assert database.rows("SELECT price_eur_per_mwh::int FROM curated.trades") == [(2,)]
    assert database.rows("SELECT * FROM ops.quarantined_trades") == []


def test_any_order_of_files_gives_the_same_tables(settings: Settings, database: Database) -> None:
    """Three instances that met two contents of two trades in different order, in files that overlap in time."""
    contents = {
        "a": event(-1, "connected")
        + line(0, price=1)
        + line(2, price=2)
        + line(4, id="x", price=7)
        + event(9, "closed"),
        "b": event(-2, "connected")
        + line(1, price=2)
        + line(3, id="x", price=8)
        + event(30, "heartbeat", connected=True),
        "c": line(1, price=1) + line(1, price=1) + line(2, id="y") + line(2, id="x", price=7),
    }
    for hour, (name, content) in enumerate(contents.items()):
        write(settings, hour, content + filler(name))
    seen = []
    for order in itertools.permutations(range(3)):
        for hour in order:
            load(settings, hour)
            build_pnl.run(settings)
        seen.append(fingerprint(database))
        database.forget_everything()
    assert seen[0]["curated.pnl_hourly"][0] == 2
    assert seen[0]["raw.trades"][0] == 183
    assert [found for found in seen if found != seen[0]] == []


def test_loading_window_by_window_knows_the_same_gaps_as_loading_all(
    settings: Settings, database: Database
) -> None:
    write(settings, 0, event(0, "connected") + line(1) + event(20, "heartbeat", connected=True))
    write(settings, 1, event(3600, "connected") + line(3601, id="n") + event(3620, "closed"))
    gaps = "SELECT gap_start_at, gap_end_at < now() - interval '1 minute' FROM ops.capture_gaps ORDER BY 1"
    for hour in (1, 0):
        load(settings, hour)
        build_pnl.run(settings)
    by_window = database.rows(gaps), database.rows("SELECT capture_gap_seconds FROM curated.pnl_hourly")
    load_trades.run(settings)
    build_pnl.run(settings)
    assert (
        database.rows(gaps),
        database.rows("SELECT capture_gap_seconds FROM curated.pnl_hourly"),
    ) == by_window
    assert len(by_window[0]) == 3


def test_no_copy_of_what_counts_waits_for_a_review_whatever_was_loaded_first(
    settings: Settings, database: Database
) -> None:
    """Loaded between another content and the copy that was received first, it was a conflict at that time."""
    write(settings, 0, line(0, id="x", delivery_hour="17-18") + line(1, id="n", delivery_hour="17-18"))
    write(settings, 1, line(3600, id="x", price=5, delivery_hour="16-17") + line(3601, id="m"))
    write(settings, 2, line(7200, id="x", delivery_hour="17-18") + line(7201, id="l", delivery_hour="16-17"))
    seen = []
    for order in itertools.permutations(range(3)):
        for hour in order:
            load(settings, hour)
            build_pnl.run(settings)
        rejects = database.rows("SELECT line_number, delivery_hours, received_at FROM ops.rejected_messages")
        assert rejects == [(1, ["16-17"], RECEIVED_AT + _HOUR)], order
        assert database.rows(
            "SELECT delivery_hour, has_unreviewed_messages FROM curated.pnl_hourly ORDER BY 1"
        ) == [("15-16", False), ("16-17", True), ("17-18", False)]
        assert not [problem for file in audit.run(settings) for problem in file.problems]
        seen.append(fingerprint(database))
        database.forget_everything()
    assert [found for found in seen if found != seen[0]] == []
