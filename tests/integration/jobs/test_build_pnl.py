"""SQL PnL against the executable specification, and the swap that publishes it."""

import threading
import time
from contextlib import closing
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from include.domain.pnl import Fill, Pnl, compute_pnl
from include.errors import TerminalError
from include.jobs import build_pnl, load_trades
from include.landing import event_line
from include.run_scope import Window
from include.settings import Settings
from include.warehouse.queries import run_sql
from tests.factories import Database
from tests.messages import write_landing_file
from tests.waiting import at_once

DAY = date(2026, 3, 2)
LATE = datetime(2026, 3, 3, tzinfo=UTC)

_price = st.decimals(-9999, 9999, places=2)
_quantity = st.decimals("0.1", 500, places=1)
_trades = st.lists(
    st.tuples(
        st.sampled_from(["10-11", "11-12", "10:15-10:30"]),
        st.sampled_from(["t1", "t2"]),
        st.sampled_from(["buy", "sell"]),
        _quantity,
        _price,
    ),
    min_size=1,
    max_size=12,
)


@profile(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(trades=_trades, reference=st.one_of(st.none(), st.decimals(-500, 3000, places=4)))
def test_sql_equals_the_specification(
    settings: Settings,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    trades: list[Any],
    reference: Decimal | None,
) -> None:
    monkeypatch.setattr(build_pnl, "_check", lambda _settings, _build: None)  # validation has its own tests
    database.rows("TRUNCATE raw.trades, raw.reference_prices, curated.pnl_versions")
    batch = database.batch()
    expected: dict[tuple[str, str], list[Fill]] = {}
    for label, trader, direction, quantity, price in trades:
        database.trade(batch, DAY, label, trader, direction, quantity, price)
        (share,) = database.period(DAY, label).shares
        fill = Fill(direction, quantity * share.hours, price)
        expected.setdefault((share.pnl_hour, trader), []).append(fill)
    for label in {label for label, _ in expected}:
        database.price(batch, DAY, label, reference, LATE)
    database.pending()
    build_pnl.run(settings)
    names = [field.name for field in fields(Pnl)]
    rows = database.rows(f"SELECT delivery_hour, trader_id, {', '.join(names)} FROM curated.pnl_hourly")
    assert {(row[0], row[1]): Pnl(*row[2:]) for row in rows} == {
        key: compute_pnl(fills, reference) for key, fills in expected.items()
    }
    unequal = "SELECT count(*) FROM curated.pnl_hourly WHERE realised_pnl_eur + unrealised_pnl_eur <> pnl_eur"
    assert database.value(unequal) == 0
    portfolio = database.rows(f"SELECT delivery_hour, {', '.join(names)} FROM curated.portfolio_pnl_hourly")
    assert {row[0]: Pnl(*row[1:]) for row in portfolio} == {
        label: compute_pnl(
            [f for (hour, _), fills in expected.items() if hour == label for f in fills], reference
        )
        for label, _ in expected
    }


def test_a_rebuild_that_changes_nothing_writes_nothing(settings: Settings, database: Database) -> None:
    database.trade(database.batch(), DAY, "10-11")
    database.pending()
    assert build_pnl.run(settings) == {"delivery_periods": 1, "rows_built": 1, "rows_changed": 1}
    before = database.rows("SELECT *, xmin FROM curated.pnl_versions")
    database.pending()
    assert build_pnl.run(settings) == {"delivery_periods": 1, "rows_built": 1, "rows_changed": 0}
    assert database.rows("SELECT *, xmin FROM curated.pnl_versions") == before
    assert database.value("SELECT count(*) FROM curated.pnl_hourly_history") == 1
    assert build_pnl.run(settings)["delivery_periods"] == 0


def test_history_keeps_every_version(settings: Settings, database: Database) -> None:
    batch = database.batch()
    snapshots = []
    for quantity in (1, 2, 3):
        database.trade(batch, DAY, "10-11", quantity=Decimal(quantity))
        database.pending()
        build_pnl.run(settings)
        moment = database.value("SELECT clock_timestamp()")
        snapshots.append((moment, database.rows("SELECT * FROM curated.pnl_hourly")))
    for moment, rows in snapshots:
        assert database.rows("SELECT * FROM curated.pnl_hourly_as_of(%s)", (moment,)) == rows
    assert database.rows("SELECT * FROM curated.pnl_hourly_as_of(%s)", (LATE - timedelta(days=900),)) == []


def test_a_row_without_trades_goes_and_stays_in_the_history(settings: Settings, database: Database) -> None:
    batch = database.batch()
    trade = database.trade(batch, DAY, "10-11")
    database.pending()
    build_pnl.run(settings)
    database.pending()
    database.insert("raw.trade_cancellations", trade_id=trade, **database.line(batch))
    assert build_pnl.run(settings)["rows_changed"] == 1
    assert database.value("SELECT count(*) FROM curated.pnl_hourly") == 0
    assert database.value("SELECT count(*) FROM curated.pnl_hourly_history WHERE valid_to IS NOT NULL") == 1
    assert database.rows("SELECT causes FROM curated.pnl_hourly_changes ORDER BY changed_at") == [
        (["new row"],), (["row removed", "cancellation"],),
    ]  # fmt: skip


def test_only_periods_that_changed_are_built(settings: Settings, database: Database) -> None:
    batch = database.batch()
    database.trade(batch, DAY, "10-11")
    database.trade(batch, DAY, "11-12")
    database.pending([(DAY, "10-11")])
    assert build_pnl.run(settings)["delivery_periods"] == 1
    assert database.rows("SELECT delivery_hour FROM curated.pnl_hourly") == [("10-11",)]


def test_a_window_rebuilds_what_it_touches(settings: Settings, database: Database) -> None:
    batch = database.batch()
    database.trade(batch, DAY, "10-11")
    database.trade(batch, DAY, "12-13")
    start = database.period(DAY, "12-13").start_at
    build_pnl.run(settings, Window(start, start + timedelta(hours=1)))
    assert database.rows("SELECT delivery_hour FROM curated.pnl_hourly") == [("12-13",)]


def test_a_failed_check_leaves_curated_as_it_was(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = database.batch()
    database.trade(batch, DAY, "10-11")
    database.pending()
    build_pnl.run(settings)
    before = database.rows("SELECT * FROM curated.pnl_hourly")
    database.trade(batch, DAY, "10-11", price=60)
    database.pending()

    def refuse(_settings: Settings, _build: build_pnl.Build) -> None:
        raise TerminalError("energy differs")

    with monkeypatch.context() as patched:
        patched.setattr(build_pnl, "_check", refuse)
        with pytest.raises(TerminalError):
            build_pnl.run(settings)
    assert database.rows("SELECT * FROM curated.pnl_hourly") == before
    assert build_pnl.run(settings)["rows_changed"] == 1, "the change is still pending"
    assert database.value("SELECT count(*) FROM staging.pnl_hourly") == 0


def test_a_change_that_comes_during_a_build_is_built_next(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = database.batch()
    database.trade(batch, DAY, "10-11")
    database.pending()

    def meanwhile(_settings: Settings, _build: build_pnl.Build) -> None:
        database.trade(batch, DAY, "10-11", price=60)
        database.pending()

    with monkeypatch.context() as patched:
        patched.setattr(build_pnl, "_check", meanwhile)
        build_pnl.run(settings)
    assert database.value("SELECT trade_count FROM curated.pnl_hourly") == 1
    build_pnl.run(settings)
    assert database.value("SELECT trade_count FROM curated.pnl_hourly") == 2


def test_builds_at_once(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_pnl, "_check", lambda _settings, _build: None)
    batch = database.batch()
    days = [DAY + timedelta(days=n) for n in range(5)]
    for day in days:
        database.trade(batch, day, "10-11")
    for _ in range(3):
        database.pending()
        at_once(lambda: build_pnl.run(settings))
    assert database.value("SELECT count(*) FROM curated.pnl_hourly") == 5
    assert database.value("SELECT count(*) FROM curated.pnl_hourly_history") == 5
    assert database.value("SELECT count(*) FROM ops.pending_delivery_periods") == 0


@pytest.mark.parametrize(
    ("spans", "gap"), [(((-3600, 100), (160, 200), (190, 90_000)), 60), (((-3600, 2 * 86_400),), 0)]
)
def test_a_gap_while_tradable_is_shown(
    settings: Settings, database: Database, spans: tuple[tuple[int, int], ...], gap: int
) -> None:
    database.trade(database.batch(), DAY, "10-11")
    opens = database.period(DAY, "10-11").tradable_from
    for start, end in spans:
        database.connected(1, (opens + timedelta(seconds=start), opens + timedelta(seconds=end)))
    database.pending()
    build_pnl.run(settings)
    assert database.rows("SELECT capture_gap_seconds, is_complete FROM curated.pnl_hourly") == [(gap, not gap)]


def test_a_gap_that_closes_during_a_build_is_built_next(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.trade(database.batch(), DAY, "10-11")
    opens = database.period(DAY, "10-11").tradable_from
    for start, end in ((0, 100), (160, 90_000)):
        database.connected(1, (opens + timedelta(seconds=start), opens + timedelta(seconds=end)))
    second_line = b"".join(
        event_line(opens + timedelta(seconds=at), "heartbeat", connected=True) for at in (95, 120, 145, 170)
    )
    write_landing_file(settings.landing_root, second_line, "second", opens)
    database.pending()
    load = threading.Thread(target=load_trades.run, args=(settings,))
    waiting = (
        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'load_trades' AND wait_event_type = 'Lock'"
    )

    def meanwhile(_settings: Settings, _build: build_pnl.Build) -> None:
        load.start()
        while load.is_alive() and not database.rows(waiting):
            load.join(0.01)

    with monkeypatch.context() as patched:
        patched.setattr(build_pnl, "_check", meanwhile)
        build_pnl.run(settings)
    load.join()
    build_pnl.run(settings)
    assert database.rows("SELECT capture_gap_seconds, is_complete FROM curated.pnl_hourly") == [(0, True)]


def test_as_of_says_what_readers_saw_but_for_the_transaction_that_published(
    settings: Settings, database: Database, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, seen, is_over = database.batch(), list[Any](), threading.Event()

    def read() -> None:
        with closing(psycopg2.connect(warehouse_url)) as conn, conn.cursor() as cur:
            while not is_over.wait(0.005):
                with conn:
                    cur.execute(
                        "SELECT clock_timestamp(), coalesce(sum(trade_count), 0) FROM curated.pnl_hourly"
                    )
                    seen.append(cur.fetchone())

    def slow(cur: Any, statement: str, parameters: Any = None) -> int:
        count = run_sql(cur, statement, parameters)
        if statement == build_pnl.QUERIES["publish_versions"]:
            time.sleep(0.1)
        return count

    monkeypatch.setattr(build_pnl, "run_sql", slow)
    reader = threading.Thread(target=read)
    reader.start()
    committed = []
    for quantity in (1, 2, 3):
        database.trade(batch, DAY, "10-11", quantity=Decimal(quantity))
        database.pending()
        build_pnl.run(settings)
        committed.append(database.value("SELECT clock_timestamp()"))
    while seen[-1][1] < 3:
        time.sleep(0.01)
    is_over.set()
    reader.join()
    versions = [
        at for (at,) in database.rows("SELECT valid_from FROM curated.pnl_versions ORDER BY valid_from")
    ]
    assert (len(versions), {count for _, count in seen}) == (3, {0, 1, 2, 3})
    as_of = "SELECT coalesce(sum(trade_count), 0) FROM curated.pnl_hourly_as_of(%s)"
    wrong = [at for at, count in seen if database.value(as_of, (at,)) != count]
    published = list(zip(versions, committed, strict=True))
    assert [at for at in wrong if not any(start <= at <= end for start, end in published)] == []


def test_versions_follow_each_other_even_if_the_clock_is_set_back(
    settings: Settings, database: Database
) -> None:
    batch = database.batch()
    database.trade(batch, DAY, "10-11")
    database.pending()
    build_pnl.run(settings)
    ahead = (datetime.now(UTC) + timedelta(seconds=1),)
    database.rows("UPDATE curated.pnl_versions SET valid_from = %s", ahead)
    database.trade(batch, DAY, "10-11")
    database.pending()
    build_pnl.run(settings)
    first, second = database.rows("SELECT valid_from, valid_to FROM curated.pnl_hourly_history ORDER BY 1")
    assert first[0] < first[1] == second[0]


def test_a_row_that_a_clock_ahead_removed_comes_back_after_that(settings: Settings, database: Database) -> None:
    batch = database.batch()
    database.trade(batch, DAY, "10-11")
    database.pending()
    build_pnl.run(settings)
    database.rows("DELETE FROM raw.trades")
    database.pending([(DAY, "10-11")])
    build_pnl.run(settings)
    half_an_hour_ahead = "valid_from = valid_from + interval '30 min', valid_to = valid_to + interval '30 min'"
    database.rows(f"UPDATE curated.pnl_versions SET {half_an_hour_ahead}")
    database.trade(batch, DAY, "10-11")
    database.pending()
    build_pnl.run(settings)
    first, second = database.rows("SELECT valid_from, valid_to FROM curated.pnl_hourly_history ORDER BY 1")
    assert first[1] < second[0]
    current = "SELECT sum(trade_count) FROM curated.pnl_daily_as_of((SELECT curated.current_moment()))"
    assert database.value(current) == 1
