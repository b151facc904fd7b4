"""Copies of a trade: equal ones change nothing; of different ones the one received first counts."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, example, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from include.errors import TerminalError
from include.expectations import acceptance, review
from include.jobs import build_pnl, load_trades, validate_trades
from include.landing import TRADES, list_files, message_line
from include.load import audit
from include.load.loader import load_file
from include.load.trades import TradeSink
from include.run_scope import Window
from include.settings import Settings
from tests.factories import MARKET, Database
from tests.messages import RECEIVED_AT, deal, event, write_landing_file
from tools.fingerprint import fingerprint

_HOUR = timedelta(hours=1)
_WINDOW = RECEIVED_AT.replace(minute=0)

_OF_ONE = " WHERE trade_id = %s"
_PRICE = "SELECT price_eur_per_mwh::int FROM raw.trades"
_FILE = "SELECT landing_file, line_number FROM raw.trades JOIN ops.landing_files USING (landing_file_id)"
_COUNTS = "SELECT loaded_count, duplicate_count, rejected_count FROM ops.landing_files ORDER BY landing_file"


@pytest.fixture(autouse=True)
def _accounted_for(settings: Settings, database: Database) -> Iterator[None]:
    yield
    assert not [problem for file in audit.run(settings) for problem in file.problems]
    undecided = database.value(
        "SELECT count(*) FROM ops.load_batches WHERE state <> 'accepted' AND review IS NULL"
    )
    assert undecided or database.value("SELECT count(*) FROM staging.trade_copies") == 0


def line(seconds: float, **changes: Any) -> bytes:
    """A message that was received some seconds after RECEIVED_AT."""
    return message_line(RECEIVED_AT + timedelta(seconds=seconds), deal(**changes).encode())


def filler(name: str, seconds: float = 5) -> bytes:
    """Enough other trades that a reject or two do not block the batch; they are delivered in another hour."""
    return b"".join(
        line(seconds + n / 100, id=f"{name}{n}", delivery_hour="20-21", quantity=0.1) for n in range(60)
    )


def bad(seconds: float = 20) -> bytes:
    """Three trades that block their batch."""
    return b"".join(line(seconds + n, id=f"bad{n}", price=99_999) for n in range(3))


def write(settings: Settings, hour: int, content: bytes) -> None:
    """A landing file of that hour after RECEIVED_AT's."""
    write_landing_file(settings.landing_root, content, hour=_WINDOW + hour * _HOUR)


def load(settings: Settings, hour: int) -> None:
    """Loads what was received in that hour after RECEIVED_AT's, and validates it."""
    load_trades.run(settings, Window(_WINDOW + hour * _HOUR, _WINDOW + (hour + 1) * _HOUR))
    validate_trades.run(settings)


def load_blocked(settings: Settings, hour: int) -> int:
    """The same of a file that breaks a critical expectation; the number of its batch."""
    with pytest.raises(TerminalError, match="1 blocked"):
        load(settings, hour)
    return int(review.list_blocked(settings)[-1]["load_batch_id"])


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
    assert "hour=10/a.jsonl, line 1" in detail
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


@pytest.mark.parametrize("price", [20.64, 7])
def test_an_earlier_copy_in_a_blocked_batch_takes_nothing_away(
    settings: Settings, database: Database, price: float
) -> None:
    write(settings, 0, line(0, id="x", price=price) + bad())
    write(settings, 1, line(3600, id="x") + filler("f"))
    load(settings, 1)
    blocked = load_blocked(settings, 0)
    build_pnl.run(settings)
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 61
    assert database.rows(_FILE + _OF_ONE, ("x",))[0][0].endswith("hour=11/a.jsonl")
    review.accept_batch(settings, blocked, "they are right")
    build_pnl.run(settings)
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 64
    assert database.rows(_PRICE + _OF_ONE, ("x",)) == [(round(price),)] != [(20,)]


def test_an_earlier_copy_with_other_content_is_validated(settings: Settings, database: Database) -> None:
    write(settings, 0, line(0, price=99_999) + filler("f"))
    write(settings, 1, line(3600, price=2))
    load(settings, 1)
    with pytest.raises(TerminalError, match="within the exchange's bounds"):
        load(settings, 0)
    assert database.value(_PRICE + " WHERE delivery_hour = '15-16'") == 2


@pytest.mark.parametrize("delays", [(0.5, 0.0), (0.0, 0.5)])
def test_bad_data_that_both_instances_captured_counts_by_neither(
    settings: Settings, database: Database, delays: tuple[float, float]
) -> None:
    for name, delay in zip("ab", delays, strict=True):
        write_landing_file(settings.landing_root, bad(delay) + filler(name), name=name)
    load_trades.run(settings)
    with pytest.raises(TerminalError, match="2 blocked and 0 accepted"):
        validate_trades.run(settings)
    build_pnl.run(settings)
    assert database.value("SELECT count(*) FROM curated.trades") == 0


@pytest.mark.parametrize("price", [20.64, 7])
@pytest.mark.parametrize("seconds", [0, 2])
@pytest.mark.parametrize("is_blocked_before", [False, True])
def test_a_blocked_batch_hides_no_copy_in_another_batch(
    settings: Settings, database: Database, is_blocked_before: bool, seconds: int, price: float
) -> None:
    write_landing_file(settings.landing_root, line(1, id="x") + bad() + filler("a"), name="a")
    if is_blocked_before:
        load_blocked(settings, 0)
    write_landing_file(settings.landing_root, line(seconds, id="x", price=price) + filler("b"), name="b")
    if is_blocked_before:
        load(settings, 0)
    else:
        load_blocked(settings, 0)
    build_pnl.run(settings)
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 61
    assert database.rows("SELECT price_eur_per_mwh::int FROM curated.trades" + _OF_ONE, ("x",)) == [
        (round(price),)
    ]
    (blocked,) = review.list_blocked(settings)
    review.accept_batch(settings, blocked["load_batch_id"], "they are right")
    build_pnl.run(settings)
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 124
    counted_first = price if seconds == 0 else 20.64
    assert database.rows(_PRICE + _OF_ONE, ("x",)) == [(round(counted_first),)]


@pytest.mark.parametrize("decisions", [("discard", "accept"), ("accept", "discard"), ("accept", "accept")])
def test_a_copy_in_a_batch_that_is_reviewed_counts_by_the_one_that_is_accepted(
    settings: Settings, database: Database, decisions: tuple[str, str]
) -> None:
    for hour in (0, 1):
        write(settings, hour, line(hour, id="x") + line(9, id=f"bad{hour}", price=99_999))
    batches = [load_blocked(settings, hour) for hour in (0, 1)]
    assert database.value("SELECT count(*) FROM curated.trades") == 0
    for batch, decision in zip(batches, decisions, strict=True):
        if decision == "accept":
            review.accept_batch(settings, batch, "right")
        else:
            review.discard_batch(settings, batch, "wrong")
    build_pnl.run(settings)
    assert database.rows("SELECT trade_id FROM curated.trades ORDER BY 1") == [
        *((f"bad{hour}",) for hour in (0, 1) if decisions[hour] == "accept"),
        ("x",),
    ]
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 1 + decisions.count("accept")


def test_copies_in_a_discarded_batch_are_forgotten(settings: Settings, database: Database) -> None:
    write(settings, 0, line(0) + bad())
    write(settings, 1, line(3600))
    load(settings, 1)
    blocked = load_blocked(settings, 0)
    assert review.discard_batch(settings, blocked, "test data") == 3
    assert database.value("SELECT count(*) FROM staging.trade_copies") == 0
    assert database.value("SELECT count(*) FROM curated.trades") == 1
    assert database.rows(_COUNTS) == [(0, 1, 3), (1, 0, 0)]


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
        forget_everything(database)
    assert seen[0]["curated.pnl_hourly"][0] == 2
    assert seen[0]["raw.trades"][0] == 183
    assert [found for found in seen if found != seen[0]] == []


def forget_everything(database: Database) -> None:
    """Empties every table but the market's settings."""
    tables = database.value(
        "SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables"
        " WHERE schemaname IN ('raw', 'curated', 'ops', 'staging') AND tablename <> 'market'"
    )
    database.rows(f"TRUNCATE {tables}")


Copy = tuple[int, int, str, int]
"""File, second of receipt, trade and price."""

copies = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from("xy"), st.integers(1, 2)), max_size=10
)


@seed(20260302)
@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(copies, st.permutations(range(3)), st.lists(st.integers(0, 2), max_size=3))
@example([(2, 3, "x", 1), (0, 1, "x", 1), (1, 2, "x", 2)], [2, 0, 1], [0, 2, 1])
def test_loads_and_reloads_in_any_order_store_the_contents_received_first(
    settings: Settings, database: Database, sent: list[Copy], order: list[int], reloads: list[int]
) -> None:
    for file in list_files(settings.landing_root, TRADES):
        file.path.unlink()
    forget_everything(database)
    for name in range(3):
        content = b"".join(line(at, id=trade, price=price) for file, at, trade, price in sent if file == name)
        write_landing_file(settings.landing_root, event(0, "connected") + content, name=str(name))
    files = list_files(settings.landing_root, TRADES)
    with closing(psycopg2.connect(settings.warehouse_url)) as conn:
        for number, is_reload in [*((n, False) for n in order), *((n, True) for n in reloads)]:
            load_file(conn, files[number], TradeSink(MARKET), is_reload=is_reload)
            with conn, conn.cursor() as cur:
                cur.execute("SELECT load_batch_id FROM ops.load_batches WHERE state = 'loaded'")
                batches = [batch for (batch,) in cur]
                acceptance.accept(cur, settings, TRADES, batches, acceptance.QUERIES["accept_batches"])
    assert database.rows("SELECT trade_id, price_eur_per_mwh::int FROM raw.trades ORDER BY 1") == first(sent)
    assert not [problem for file in audit.run(settings) for problem in file.problems]


def first(sent: Sequence[Copy]) -> list[tuple[str, int]]:
    """Each trade with the price that was received first: by time, then by file, then by line."""
    found: dict[str, int] = {}
    for _, _, _, trade, price in sorted(
        (at, file, number, trade, price) for number, (file, at, trade, price) in enumerate(sent)
    ):
        found.setdefault(trade, price)
    return sorted(found.items())


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
