"""The views that answer the on-call questions: incomplete periods, missing prices, freshness."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.factories import Database, ago

DAY, LABEL = date(2025, 3, 4), "12-13"
ONE = Decimal(1)


@pytest.fixture
def db(database: Database) -> Database:
    """With a published row of one period of the past, whose price is missing since an hour."""
    batch = database.batch()
    database.trade(batch, DAY, LABEL, "ann")
    database.pnl(DAY, LABEL, "ann", None, valid_from=ago(60))
    return database


def reasons(database: Database) -> dict[str, str]:
    rows = database.rows("SELECT delivery_day, delivery_hour, reason, detail FROM ops.incomplete_periods")
    assert all(row[:2] == (DAY, LABEL) for row in rows)
    return {reason: detail for *_, reason, detail in rows}


def price_status(database: Database, status: str) -> None:
    database.rows("UPDATE curated.pnl_versions SET price_status = %s", (status,))


def missing(database: Database) -> tuple[Any, ...] | None:
    rows = database.rows("SELECT price_status, last_status, reason FROM ops.missing_prices")
    return rows[0] if rows else None


def asked(database: Database, status: int | None, minutes: float) -> None:
    database.request(minutes, status, delivery_day=DAY, delivery_hour=LABEL)


def test_a_period_with_everything_is_not_incomplete(db: Database) -> None:
    assert set(reasons(db)) == {"price_missing"}
    price_status(db, "final")
    assert reasons(db) == {}
    assert missing(db) is None


def test_gaps_are_told_with_their_seconds_and_bounds(db: Database) -> None:
    price_status(db, "final")
    opens, closes = db.rows("SELECT tradable_from, tradable_until FROM raw.delivery_periods")[0]
    second = timedelta(seconds=1)
    file_id = db.value("SELECT landing_file_id FROM ops.landing_files")
    db.connected(
        file_id,
        (opens - 60 * second, opens + 600 * second),
        (opens + 610 * second, opens + 900 * second),
        (opens + 902 * second, closes - 3 * second),
        (closes + 60 * second, closes + 90 * second),
    )
    db.insert("ops.landing_scans", scanned_at=closes + 95 * second)
    (row,) = db.rows("SELECT reason, from_at, until_at, gap_seconds, detail FROM ops.incomplete_periods")
    assert row[:4] == ("capture_gap", opens + 600 * second, closes, Decimal(15))
    assert row[4] == "no capture instance was connected for 15 s while it was tradable, in 3 gaps"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [("59.9", "59 s"), ("725.5", "12 min"), ("70647.049984", "19 h 37 min")],
)
def test_a_gap_is_told_in_the_words_of_people(db: Database, seconds: str, words: str) -> None:
    price_status(db, "final")
    closes = db.value("SELECT tradable_until FROM raw.delivery_periods")
    file_id = db.value("SELECT landing_file_id FROM ops.landing_files")
    db.connected(file_id, (closes - timedelta(days=2), closes - timedelta(seconds=float(seconds))))
    db.insert("ops.landing_scans", scanned_at=closes)
    assert reasons(db) == {
        "capture_gap": f"no capture instance was connected for {words} while it was tradable, in 1 gap"
    }


def test_a_provisional_price_is_incomplete_only_when_the_final_one_is_due(db: Database) -> None:
    price_status(db, "provisional")
    assert set(reasons(db)) == {"price_not_final"}
    db.rows("UPDATE raw.delivery_periods SET price_final_from = now() - interval '14 minutes'")
    assert reasons(db) == {}
    assert missing(db) is None


def test_trades_that_do_not_count_yet(db: Database) -> None:
    price_status(db, "final")
    batch = db.batch(state="loaded", name="b")
    db.trade(batch, DAY, LABEL, "ann")
    assert reasons(db) == {"trades_not_validated": f"1 trade of batch {batch} is loaded and not validated yet"}


def test_a_change_that_waits_too_long(db: Database) -> None:
    price_status(db, "final")
    db.pending()
    assert reasons(db) == {}
    db.rows("UPDATE ops.pending_delivery_periods SET pending_since = now() - interval '16 minutes'")
    assert set(reasons(db)) == {"not_built"}


def test_why_a_price_is_missing(db: Database) -> None:
    assert missing(db) == ("missing", None, "the provider was never asked")
    asked(db, None, 50)
    assert missing(db) == ("missing", None, "the provider did not answer")
    asked(db, 503, 40)
    assert missing(db) == ("missing", 503, "the provider answered HTTP 503")
    asked(db, 200, 30)
    assert missing(db) == ("missing", 200, "the reply was refused (ops.rejected_messages) or is not loaded yet")
    accepted = db.batch("reference_prices", name="p")
    db.price(accepted, DAY, LABEL, None, ago(29))
    assert missing(db) == ("missing", 200, "the provider has no price for it")
    loaded = db.batch("reference_prices", "loaded", name="q")
    db.price(loaded, DAY, LABEL, ONE, ago(20))
    assert missing(db) == (
        "missing",
        200,
        f"the provider answered, but batch {loaded} of its reply is not validated yet",
    )


def test_a_price_is_not_missing_before_it_is_due(db: Database) -> None:
    assert missing(db) is not None
    db.rows("UPDATE curated.pnl_versions SET valid_from = now() - interval '14 minutes'")
    assert missing(db) is None


def test_a_price_is_not_missing_before_its_hour_can_be_traded(database: Database) -> None:
    day = ago(0).date() + timedelta(days=6)
    database.trade(database.batch(), day, LABEL, "ann")
    database.pnl(day, LABEL, "ann", None, valid_from=ago(60))
    assert missing(database) is None
    database.rows("UPDATE raw.delivery_periods SET tradable_from = %s", (ago(14),))
    assert missing(database) is None
    database.rows("UPDATE raw.delivery_periods SET tradable_from = %s", (opened_at := ago(16),))
    assert missing(database) == ("missing", None, "the provider was never asked")
    assert database.value("SELECT since_at FROM ops.missing_prices") == opened_at


def test_why_a_price_is_not_final(db: Database) -> None:
    price_status(db, "provisional")
    final_from = db.value("SELECT price_final_from FROM raw.delivery_periods")
    accepted = db.batch("reference_prices", name="p")
    at = final_from - timedelta(minutes=9)
    row = {"delivery_day": DAY, "delivery_hour": LABEL, "requested_at": at, "finished_at": at, "status": 200}
    db.insert("ops.provider_requests", **row)
    db.price(accepted, DAY, LABEL, ONE, final_from - timedelta(minutes=8))
    assert missing(db) == ("provisional", 200, "the provider was not asked since the last publication")


def freshness(database: Database) -> dict[str, tuple[Any, ...]]:
    rows = database.rows("SELECT thing, last_at IS NULL, is_late, late_from_at FROM ops.freshness")
    return {row[0]: row[1:] for row in rows}


def test_nothing_is_late_where_nothing_ever_ran(database: Database) -> None:
    assert set(freshness(database).values()) == {(True, False, None)}
    assert set(freshness(database)) == {"hourly_pnl", "reference_prices", "trades", "build", "pending"}


def test_a_fresh_start_is_not_late_for_what_it_never_had(database: Database) -> None:
    database.ran(14, dag_id="refresh_pnl")
    assert {thing for thing, row in freshness(database).items() if row[1]} == set()
    database.ran(26, dag_id="refresh_pnl", state="failed")
    assert {thing for thing, row in freshness(database).items() if row[1]} == {"reference_prices", "trades"}
    database.ran(76, dag_id="refresh_pnl", state="failed")
    assert freshness(database)["hourly_pnl"][:2] == (True, True)


def test_hourly_pnl_is_as_old_as_the_last_window_that_was_built(database: Database) -> None:
    database.ran(300, window=300)
    database.ran(5, window=74)
    database.ran(4, dag_id="refresh_pnl")
    database.ran(3, state="failed", window=10)
    assert freshness(database)["hourly_pnl"][:2] == (False, False)
    database.ran(1, window=200)  # a backfill of an older hour
    assert freshness(database)["hourly_pnl"][:2] == (False, False)
    database.rows("UPDATE ops.task_runs SET window_end_at = window_end_at - interval '2 minutes'")
    assert freshness(database)["hourly_pnl"][:2] == (False, True)
    assert freshness(database)["build"][:2] == (False, False)


def test_prices_trades_and_changes_have_limits_of_their_own(database: Database) -> None:
    database.ran(300, dag_id="refresh_pnl")
    database.price(database.batch("reference_prices"), DAY, LABEL, None, ago(24))
    database.batch()
    database.rows("UPDATE ops.landing_files SET last_received_at = now() - interval '14 minutes'")
    database.pending([(DAY, LABEL)])
    assert {thing for thing, row in freshness(database).items() if row[1]} == {"hourly_pnl", "build"}
    database.rows("UPDATE raw.reference_prices SET observed_at = observed_at - interval '2 minutes'")
    database.rows("UPDATE ops.landing_files SET last_received_at = now() - interval '16 minutes'")
    database.rows("UPDATE ops.pending_delivery_periods SET pending_since = now() - interval '26 minutes'")
    assert all(row[1] for row in freshness(database).values())


def test_a_time_in_the_future_makes_nothing_fresh(database: Database) -> None:
    """A clock was ahead and was set right: thirty seconds between two clocks are none."""
    database.ran(300, window=300)
    database.ran(-600, window=-600)
    database.batch(name="b")
    database.rows("UPDATE ops.landing_files SET last_received_at = now() - interval '2 hours'")
    database.batch(name="ahead")
    ahead = "UPDATE ops.landing_files SET last_received_at = now() + %s WHERE landing_file LIKE '%%ahead'"
    database.rows(ahead, (timedelta(hours=18),))
    found = freshness(database)
    assert {found[thing][:2] for thing in ("hourly_pnl", "trades", "build")} == {(False, True)}
    assert database.value("SELECT round(age_seconds) FROM ops.freshness WHERE thing = 'trades'") == 7200
    database.rows(ahead, (timedelta(seconds=20),))
    assert freshness(database)["trades"][:2] == (False, False)
