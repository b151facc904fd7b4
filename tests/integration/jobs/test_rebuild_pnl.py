"""Rebuilds: the same numbers, from what is loaded and from landing files, resumed after a kill."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from include.errors import TerminalError, TransientError
from include.expectations import review
from include.jobs import (
    build_pnl,
    check_range,
    load_trades,
    rebuild_pnl,
    rebuild_steps,
    reload_landing_files,
    validate_trades,
)
from include.landing import message_line
from include.load import audit
from include.run_scope import DeliveryDays, Rebuild
from include.settings import Settings
from tests.factories import Database
from tests.messages import RECEIVED_AT, deal, event, write_landing_file
from tests.passes import take_in, validate_landed
from tools.fingerprint import fingerprint

_DAYS = DeliveryDays(date(2026, 3, 1), date(2026, 3, 20))
_REBUILD = Rebuild("r", _DAYS)


@pytest.fixture(autouse=True)
def _clean(settings: Settings) -> Iterator[None]:
    yield
    assert not [problem for file in audit.run(settings) for problem in file.problems]


def line(number: int, **changes: Any) -> bytes:
    """A trade that was received some seconds after RECEIVED_AT."""
    return message_line(RECEIVED_AT + timedelta(seconds=number), deal(id=f"t{number}", **changes).encode())


@pytest.fixture
def days(settings: Settings, database: Database) -> list[str]:
    """Trades for 20 delivery days, loaded, accepted and built."""
    days = [day.isoformat() for day in _DAYS.days()]
    content = b"".join(line(n, delivery_day=day) for n, day in enumerate(days))
    write_landing_file(settings.landing_root, event(-1, "connected") + content + line(99))
    take_in(settings)
    assert database.value("SELECT count(*) FROM curated.pnl_hourly") == 20
    return days


def versions(database: Database) -> list[Any]:
    return database.rows("SELECT *, xmin FROM curated.pnl_versions ORDER BY delivery_day, valid_from")


def test_a_rebuild_that_changes_nothing_writes_nothing(
    settings: Settings, database: Database, days: list[str]
) -> None:
    before = versions(database)
    summaries = rebuild_steps.run(settings, _REBUILD)
    assert summaries["rebuild_pnl"] == {"delivery_days": 20, "rows_built": 20, "rows_changed": 0}
    assert list(summaries) == [step.__name__ for step in rebuild_steps.STEPS]
    assert summaries["validate_trades"] == {"batches": 0, "rows": 0, "quarantined": 0, "warnings": 0}
    assert versions(database) == before


@pytest.mark.parametrize("reload", [False, True])
def test_a_rebuild_mends_what_is_wrong_and_only_that(
    settings: Settings, database: Database, days: list[str], reload: bool
) -> None:
    right = fingerprint(database)
    before = versions(database)
    database.rows("UPDATE curated.pnl_versions SET sell_value_eur = 0 WHERE delivery_day = %s", (days[7],))
    if reload:
        database.rows("DELETE FROM raw.trades WHERE trade_id = 't12'")
        database.rows("UPDATE raw.trades SET price_eur_per_mwh = 0 WHERE trade_id = 't13'")
    assert rebuild_steps.run(settings, replace(_REBUILD, reload=reload))["rebuild_pnl"]["rows_changed"] == 1
    assert fingerprint(database) == right
    assert len(versions(database)) == len(before) + 1


def test_a_warehouse_is_rebuilt_from_landing_files_alone(
    settings: Settings, database: Database, days: list[str]
) -> None:
    right = fingerprint(database)
    database.rows(
        "TRUNCATE raw.trades, raw.delivery_periods, raw.period_hours, curated.pnl_versions, ops.landing_files,"
        " ops.load_batches, ops.rejected_messages, staging.claimed_intervals, staging.clock_steps,"
        " ops.message_notes, ops.statements"
    )
    assert rebuild_steps.run(settings, _REBUILD)["rebuild_pnl"]["rows_changed"] == 20
    assert fingerprint(database) == right


def test_other_days_are_left_alone(settings: Settings, database: Database, days: list[str]) -> None:
    database.rows("UPDATE curated.pnl_versions SET sell_value_eur = 0")
    two = DeliveryDays.parse(days[3], days[4])
    assert rebuild_steps.run(settings, Rebuild("two", two))["rebuild_pnl"]["rows_changed"] == 2
    assert database.value("SELECT count(*) FROM curated.pnl_hourly WHERE cash_flow_eur <> 0") == 2


def test_a_killed_rebuild_goes_on_where_it_stopped(
    settings: Settings, database: Database, days: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuild = replace(_REBUILD, reload=True)
    database.rows("UPDATE curated.pnl_versions SET sell_value_eur = 0")
    build_days, built, reloads = rebuild_pnl.build_days, list[list[date]](), list[int]()
    reload = reload_landing_files.run

    def dies_after_the_first_week(settings: Settings, portion: list[date], **arguments: Any) -> Any:
        built.append(portion)
        if len(built) == 2:
            raise TransientError("killed")
        return build_days(settings, portion, **arguments)

    def counted(settings: Settings, rebuild: Rebuild) -> dict[str, int]:
        reloads.append(1)
        return reload(settings, rebuild)

    monkeypatch.setattr(rebuild_pnl, "build_days", dies_after_the_first_week)
    monkeypatch.setattr(reload_landing_files, "run", counted)
    with pytest.raises(TransientError, match="killed"):
        rebuild_steps.run(settings, rebuild)
    assert database.value("SELECT done_until FROM ops.rebuilds") == date(2026, 3, 7)
    rebuilt = rebuild_steps.run(settings, rebuild)["rebuild_pnl"]
    assert rebuilt == {"delivery_days": 20, "rows_built": 20, "rows_changed": 20}
    assert database.value("SELECT finished_at IS NOT NULL FROM ops.rebuilds")
    assert ([portion[0].day for portion in built], len(reloads)) == ([1, 8, 8, 15], 1)
    rebuild_steps.run(settings, rebuild)
    assert ([portion[0].day for portion in built[4:]], len(reloads)) == ([1, 8, 15], 2), (
        "finished: it starts over"
    )
    database.rows("UPDATE ops.rebuilds SET finished_at = NULL, started_at = started_at - interval '25 hours'")
    rebuild_steps.run(settings, rebuild)
    assert ([portion[0].day for portion in built[7:]], len(reloads)) == ([1, 8, 15], 3), "too long ago"


def test_days_without_trades_are_no_error(settings: Settings) -> None:
    empty = Rebuild("empty", DeliveryDays.parse("2020-01-01", "2020-12-31"), reload=True)
    assert rebuild_steps.run(settings, empty)["rebuild_pnl"]["rows_built"] == 0


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        ("garbage", "2026-03-02", "from must be a delivery day like 2026-03-02, not 'garbage'"),
        ("2026-03-02", None, "to must be a delivery day"),
        ("2026-02-30", "2026-03-02", "from must be"),
        ("1999-12-31", "2026-03-02", "from must be"),
        ("2026-03-03", "2026-03-02", "from 2026-03-03 is after to 2026-03-02"),
        ("2000-01-01", "2099-12-31", "at most 3660 at once"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused_in_words(first: Any, last: Any, message: str) -> None:
    with pytest.raises(TerminalError, match=message):
        DeliveryDays.parse(first, last)


def test_pnl_stays_as_it_was_until_a_reload_is_decided_on(
    settings: Settings, database: Database, days: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(_settings: Settings) -> dict[str, int]:
        raise TransientError("killed between loading and validation")

    before = versions(database)
    check_range.run(settings, _REBUILD)
    with monkeypatch.context() as patched:
        patched.setattr(reload_landing_files.validate_trades, "run", dies)
        with pytest.raises(TransientError):
            reload_landing_files.run(settings, replace(_REBUILD, reload=True))
    assert database.value("SELECT count(*) FROM curated.trades") == 0, "not decided on yet"
    build_pnl.run(settings)
    assert rebuild_pnl.run(settings, _REBUILD)["rows_built"] == 0
    assert versions(database) == before
    validate_trades.run(settings)
    assert build_pnl.run(settings)["rows_changed"] == 0
    assert versions(database) == before


def test_a_killed_reload_does_not_load_again_what_it_has_loaded(
    settings: Settings, database: Database, days: list[str]
) -> None:
    second = RECEIVED_AT + timedelta(hours=1)
    write_landing_file(settings.landing_root, message_line(second, deal(id="b").encode()), hour=second)
    load_trades.run(settings)
    reload = replace(_REBUILD, reload=True)
    check_range.run(settings, reload)
    assert reload_landing_files.run(settings, reload)["files"] == 2
    database.rows("UPDATE ops.rebuilds SET reloaded_at = NULL")
    database.rows(
        "UPDATE ops.load_batches SET loaded_at = '2026-01-01' WHERE load_batch_id = %s",
        (database.value("SELECT load_batch_id FROM raw.trades WHERE trade_id = 'b'"),),
    )
    assert reload_landing_files.run(settings, reload)["files"] == 1
    assert reload_landing_files.run(settings, reload)["files"] == 2, "run again after its end it starts over"


def test_late_files_of_the_days_are_loaded_again_too(
    settings: Settings, database: Database, days: list[str]
) -> None:
    late = RECEIVED_AT + timedelta(days=90)
    write_landing_file(settings.landing_root, message_line(late, deal(id="late").encode()), hour=late)
    other = RECEIVED_AT + timedelta(days=91)
    content = message_line(other, deal(id="other", delivery_day="2026-06-02").encode())
    write_landing_file(settings.landing_root, content, hour=other)
    load_trades.run(settings)
    reload = replace(_REBUILD, reload=True)
    check_range.run(settings, reload)
    assert reload_landing_files.run(settings, reload)["files"] == 2
    (reloaded,) = database.rows("SELECT count(*) FILTER (WHERE is_reload), count(*) FROM ops.load_batches")
    assert reloaded == (2, 3)


def test_a_file_that_cannot_be_loaded_again_is_left_and_the_others_are_not(
    settings: Settings, database: Database, days: list[str]
) -> None:
    hours = [RECEIVED_AT + n * timedelta(hours=1) for n in range(1, 4)]
    files = [
        write_landing_file(settings.landing_root, message_line(hour, deal(id=f"h{n}").encode()), hour=hour)
        for n, hour in enumerate(hours)
    ]
    validate_landed(settings)
    right = fingerprint(database)
    content = files[1].read_bytes()
    files[1].write_bytes(content[:20])
    reload = replace(_REBUILD, reload=True)
    check_range.run(settings, reload)
    assert reload_landing_files.run(settings, reload) == {"files": 3, "lines": 24, "left": 1, "missing": 0}
    assert fingerprint(database) == right
    files[1].write_bytes(content)
    ((file, error),) = database.rows(
        "SELECT landing_file, load_error FROM ops.landing_files WHERE load_error IS NOT NULL"
    )
    assert (settings.landing_root / file, "has 20 bytes" in error) == (files[1], True)


def test_what_a_person_has_decided_and_what_is_missing_stays(
    settings: Settings, database: Database, days: list[str]
) -> None:
    second = RECEIVED_AT + timedelta(hours=1)
    odd = message_line(second, b"no message") + b"".join(
        message_line(second, deal(id=f"bad{n}", price=99_999).encode()) for n in range(3)
    )
    write_landing_file(settings.landing_root, odd, hour=second)
    third = RECEIVED_AT + timedelta(hours=2)
    gone = write_landing_file(settings.landing_root, message_line(third, deal(id="g").encode()), hour=third)
    validate_landed(settings)
    review.decide(settings, "accept", "they are right", review.Selection(trade_id="bad1"))
    review.decide(settings, "discard", "test data", review.Selection(trade_id="bad2"))
    review.decide(settings, "discard", "test data", review.Selection(reason_code="invalid_json"))
    content = gone.read_bytes()
    gone.unlink()
    reload = replace(_REBUILD, reload=True)
    check_range.run(settings, reload)
    counts = reload_landing_files.run(settings, reload)
    gone.write_bytes(content)
    assert counts == {"files": 2, "lines": 26, "left": 0, "missing": 1}
    assert database.value("SELECT count(*) FROM raw.trades WHERE trade_id = 'g'") == 1
    assert database.rows("SELECT trade_id, review FROM ops.quarantined_trades ORDER BY 1") == [
        ("bad0", None), ("bad1", "accept"), ("bad2", "discard"),
    ]  # fmt: skip
    assert database.rows("SELECT reason_code, review, review_reason FROM ops.rejected_messages") == [
        ("invalid_json", "discard", "test data")
    ]
    assert database.rows("SELECT trade_id FROM curated.trades WHERE trade_id LIKE 'bad%'") == [("bad1",)]


def test_what_a_reload_finds_bad_is_quarantined_and_the_rest_counts(
    settings: Settings, database: Database, days: list[str]
) -> None:
    right = fingerprint(database)
    file = next(settings.landing_root.rglob("*.jsonl"))
    was = file.read_bytes()
    before, after = b'\\"t12\\", \\"price\\": 20.64', b'\\"t12\\", \\"price\\": 99999'
    file.write_bytes(was.replace(before, after))  # as if the rules had changed
    reload = replace(_REBUILD, reload=True)
    assert rebuild_steps.run(settings, reload)["rebuild_pnl"]["rows_changed"] == 1
    assert database.value("SELECT trade_id FROM ops.quarantined_trades") == "t12"
    assert database.value("SELECT count(*) FROM curated.pnl_hourly") == 19
    file.write_bytes(was)
    assert rebuild_steps.run(settings, reload)["rebuild_pnl"]["rows_changed"] == 1
    assert database.rows("SELECT * FROM ops.quarantined_trades") == []
    assert fingerprint(database) == right
