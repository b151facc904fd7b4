"""The copy of a trade that was received first counts, in whatever order files are loaded."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from include.errors import TerminalError
from include.expectations import review
from include.jobs import build_pnl, load_trades, validate_trades
from include.landing import message_line
from include.load import audit
from include.run_scope import Window
from include.settings import Settings
from tests.database import Database
from tests.messages import RECEIVED_AT, deal, event, write_landing_file
from tools.fingerprint import fingerprint

_HOUR = timedelta(hours=1)
_WINDOW = RECEIVED_AT.replace(minute=0)

_PRICE = "SELECT price_eur_per_mwh::int FROM raw.trades"
_FILE = "SELECT landing_file, line_number FROM raw.trades JOIN ops.landing_files USING (landing_file_id)"


@pytest.fixture(autouse=True)
def _clean(settings: Settings) -> Iterator[None]:
    yield
    assert not [problem for file in audit.run(settings) for problem in file.problems]


def line(seconds: float, **changes: Any) -> bytes:
    """A message that was received some seconds after RECEIVED_AT."""
    return message_line(RECEIVED_AT + timedelta(seconds=seconds), deal(**changes).encode())


def filler(name: str, seconds: float = 5) -> bytes:
    """Enough other trades that a reject or two do not block the batch; they are delivered in another hour."""
    return b"".join(
        line(seconds + n / 100, id=f"{name}{n}", delivery_hour="20-21", quantity=0.1) for n in range(60)
    )


def load(settings: Settings, hour: int) -> None:
    """Loads and accepts what was received in that hour after RECEIVED_AT's."""
    load_trades.run(settings, Window(_WINDOW + hour * _HOUR, _WINDOW + (hour + 1) * _HOUR))
    validate_trades.run(settings)


def test_an_earlier_copy_that_is_loaded_later_takes_the_place(settings: Settings, database: Database) -> None:
    write_landing_file(settings.landing_root, line(0), hour=_WINDOW)
    write_landing_file(settings.landing_root, line(3600), hour=_WINDOW + _HOUR)
    load(settings, 1)
    late = database.rows(_FILE)
    load(settings, 0)
    assert database.rows(_FILE) == [("trades/date=2026-03-02/hour=10/a.jsonl", 1)] != late
    assert database.rows(
        "SELECT loaded_count, duplicate_count FROM ops.landing_files ORDER BY landing_file"
    ) == [
        (1, 0),
        (0, 1),
    ]
    assert database.value("SELECT count(*) FROM staging.earlier_copies") == 0


def test_of_two_contents_the_one_received_first_counts(settings: Settings, database: Database) -> None:
    write_landing_file(
        settings.landing_root, line(0, price=1, delivery_hour="16-17") + filler("f"), hour=_WINDOW
    )
    write_landing_file(settings.landing_root, line(3600, price=2), hour=_WINDOW + _HOUR)
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
    assert "hour=10/a.jsonl, line 1" in detail


def test_an_earlier_copy_of_a_blocked_batch_takes_nothing_away(settings: Settings, database: Database) -> None:
    bad = b"".join(line(n, id=f"bad{n}", price=99_999) for n in range(1, 4))
    write_landing_file(settings.landing_root, line(0) + bad, hour=_WINDOW)
    write_landing_file(settings.landing_root, line(3600), hour=_WINDOW + _HOUR)
    load(settings, 1)
    with pytest.raises(TerminalError, match="1 blocked"):
        load(settings, 0)
    build_pnl.run(settings)
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 1
    assert database.rows(_FILE + " WHERE trade_id NOT LIKE 'bad%'")[0][0].endswith("hour=11/a.jsonl")
    (blocked,) = review.list_blocked(settings)
    review.accept_batch(settings, blocked["load_batch_id"], "they are right")
    build_pnl.run(settings)
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 4
    assert database.rows(_FILE + " WHERE trade_id NOT LIKE 'bad%'")[0][0].endswith("hour=10/a.jsonl")


def test_an_earlier_copy_with_other_content_is_validated(settings: Settings, database: Database) -> None:
    write_landing_file(settings.landing_root, line(0, price=99_999) + filler("f"), hour=_WINDOW)
    write_landing_file(settings.landing_root, line(3600, price=2), hour=_WINDOW + _HOUR)
    load(settings, 1)
    with pytest.raises(TerminalError, match="within the exchange's bounds"):
        load(settings, 0)
    assert database.value(_PRICE + " WHERE delivery_hour = '15-16'") == 2


def test_bad_data_that_both_lines_captured_counts_by_neither(settings: Settings, database: Database) -> None:
    """The copy received first is loaded last: accepting its batch would bring in what blocks the other."""
    for name, delay in (("a", 0.5), ("b", 0.0)):
        bad = b"".join(line(n + delay, id=f"bad{n}", price=99_999) for n in range(3))
        write_landing_file(settings.landing_root, bad + filler(name), name=name)
    load_trades.run(settings)
    with pytest.raises(TerminalError, match="2 blocked and 0 accepted"):
        validate_trades.run(settings)
    build_pnl.run(settings)
    assert database.value("SELECT count(*) FROM curated.trades") == 0


def test_good_data_counts_by_the_line_that_is_not_blocked(settings: Settings, database: Database) -> None:
    bad = b"".join(line(20 + n, id=f"bad{n}", price=99_999) for n in range(3))
    write_landing_file(settings.landing_root, line(1) + bad, name="a")
    write_landing_file(settings.landing_root, line(0) + filler("b"), name="b")
    load_trades.run(settings)
    with pytest.raises(TerminalError, match="1 blocked and 1 accepted"):
        validate_trades.run(settings)
    assert database.value("SELECT count(*) FROM curated.trades") == 61


def test_earlier_copies_of_a_discarded_batch_are_forgotten(settings: Settings, database: Database) -> None:
    bad = b"".join(line(n, id=f"bad{n}", price=99_999) for n in range(1, 4))
    write_landing_file(settings.landing_root, line(0) + bad, hour=_WINDOW)
    write_landing_file(settings.landing_root, line(3600), hour=_WINDOW + _HOUR)
    load(settings, 1)
    with pytest.raises(TerminalError, match="1 blocked"):
        load(settings, 0)
    (blocked,) = review.list_blocked(settings)
    assert review.discard_batch(settings, blocked["load_batch_id"], "test data") == 3
    assert database.value("SELECT count(*) FROM staging.earlier_copies") == 0
    assert database.value("SELECT count(*) FROM curated.trades") == 1


def test_any_order_of_files_gives_the_same_tables(settings: Settings, database: Database) -> None:
    """Three lines that met two contents of two trades in different order, in files that overlap in time."""
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
    hours = {name: _WINDOW + number * _HOUR for number, name in enumerate(contents)}
    for name, content in contents.items():
        write_landing_file(settings.landing_root, content + filler(name), hour=hours[name])
    seen = []
    for order in itertools.permutations(range(3)):
        for hour in order:
            load(settings, hour)
            build_pnl.run(settings)
        seen.append(fingerprint(database))
        database.rows(
            "TRUNCATE raw.trades, raw.delivery_periods, curated.pnl_versions,"
            " ops.landing_files, ops.load_batches, ops.rejected_messages, ops.connected_intervals,"
            " ops.landing_scans"
        )
    assert seen[0]["curated.pnl_hourly"][0] == 2
    assert seen[0]["raw.trades"][0] == 183
    assert [found for found in seen if found != seen[0]] == []


def test_loading_window_by_window_knows_the_same_gaps_as_loading_all(
    settings: Settings, database: Database
) -> None:
    write_landing_file(
        settings.landing_root,
        event(0, "connected") + line(1) + event(20, "heartbeat", connected=True),
        hour=_WINDOW,
    )
    write_landing_file(
        settings.landing_root,
        event(3600, "connected") + line(3601, id="n") + event(3620, "closed"),
        hour=_WINDOW + _HOUR,
    )
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
