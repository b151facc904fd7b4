"""No line, message or file keeps another one from being loaded, whatever it holds."""

import errno
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import cursor

from include.errors import TerminalError
from include.health.alarms import check
from include.jobs import (
    check_range,
    compare_captures,
    follow_market,
    load_statement,
    load_trades,
    reload_landing_files,
    report_findings,
)
from include.landing import statement_folder
from include.landing_line import Line
from include.load import audit, loader, portions
from include.load.lines import LineReader
from include.load.source import load_source
from include.load.trades import TradeSink
from include.run_scope import DeliveryDays, Rebuild, Window
from include.settings import Settings
from tests.factories import Database
from tests.integration.jobs.test_follow_market import FakeClock
from tests.messages import DEAL, RECEIVED_AT, deal, landed, refuse_folder, write_landing_file


def rejects(database: Database) -> list[tuple[int, str]]:
    return database.rows("SELECT line_number, reason_code FROM ops.rejected_messages ORDER BY line_number")


def trade_ids(database: Database) -> list[str]:
    return [trade_id for (trade_id,) in database.rows("SELECT trade_id FROM raw.trades ORDER BY trade_id")]


def assert_accounted_for(settings: Settings) -> None:
    assert not any(file.problems or file.waiting_lines for file in audit.run(settings))


class Refused(TradeSink):
    """Parses ids that begin with `bad` into rows that PostgreSQL cannot store."""

    def row(self, line: Line) -> tuple[str, str] | None:
        row = super().row(line)
        if row is not None and row[0].startswith("bad"):
            return row[0], row[1].replace("20.64", "20,64")
        return row


@pytest.mark.parametrize("rows_per_write", [1, 7, 15_000])
@pytest.mark.parametrize("bad", [(0,), (499,), (3, 4, 5, 250), tuple(range(100, 140))])
def test_a_row_that_the_warehouse_refuses(
    settings: Settings,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    rows_per_write: int,
    bad: Sequence[int],
) -> None:
    monkeypatch.setattr(portions, "ROWS_PER_WRITE", rows_per_write)
    messages = [deal(id=f"bad{n}" if n in bad else f"good{n}") for n in range(500)]
    messages += messages  # copies of each: those of the refused ones are refused as well
    write_landing_file(settings.landing_root, landed(messages))
    market = settings.market
    counts = load_source(settings, Refused(market))
    assert counts["loaded_count"] == 500 - len(bad)
    assert counts["duplicate_count"] == 500 - len(bad)
    assert rejects(database) == [(n + copy + 1, "unstorable") for copy in (0, 500) for n in bad]
    details = database.rows(
        "SELECT DISTINCT detail, raw FROM ops.rejected_messages WHERE line_number = %s", (bad[0] + 1,)
    )
    assert details[0][0].startswith("InvalidTextRepresentation: 'invalid input syntax for type numeric")
    assert json.loads(details[0][1])["deal_confirmation"]["id"] == f"bad{bad[0]}"
    assert_accounted_for(settings)


def test_the_next_copy_counts_if_the_first_is_refused(settings: Settings, database: Database) -> None:
    class FirstRefused(TradeSink):
        has_refused = False

        def row(self, line: Line) -> tuple[str, str] | None:
            row = super().row(line)
            if row is not None and not self.has_refused:
                self.has_refused = True
                return row[0], row[1].replace("20.64", "much")
            return row

    write_landing_file(settings.landing_root, landed([deal(), deal(), deal(id="other")]))
    counts = load_source(settings, FirstRefused(settings.market))
    assert (counts["loaded_count"], counts["duplicate_count"], counts["rejected_count"]) == (2, 0, 1)
    assert database.value("SELECT line_number FROM raw.trades WHERE trade_id = %s", (DEAL["id"],)) == 2
    assert_accounted_for(settings)


def test_a_message_whose_parsing_fails_in_an_unforeseen_way(settings: Settings, database: Database) -> None:
    class Failing(TradeSink):
        def row(self, line: Line) -> tuple[str, str] | None:
            if line.raw and "boom" in line.raw:
                raise ZeroDivisionError("division by \x00 zero")
            return super().row(line)

    write_landing_file(settings.landing_root, landed([deal(), deal(id="boom"), deal(id="after")]))
    assert load_source(settings, Failing(settings.market))["loaded_count"] == 2
    assert database.rows("SELECT line_number, reason_code, detail FROM ops.rejected_messages") == [
        (2, "unreadable", r"ZeroDivisionError: 'division by \x00 zero'")
    ]
    assert_accounted_for(settings)


def test_a_lack_of_memory_rejects_no_message(settings: Settings, database: Database) -> None:
    class Starved(TradeSink):
        def row(self, line: Line) -> tuple[str, str] | None:
            raise MemoryError

    write_landing_file(settings.landing_root, landed([deal()]))
    assert load_source(settings, Starved(settings.market))["failed_files"] == 1
    assert load_trades.run(settings)["loaded_count"] == 1
    assert report_findings.run(settings) == {"files_not_loaded": 0}


class FailingReader(LineReader):
    """A disk that cannot read some files any more."""

    def __init__(self, path: Path, *arguments: int) -> None:
        super().__init__(path, *arguments)
        if path.name in ("0.jsonl", "\udcff.jsonl"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))


def test_a_file_that_cannot_be_read_holds_back_no_other(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("0", "a", "\udcff"):
        write_landing_file(settings.landing_root, landed([deal(id=ascii(name))]), name)
    monkeypatch.setattr(loader, "LineReader", FailingReader)
    now = datetime.now(UTC)
    with pytest.raises(TerminalError, match=r"0\.jsonl is not loaded from line 1 on: OSError: .*Input/output"):
        follow_market.run(settings, now, FakeClock(now))
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 1
    scans = "SELECT count(*) FROM ops.landing_scans WHERE source = 'trades'"
    assert database.value(scans) == 0, "not all that was captured is known"
    hour = RECEIVED_AT.replace(minute=0)
    other = Window(datetime.fromisoformat("2026-03-02T11:00Z"), datetime.fromisoformat("2026-03-02T12:00Z"))
    report_findings.run(settings, other)
    with pytest.raises(TerminalError) as raised:
        report_findings.run(settings, Window(hour, other.start_at))
    assert len(str(raised.value).splitlines()) == 2

    monkeypatch.undo()
    assert load_trades.run(settings)["loaded_count"] == 2
    assert report_findings.run(settings) == {"files_not_loaded": 0}
    assert database.value(scans) == 1


@pytest.mark.parametrize("folder", ["trades/date=2026-03-02/hour=10", "trades/date=2026-03-02"])
def test_a_folder_that_cannot_be_read_holds_back_no_other(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    readable = landed([deal(id="readable")])
    newest = write_landing_file(settings.landing_root, readable, hour=RECEIVED_AT + timedelta(days=1))
    os.utime(newest, (RECEIVED_AT.timestamp(),) * 2)
    locked = write_landing_file(settings.landing_root, landed([deal(id="locked")]))
    key = str(locked.relative_to(settings.landing_root))
    load_trades.run(settings, Window(RECEIVED_AT.replace(minute=0), RECEIVED_AT + timedelta(hours=1)))
    with locked.open("ab") as file:
        file.write(landed([deal(id="later")]))
    write_landing_file(settings.landing_root, landed([deal(id="unseen")]), "b")
    with monkeypatch.context() as refusing:
        refuse_folder(refusing, settings.landing_root / folder)
        now = datetime.now(UTC)
        stuck = rf"^{folder} is not loaded from line 1 on: PermissionError: .*Permission denied"
        with pytest.raises(TerminalError, match=stuck):
            follow_market.run(settings, now, FakeClock(now))
        assert trade_ids(database) == ["locked", "readable"]
        assert database.value("SELECT count(*) FROM ops.landing_scans WHERE source = 'trades'") == 0
        database.ran(90, window=20)
        on = {alarm.alarm: alarm.detail for alarm in check(settings)[0]}
        assert "capture_silent" in on
        assert f"in {folder}: PermissionError" in on["loading_stuck"]
        found = {file.landing_file: file.problems for file in audit.run(settings) if file.problems}
        (problem,) = found.pop(folder)
        assert problem.startswith("the folder cannot be read: [Errno 13] Permission denied")
        assert found == {key: ("the file cannot be seen: its folder cannot be read",)}
        with pytest.raises(PermissionError):
            compare_captures.run(settings, Window(RECEIVED_AT, RECEIVED_AT + timedelta(hours=1)))

    assert load_trades.run(settings)["failed_files"] == 0
    assert trade_ids(database) == ["later", "locked", "readable", "unseen"]
    assert report_findings.run(settings) == {"files_not_loaded": 0}
    assert_accounted_for(settings)
    assert "loading_stuck" not in {alarm.alarm for alarm in check(settings)[0]}


def test_a_folder_that_cannot_be_read_is_reloaded_when_it_can(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = write_landing_file(settings.landing_root, landed([deal()]))
    day = RECEIVED_AT.date()
    statements = settings.landing_root / statement_folder(day)
    statements.mkdir(parents=True)
    load_trades.run(settings)
    rebuild = Rebuild("1", DeliveryDays(day, day), reload=True)
    with monkeypatch.context() as refusing:
        refuse_folder(refusing, locked.parent)
        load_trades.run(settings)
        check_range.run(settings, rebuild)
        counts = reload_landing_files.run(settings, rebuild)
        assert (counts["files"], counts["left"], counts["missing"]) == (0, 1, 1)
    with monkeypatch.context() as refusing:
        refuse_folder(refusing, statements)
        assert load_statement.load_landed(settings) == []
        with pytest.raises(TerminalError, match="statements/date=2026-03-02 is not loaded from line 1 on"):
            report_findings.run(settings)
    load_trades.run(settings)
    assert report_findings.run(settings) == {"files_not_loaded": 0}
    assert trade_ids(database) == [DEAL["id"]]


def test_a_name_that_is_not_utf8_and_one_that_spells_it(settings: Settings, database: Database) -> None:
    write_landing_file(settings.landing_root, landed([deal(id="one")]), "a\udcff")
    write_landing_file(settings.landing_root, landed([deal(id="two"), deal(id="three")]), r"a\xff")
    assert load_trades.run(settings)["loaded_count"] == 3
    assert trade_ids(database) == ["one", "three", "two"]
    assert_accounted_for(settings)
    keys = database.rows("SELECT landing_file FROM ops.landing_files ORDER BY 1")
    assert [key.rsplit("/")[-1] for (key,) in keys] == [r"a\x5cxff.jsonl", r"a\xff.jsonl"]


def test_what_is_no_landing_file_stops_nothing(settings: Settings, database: Database) -> None:
    path = write_landing_file(settings.landing_root, landed([deal()]))
    os.mkfifo(path.with_name("fifo.jsonl"))
    path.with_name("folder.jsonl").mkdir()
    path.with_name("dangling.jsonl").symlink_to("nowhere")
    path.with_name("loop.jsonl").symlink_to("loop.jsonl")
    no_hours = ("date=2026-03-02/hour=24", "date=2026-02-30/hour=01", "date=0000-00-00/hour=99")
    for number, folder in enumerate(no_hours):
        odd = settings.landing_root / "trades" / folder / "a.jsonl"
        odd.parent.mkdir(parents=True)
        odd.write_bytes(landed([deal(id=f"odd{number}")]))
    (settings.landing_root / "trades" / "date=2026-03-03").touch()
    (settings.landing_root / "trades" / "date=2026-03-02" / "hour=23").touch()
    assert load_trades.run(settings)["loaded_count"] == 1
    assert trade_ids(database) == [DEAL["id"]]
    assert {file.landing_file for file in audit.run(settings) if file.problems} == {
        f"trades/{folder}/a.jsonl" for folder in no_hours
    }
    assert report_findings.run(settings) == {"files_not_loaded": 0}


def test_a_warehouse_that_goes_away_is_no_fault_of_a_file(settings: Settings, database: Database) -> None:
    class Away(TradeSink):
        def write(self, cur: cursor, rows: dict[str, str], repeated: list[str]) -> int:
            raise psycopg2.OperationalError("gone")

    write_landing_file(settings.landing_root, landed([deal()]))
    with pytest.raises(Exception, match="gone"):
        load_source(settings, Away(settings.market))
    assert database.value("SELECT count(*) FROM ops.landing_files WHERE load_error IS NOT NULL") == 0
