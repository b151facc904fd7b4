"""Which delivery days are announced as final: when, how often, and after which changes once more."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from include.jobs import load_trades, validate_trades
from include.jobs.announce_final_days import Announcer, run
from include.settings import Settings
from tests.factories import Database
from tests.messages import deal, landed, write_landing_file

BERLIN = ZoneInfo("Europe/Berlin")
DAY = datetime.now(BERLIN).date() - timedelta(days=3)
NEXT = DAY + timedelta(days=1)
FIRST, SECOND = (
    Announcer("refresh_pnl", "r1", "announce_final_days"),
    Announcer("refresh_pnl", "r2", "announce_final_days"),
)


def at(hour: int, minute: int = 0, day: date = NEXT) -> datetime:
    """Market time of the day after delivery."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN)


@pytest.fixture
def day(database: Database) -> date:
    """A day with two traded hours, whose prices are final."""
    database.pnl(DAY, "12-13", "anna", Decimal("9.8"), valid_from=at(13, day=DAY))
    database.pnl(DAY, "13-14", "bert", Decimal("9.9"), valid_from=at(14, day=DAY))
    return DAY


def announced(database: Database) -> list[tuple[date, int, bool]]:
    return database.rows(
        "SELECT delivery_day, revision, has_open_points FROM ops.final_days ORDER BY delivery_day, revision"
    )


def republish(database: Database, price: Decimal, **columns: object) -> None:
    """A new version of anna's hour, which stands from now on."""
    changed_at = datetime.now(UTC)
    database.rows(
        "UPDATE curated.pnl_versions SET valid_to = %s WHERE trader_id = 'anna' AND valid_to IS NULL",
        (changed_at,),
    )
    database.pnl(DAY, "12-13", "anna", price, valid_from=changed_at, **columns)


def succeeded(database: Database, announcer: Announcer) -> None:
    """The task says that it has sent its events."""
    names = {"dag_id": announcer.dag_id, "run_id": announcer.run_id, "task_id": announcer.task_id}
    now = datetime.now(UTC)
    database.insert("ops.task_runs", started_at=now, ended_at=now, state="success", **names)


def test_a_day_is_announced_once_as_soon_as_it_is_over(
    settings: Settings, database: Database, day: date
) -> None:
    assert run(settings, FIRST, at(23, 59, DAY)) == []
    assert run(settings, FIRST, at(0, 1)) == [day]
    succeeded(database, FIRST)
    assert run(settings, SECOND, at(0, 11)) == []
    assert run(settings, SECOND, at(13)) == []
    assert announced(database) == [(day, 1, False)]


def test_the_day_of_another_market_is_its_own_business(settings: Settings, day: date) -> None:
    finland = replace(settings, market=replace(settings.market, market="FI"))
    assert run(finland, FIRST, at(13)) == []


@pytest.mark.parametrize(
    "problem", ["missing price", "provisional price", "gap", "message", "reject", "not built"]
)
def test_what_is_open_holds_it_until_half_past_twelve(
    settings: Settings, database: Database, day: date, problem: str
) -> None:
    match problem:
        case "missing price":
            database.pnl(DAY, "14-15", "anna", None)
        case "provisional price":
            database.pnl(DAY, "14-15", "anna", Decimal(1), price_status="provisional")
        case "gap":  # connected before and after, not for an hour in between
            batch = database.batch()
            file_id = database.line(batch)["landing_file_id"]
            period = database.period(DAY, "14-15")
            spans = ((period.start_at - timedelta(days=3), period.start_at - timedelta(hours=3)),)
            spans += ((period.start_at - timedelta(hours=2), period.end_at),)
            database.connected(file_id, *spans)
        case "message":
            database.trade(database.batch(), DAY, "14-15", trade_id="q")
            database.quarantine("q")
        case "reject":  # of an hour that nothing else is about
            bad = deal(price="a lot", delivery_day=str(DAY), delivery_hour="18-19")
            write_landing_file(settings.landing_root, landed([bad]))
            load_trades.run(settings)
            validate_trades.run(settings)
            file_id = database.value("SELECT landing_file_id FROM ops.landing_files WHERE loaded_bytes > 0")
            database.connected(file_id, (at(0) - timedelta(days=9), datetime.now(UTC) + timedelta(days=1)))
            database.rows("TRUNCATE ops.pending_delivery_periods")
        case "not built":
            database.period(DAY, "14-15")
            waits = {"delivery_day": DAY, "delivery_hour": "14-15", "pending_since": at(11)}
            database.insert("ops.pending_delivery_periods", **waits)
    assert run(settings, FIRST, at(0, 1)) == []
    assert run(settings, FIRST, at(12, 29)) == []
    assert run(settings, FIRST, at(12, 30)) == [day]
    assert announced(database) == [(day, 1, True)]


def test_trades_that_were_just_loaded_hold_it_up_even_then_but_not_for_long(
    settings: Settings, database: Database, day: date
) -> None:
    database.trade(database.batch(state="loaded", loaded_at=at(12, 45)), DAY, "14-15")
    assert run(settings, FIRST, at(13)) == []
    assert run(settings, FIRST, at(13, 16)) == [day]
    assert announced(database) == [(day, 1, True)]


def test_it_waits_for_the_statement_where_one_is_expected(
    settings: Settings, database: Database, day: date, tmp_path: Path
) -> None:
    expecting = replace(settings, statement_folder=tmp_path)
    assert run(expecting, FIRST, at(0, 1)) == []
    assert run(expecting, FIRST, at(12, 30)) == [day]
    assert announced(database) == [(day, 1, True)]


def test_a_day_without_trades_is_announced_as_well(settings: Settings, database: Database) -> None:
    database.period(DAY, "12-13")
    assert run(settings, FIRST, at(0, 1)) == [DAY]


def test_history_that_is_loaded_later_is_not_news(settings: Settings, database: Database) -> None:
    database.pnl(DAY - timedelta(days=30), "12-13", "anna", Decimal(1))
    assert run(settings, FIRST, at(13)) == []


def test_changed_numbers_are_announced_once_more_after_an_hour(
    settings: Settings, database: Database, day: date
) -> None:
    assert run(settings, FIRST, at(0, 1)) == [day]
    succeeded(database, FIRST)
    told_at = database.value("SELECT final_at FROM ops.final_days")
    republish(database, Decimal("10.8"))
    soon, later = told_at + timedelta(minutes=59), told_at + timedelta(minutes=61)
    assert run(settings, SECOND, soon) == []
    assert run(settings, SECOND, later) == [day]
    succeeded(database, SECOND)
    assert announced(database) == [(day, 1, False), (day, 2, False)]
    third = replace(FIRST, run_id="r3")
    assert run(settings, third, later + timedelta(hours=3)) == []


@pytest.mark.parametrize("change", ["completeness", "status", "same numbers", "back and forth", "nothing"])
def test_what_leaves_the_numbers_as_they_were_is_no_correction(
    settings: Settings, database: Database, day: date, change: str
) -> None:
    assert run(settings, FIRST, at(0, 1)) == [day]
    succeeded(database, FIRST)
    match change:
        case "completeness":
            republish(database, Decimal("9.8"), capture_gap_seconds=60)
        case "status":
            republish(database, Decimal("9.8"), price_status="provisional")
        case "same numbers":
            republish(database, Decimal("9.800"))
        case "back and forth":
            republish(database, Decimal(1))
            republish(database, Decimal("9.8"))
    assert run(settings, SECOND, datetime.now(UTC) + timedelta(hours=2)) == []


@pytest.mark.parametrize("change", ["removed", "added", "price came"])
def test_rows_that_come_and_go_are_a_change(
    settings: Settings, database: Database, day: date, change: str
) -> None:
    if change == "price came":
        database.pnl(DAY, "14-15", "carl", None, valid_from=at(14, day=DAY))
    assert run(settings, FIRST, at(12, 30)) == [day]
    succeeded(database, FIRST)
    now = datetime.now(UTC)
    match change:
        case "removed":
            database.rows("UPDATE curated.pnl_versions SET valid_to = %s WHERE trader_id = 'anna'", (now,))
        case "added":
            database.pnl(DAY, "14-15", "carl", Decimal(1))
        case "price came":
            database.rows("UPDATE curated.pnl_versions SET valid_to = %s WHERE trader_id = 'carl'", (now,))
            database.pnl(DAY, "14-15", "carl", Decimal(0), valid_from=now)
    later = datetime.now(UTC) + timedelta(hours=2)
    database.period(DAY, "15-16")
    database.insert(
        "ops.pending_delivery_periods", delivery_day=DAY, delivery_hour="15-16", pending_since=later
    )
    assert run(settings, SECOND, later) == [], "more changes are on their way"
    database.rows("DELETE FROM ops.pending_delivery_periods")
    assert run(settings, SECOND, later) == [day]


def test_two_at_once_announce_it_once(settings: Settings, database: Database, day: date) -> None:
    announcers = [replace(FIRST, run_id=f"r{number}") for number in range(4)]
    with ThreadPoolExecutor(len(announcers)) as pool:
        found = list(pool.map(lambda announcer: run(settings, announcer, at(0, 1)), announcers))
    assert sorted(found) == [[], [], [], [day]]
    assert announced(database) == [(day, 1, False)]


def test_a_run_that_is_tried_again_announces_the_same_days(
    settings: Settings, database: Database, day: date
) -> None:
    assert run(settings, FIRST, at(0, 1)) == [day]
    assert run(settings, FIRST, at(0, 2)) == [day]
    assert announced(database) == [(day, 1, False)]


def test_a_run_that_was_killed_leaves_its_days_to_another_one_after_an_hour(
    settings: Settings, database: Database, day: date
) -> None:
    assert run(settings, FIRST, at(0, 1)) == [day]
    told_at = database.value("SELECT final_at FROM ops.final_days")
    assert run(settings, SECOND, told_at + timedelta(minutes=59)) == []
    assert run(settings, SECOND, told_at + timedelta(minutes=61)) == [day]
    succeeded(database, SECOND)
    third = replace(FIRST, run_id="r3")
    assert run(settings, third, told_at + timedelta(hours=3)) == []
    assert announced(database) == [(day, 1, False)]
