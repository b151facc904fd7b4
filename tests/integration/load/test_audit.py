"""The audit finds whatever does not add up, and nothing else."""

import fcntl
import os
import time

import pytest

from include.duration import counted
from include.jobs import load_statement, load_trades
from include.landing import event_line
from include.load import audit
from include.markets_file import remember_first_market
from include.settings import Settings
from tests.factories import Database
from tests.messages import RECEIVED_AT, deal, landed, refuse_folder, write_landing_file


def problems(settings: Settings) -> list[str]:
    return [problem for file in audit.run(settings) for problem in file.problems]


def test_lines_that_wait_are_no_problem(settings: Settings) -> None:
    path = write_landing_file(settings.landing_root, landed([deal()]))
    (before,) = audit.run(settings)
    assert (before.line_count, before.waiting_lines, before.problems) == (0, 1, ())
    load_trades.run(settings)
    with path.open("ab") as file:
        file.write(landed([deal(id="2"), deal(id="3")]))
    (after,) = audit.run(settings)
    assert (after.line_count, after.loaded_count, after.waiting_lines, after.problems) == (1, 1, 2, ())


def test_a_lost_row_a_lost_line_and_a_lost_file(settings: Settings, database: Database) -> None:
    path = write_landing_file(settings.landing_root, landed([deal(id="1"), deal(id="2"), "{"]))
    load_trades.run(settings)
    assert problems(settings) == []
    database.rows("DELETE FROM raw.trades WHERE trade_id = '1'")
    assert problems(settings) == ["loaded_count: the ledger says 2, the tables hold 1"]
    path.write_bytes(path.read_bytes().replace(b"\n", b" ", 1))
    assert "2 lines up to the offset, the ledger says 3" in problems(settings)
    path.unlink()
    assert problems(settings) == ["the file is gone; restore it from a backup"]


@pytest.mark.parametrize(
    "key",
    [
        "trades/date=2026-03-02/hour=9/x.jsonl",
        "trades/date=2026-3-2/hour=09/x.jsonl",
        "trades/date=2026-03-02/hour=24/x.jsonl",
        "trades/date=2026-02-30/hour=09/x.jsonl",
        "trades/date=2026-03-02/hour=09/deeper/x.jsonl",
        "trades/date=2026-03-02/hour=09/x.json",
        "trades/date=2026-03-02/hour=09/x.jsonl.gz",
        "trades/date=2026-03-02/hour=09/x.jsonl~",
        "trades/date=2026-03-02/x.jsonl",
        "trades/hour=09/x.jsonl",
        "trades/market=D-E/date=2026-03-02/hour=09/x.jsonl",
        "trade/date=2026-03-02/hour=09/x.jsonl",
        "x.jsonl",
        "statements/date=2026-03-02/epex_trades_20260302.csv",
        "statements/date=2026-02-30/20260302T100000000000Z-a.csv",
        "statements/date=2026-03-02/20260230T100000000000Z-a.csv",
        "statements/date=2026-03-02/hour=09/x.jsonl",
    ],
)
def test_a_file_that_no_load_takes_is_named(settings: Settings, database: Database, key: str) -> None:
    path = settings.landing_root / key
    path.parent.mkdir(parents=True)
    path.touch()
    assert list(audit.run(settings)) == [], "it holds nothing"
    path.write_bytes(landed([deal()]))
    assert load_trades.run(settings)["files"] == 0
    assert load_statement.load_landed(settings) == []
    (found,) = audit.run(settings)
    assert found.landing_file == key
    (problem,) = found.problems
    assert problem.startswith("no load takes it: its name is not that of a landing file, like ")


def test_known_landing_files_and_what_belongs_to_the_platform_are_not_named(settings: Settings) -> None:
    root = settings.landing_root
    write_landing_file(root, landed([deal()]))
    write_landing_file(root, landed([deal()]), source="trades/market=AT")
    write_landing_file(root, landed([deal()]), source="reference_prices")
    remember_first_market(root, "DE")
    (root / "lost+found").mkdir()
    (root / "lost+found" / "#123").write_bytes(b"x")
    elsewhere = root.parent / "elsewhere"
    write_landing_file(elsewhere, landed([deal()]))
    (root / "trades" / "date=2026-03-04").symlink_to(elsewhere / "trades" / "date=2026-03-02")
    assert problems(settings) == []
    assert len(list(audit.run(settings))) == 4


def test_a_link_to_a_folder_that_no_load_follows(settings: Settings) -> None:
    path = write_landing_file(settings.landing_root, landed([deal()]))
    (path.parent / "more").symlink_to(path.parent)
    assert problems(settings) == ["no load follows this symbolic link to a folder"]


def test_unfinished_files_are_named_when_nobody_finishes_them(settings: Settings) -> None:
    folder = write_landing_file(settings.landing_root, landed([deal()])).parent
    statement = settings.landing_root / "statements/date=2026-03-02/20260303T100000000000Z-a.4711"
    statement.parent.mkdir(parents=True)
    unfinished = [folder / ".b.jsonl.Xy12", folder / "c.jsonl.part", statement]
    for path in unfinished:
        path.write_bytes(landed([deal()]))
    assert problems(settings) == []
    for path in unfinished:
        os.utime(path, (time.time() - 3601,) * 2)
    why = "it was never finished, and no load takes it: copy it again and remove this file"
    assert problems(settings) == [why] * 3


def test_a_file_that_capture_did_not_name(settings: Settings) -> None:
    opened = event_line(RECEIVED_AT, "opened", writer="a")
    path = write_landing_file(settings.landing_root, opened).rename(
        settings.landing_root / "trades" / "a.opening"
    )
    for harmless in (b"", opened[:10], opened, opened + opened[:10]):
        path.write_bytes(harmless)
        assert problems(settings) == []
    for lines in (landed([deal()]), b"\0\n", opened + landed([deal(), deal()])):
        path.write_bytes(lines)
        count = lines.count(b"\n") - lines.count(opened)
        assert problems(settings) == [
            f"its writer ended before it named it, and no load takes its {counted(count, 'line')}:"
            " let its name end with .jsonl instead of .opening"
        ]
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert problems(settings) == []


def test_a_folder_of_an_odd_name_that_cannot_be_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = settings.landing_root / "trades" / "restored"
    folder.mkdir(parents=True)
    refuse_folder(monkeypatch, folder)
    (found,) = audit.run(settings)
    assert found.landing_file == "trades/restored"
    assert found.problems[0].startswith("the folder cannot be read: [Errno 13]")
