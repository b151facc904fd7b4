"""Landing files to raw.trades: exactly once, every line accounted for."""

import fcntl
import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from include.domain.delivery_period import Market
from include.errors import TerminalError
from include.jobs import load_trades, report_findings
from include.landing import TRADES, list_files, message_line
from include.load import audit
from include.load.loader import reload_files
from include.load.source import load_source
from include.load.trades import TradeSink
from include.run_scope import Window
from include.settings import Settings
from tests.factories import MARKET, Database
from tests.messages import RECEIVED_AT, deal, event, landed, write_landing_file
from tests.waiting import at_once


@pytest.fixture
def query(settings: Settings) -> Iterator[Any]:
    connection = psycopg2.connect(settings.warehouse_url, options="-c TimeZone=UTC")
    connection.autocommit = True
    with connection.cursor() as cursor:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

        yield rows
    connection.close()


def clean(settings: Settings) -> bool:
    return not any(file.problems for file in audit.run(settings))


def test_every_column_of_a_trade(settings: Settings, query: Any) -> None:
    write_landing_file(settings.landing_root, event(-1, "connected") + landed([deal()]))
    load_trades.run(settings)
    (row,) = query(
        "SELECT trade_id, trader_id, direction, price_eur_per_mwh::text, quantity_mw::text, delivery_day::text,"
        " delivery_hour, delivery_start_at::text, delivery_end_at::text, executed_at::text, received_at::text,"
        " line_number FROM raw.trades"
    )
    assert row == (
        "3624e95119f04b7bb054b2f91a980a83", "flex_trader_4", "sell", "20.64", "1.2", "2026-03-02",
        "15-16", "2026-03-02 14:00:00+00", "2026-03-02 15:00:00+00", "2026-03-02 10:13:43+00",
        "2026-03-02 10:15:00+00", 2,
    )  # fmt: skip
    assert query("SELECT delivery_hours FROM raw.delivery_periods") == [(1,)]


def test_each_kind_of_line_is_counted(settings: Settings, query: Any) -> None:
    messages = [
        deal(),
        deal("trade_confirmation", id="123"),
        deal(),
        deal(price=21),
        "{",
        b"\xff",
        deal(direction="hold"),
    ]
    write_landing_file(
        settings.landing_root,
        event(-1, "connected") + landed(messages) + b"no line of ours\n" + b'{"received_at": "torn',
    )
    summary = load_trades.run(settings)
    assert summary == {
        "files": 1, "failed_files": 0, "batches": 1, "line_count": 10, "loaded_count": 2, "duplicate_count": 1,
        "rejected_count": 6, "event_count": 1,
    }  # fmt: skip
    assert query("SELECT line_number, reason_code FROM ops.rejected_messages ORDER BY 1") == [
        (5, "conflicting_duplicate"),
        (6, "invalid_json"),
        (7, "not_text"),
        (8, "invalid_direction"),
        (9, "foreign_line"),
        (10, "torn_line"),
    ]
    assert query(
        "SELECT raw FROM ops.rejected_messages WHERE line_number IN (5, 6, 7) ORDER BY line_number"
    ) == [
        (deal(price=21),),
        ("{",),
        ("\\xff",),
    ]
    assert "line 2" in query("SELECT detail FROM ops.rejected_messages WHERE line_number = 5")[0][0]
    assert clean(settings)


def test_the_hours_that_only_rejects_tell_are_in_the_calendar(settings: Settings, database: Database) -> None:
    long_ago = deal(id="old", price="a lot", delivery_day="2001-02-03", delivery_hour="10-12")
    bad = [deal(id="bad", price="a lot", delivery_hour="18-19"), deal(price="a lot"), long_ago]
    write_landing_file(settings.landing_root, event(-1, "connected") + landed([deal(), *bad]))
    load_trades.run(settings)
    periods = "SELECT delivery_day::text, delivery_hour FROM raw.delivery_periods ORDER BY 1, 2"
    known = [("2001-02-03", "10-11"), ("2001-02-03", "11-12"), ("2026-03-02", "15-16"), ("2026-03-02", "18-19")]
    assert database.rows(periods) == known
    assert database.rows(
        "SELECT delivery_hour, delivery_start_at::text FROM ops.incomplete_periods"
        " WHERE reason = 'messages_rejected' ORDER BY delivery_start_at"
    ) == [
        ("10-11", "2001-02-03 09:00:00+00"),
        ("11-12", "2001-02-03 10:00:00+00"),
        ("15-16", "2026-03-02 14:00:00+00"),
        ("18-19", "2026-03-02 17:00:00+00"),
    ]
    assert database.rows("SELECT delivery_hour FROM staging.pnl_hours") == [("15-16",)]
    first_gap = database.value("SELECT min(gap_start_at)::text FROM ops.capture_gaps")
    assert first_gap == "2026-03-01 14:00:00+00", "a day that only a reject tells was not missed"

    assert reload_files(database.connection, list_files(settings.landing_root, TRADES), TradeSink(MARKET))
    assert database.rows(periods) == known


def test_loading_twice_is_loading_once(settings: Settings, query: Any) -> None:
    write_landing_file(settings.landing_root, landed([deal()]))
    load_trades.run(settings)
    assert load_trades.run(settings)["line_count"] == 0
    assert query("SELECT count(*) FROM raw.trades") == [(1,)]
    assert query("SELECT count(*) FROM ops.load_batches") == [(1,)]


def test_goes_on_where_it_stopped(settings: Settings, query: Any) -> None:
    path = write_landing_file(settings.landing_root, landed([deal(id="1")]))
    with path.open("ab") as file:  # a living writer
        fcntl.flock(file, fcntl.LOCK_EX)
        load_trades.run(settings)
        file.write(landed([deal(id="2")])[:50])
        file.flush()
        assert load_trades.run(settings)["line_count"] == 0, "half a line of a living writer waits"
        file.write(landed([deal(id="2")])[50:])
        file.flush()
        assert load_trades.run(settings)["line_count"] == 1
    assert query("SELECT trade_id, line_number FROM raw.trades ORDER BY 1") == [("1", 1), ("2", 2)]
    load_trades.run(settings)
    assert query("SELECT is_complete FROM ops.landing_files") == [(True,)]
    assert clean(settings)


def test_the_second_line_brings_duplicates(settings: Settings, query: Any) -> None:
    content = landed([deal(id=str(n)) for n in range(50)])
    write_landing_file(settings.landing_root, content, "a")
    write_landing_file(settings.landing_root, content + landed([deal(id="50")]), "b")
    load_trades.run(settings)
    assert query("SELECT landing_file, loaded_count, duplicate_count FROM ops.landing_files ORDER BY 1") == [
        ("trades/date=2026-03-02/hour=10/a.jsonl", 50, 0),
        ("trades/date=2026-03-02/hour=10/b.jsonl", 1, 50),
    ]
    assert clean(settings)


def test_odd_ids_are_found_again(settings: Settings, query: Any) -> None:
    odd = [
        '"', "\\", "{}", "a,b", "NULL", "\\N", "a\nb", "%s", "%(x)s", "'", "a\tb", "✓", "🙂", "a b", '\\"',
    ]  # fmt: skip
    messages = landed([deal(id=text) for text in odd])
    write_landing_file(settings.landing_root, messages, "a")
    write_landing_file(settings.landing_root, messages, "b")
    assert load_trades.run(settings)["loaded_count"] == len(odd)
    assert query("SELECT sum(duplicate_count), sum(rejected_count) FROM ops.landing_files") == [(len(odd), 0)]
    assert {row[0] for row in query("SELECT trade_id FROM raw.trades")} == set(odd)


def test_equal_content_under_two_ids_is_two_trades(settings: Settings, query: Any) -> None:
    write_landing_file(settings.landing_root, landed([deal(id="1"), deal(id="2")]))
    load_trades.run(settings)
    assert query("SELECT count(*) FROM raw.trades") == [(2,)]


def test_a_number_written_otherwise_is_no_conflict(settings: Settings, query: Any) -> None:
    write_landing_file(settings.landing_root, landed([deal(), deal().replace("20.64", "20.640")]))
    load_trades.run(settings)
    assert query("SELECT loaded_count, duplicate_count FROM ops.landing_files") == [(1, 1)]


def test_a_window_takes_the_files_of_its_hours(settings: Settings, query: Any) -> None:
    for hours in range(3):
        at = RECEIVED_AT + timedelta(hours=hours)
        write_landing_file(settings.landing_root, landed([deal(id=f"h{hours}")], at), hour=at)
    start = RECEIVED_AT.replace(minute=0) + timedelta(hours=1)
    load_trades.run(settings, Window(start, start + timedelta(hours=1)))
    assert query("SELECT trade_id FROM raw.trades") == [("h1",)]


def test_two_loaders_at_once(settings: Settings, query: Any) -> None:
    content = landed([deal(id=str(n)) for n in range(3000)])
    for name in "abcd":
        write_landing_file(settings.landing_root, content, name)
    at_once(lambda: load_trades.run(settings))
    assert query("SELECT count(*) FROM raw.trades") == [(3000,)]
    assert query("SELECT sum(line_count), sum(duplicate_count) FROM ops.landing_files") == [(12000, 9000)]
    assert query("SELECT count(*) FROM ops.load_batches") == [(4,)]
    assert clean(settings)


def test_a_delivery_period_that_is_stored_is_not_waited_for(settings: Settings, query: Any) -> None:
    """A reload of several files writes them in the order of the files: it could deadlock with a load."""
    write_landing_file(settings.landing_root, landed([deal(id="a")]), "a")
    load_trades.run(settings)
    write_landing_file(settings.landing_root, landed([deal(id="b")]), "b")
    query("SET idle_in_transaction_session_timeout = '10s'")
    query("BEGIN")
    assert query("SELECT count(*) FROM (SELECT FROM raw.delivery_periods FOR UPDATE) AS locked") == [(1,)]
    assert load_trades.run(settings)["loaded_count"] == 1
    query("COMMIT")  # fails if the load waited until this transaction was ended


def test_a_file_that_grows_all_the_time_holds_nobody(settings: Settings, query: Any) -> None:
    path = write_landing_file(settings.landing_root, landed([deal(id="0")]))
    numbers = itertools.count(1)

    class Growing(TradeSink):
        def write(self, cur: Any, rows: dict[str, str], repeated: list[str]) -> int:
            write_landing_file(settings.landing_root, landed([deal(id=str(next(numbers)))]))
            return super().write(cur, rows, repeated)

    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        summary = load_source(settings, Growing(Market.of("Europe/Berlin")))
    assert summary["batches"] == 1
    load_trades.run(settings)
    assert query("SELECT count(*) FROM raw.trades") == [(2,)]


def test_a_file_that_is_being_copied_is_loaded_to_its_end(settings: Settings, query: Any) -> None:
    """No lock of a writer says that the rest is still to come."""
    content = landed([deal(id=f"t{number}") for number in range(10)])
    half = len(content) // 2 + 7
    write_landing_file(settings.landing_root, content[:half])
    load_trades.run(settings)
    write_landing_file(settings.landing_root, content[half:])
    found = load_trades.run(settings)
    assert (found["files"], found["loaded_count"], found["rejected_count"]) == (1, 10, 0)
    assert query("SELECT count(*) FROM raw.trades") == [(10,)]
    assert query("SELECT loaded_bytes, line_count, rejected_count, is_complete FROM ops.landing_files") == [
        (len(content), 10, 0, True)
    ]
    assert load_trades.run(settings)["files"] == 0
    assert clean(settings)


def test_a_file_that_shrank_is_an_error_with_a_name(settings: Settings) -> None:
    path = write_landing_file(settings.landing_root, landed([deal()]) + b"torn")
    load_trades.run(settings)
    path.write_bytes(b"")
    # a complete file is not opened again; the audit is what finds it
    assert load_trades.run(settings)["line_count"] == 0
    assert not clean(settings)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _reopen(settings)
        write_landing_file(settings.landing_root, landed([deal(id="other")]), "z")
        summary = load_trades.run(settings)
        assert (summary["failed_files"], summary["loaded_count"]) == (1, 1)
        with pytest.raises(TerminalError, match=r"a\.jsonl is not loaded from line 3 on: .* has 0 bytes"):
            report_findings.run(settings)
        path.write_bytes(landed([deal()]) + b"torn" + landed([deal(id="restored")]))
        assert load_trades.run(settings)["loaded_count"] == 1
        assert report_findings.run(settings) == {"files_not_loaded": 0}


def _reopen(settings: Settings) -> None:
    connection = psycopg2.connect(settings.warehouse_url)
    with connection, connection.cursor() as cursor:
        cursor.execute("UPDATE ops.landing_files SET is_complete = false")
    connection.close()


def test_a_huge_message_is_kept_and_cut_only_beside_its_reason(settings: Settings, query: Any) -> None:
    write_landing_file(settings.landing_root, landed(["x" * 5_000_000, deal()]))
    load_trades.run(settings)
    assert query("SELECT length(raw) FROM ops.rejected_messages") == [(10_000,)]
    assert query("SELECT count(*) FROM raw.trades") == [(1,)]


def test_gaps_between_connections(settings: Settings, query: Any) -> None:
    journal = [
        event(0, "connected"), event(10, "heartbeat", connected=True), event(20, "disconnected"),
        event(50, "connected"), event(60, "heartbeat", connected=True), event(65, "closed", connected=False),
    ]  # fmt: skip
    write_landing_file(settings.landing_root, b"".join(journal[:3]))
    load_trades.run(settings)
    write_landing_file(settings.landing_root, b"".join(journal[3:]), "b")
    write_landing_file(
        settings.landing_root, event(15, "connected") + event(30, "heartbeat", connected=True), "c"
    )
    load_trades.run(settings)
    gaps = query("SELECT gap_start_at::text, gap_seconds FROM ops.capture_gaps WHERE NOT is_ongoing")
    assert gaps == [("2026-03-02 10:15:30+00", 20)]


@profile(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.text(max_size=40).map(str.encode),
            st.builds(
                lambda field, value: deal(**{field: value}).encode(),
                st.sampled_from(["id", "price", "trader_id", "delivery_hour", "execution_time"]),
                st.one_of(st.text(max_size=10), st.floats(), st.none(), st.integers()),
            ),
        ),
        max_size=30,
    )
)
def test_nothing_that_arrives_stops_a_load(settings: Settings, payloads: list[bytes]) -> None:
    lines = b"".join(message_line(RECEIVED_AT, payload) for payload in payloads)
    write_landing_file(settings.landing_root, lines, "fuzz")
    _reopen(settings)
    assert load_trades.run(settings)["line_count"] == len(payloads)
    assert clean(settings)


def test_no_landing_root_is_nothing_to_do(settings: Settings) -> None:
    assert not Path(settings.landing_root).exists()
    assert load_trades.run(settings)["files"] == 0
