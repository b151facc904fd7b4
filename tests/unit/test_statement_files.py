"""Which of the files in STATEMENT_FOLDER is the exchange's end-of-day file of a day."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from include.errors import TerminalError
from include.statement_files import day_in_name, find_statement, is_settled, named_statement

DAY = date(2023, 2, 20)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("epex_trades_20230220.csv", DAY),
        ("Private Trades - 2023-02-20 - 2023-02-20T23:05:16.000Z.csv", DAY),
        ("Private Trades - 2023-02-20 - 2023-02-21T00:05:16.000Z.csv", None),
        ("trades.2023.02.20.txt", DAY),
        ("id99999999_2023_02_20", DAY),
        ("20230220T000516.csv", DAY),
        ("epex_trades_20230231.csv", None),
        ("epex_trades_2023-0220.csv", None),
        ("trades_120230220.csv", None),
        ("trades.csv", None),
    ],
)
def test_the_day_is_the_only_one_in_the_name(name: str, day: date | None) -> None:
    assert day_in_name(name) == day


def test_of_several_files_of_a_day_the_one_that_changed_last_is_found(tmp_path: Path) -> None:
    assert find_statement(tmp_path, DAY) is None
    for age, name in enumerate(["new-20230220.csv", "old-20230220.csv", "other-20230221.csv"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1_700_000_000 - age, 1_700_000_000 - age))
    for hidden in (".20230220.csv", "20230220.csv.part", "20230220.tmp"):
        (tmp_path / hidden).touch()
    (tmp_path / "folder-20230220").mkdir()
    assert find_statement(tmp_path, DAY) == tmp_path / "new-20230220.csv"
    with pytest.raises(FileNotFoundError):
        find_statement(tmp_path / "none", DAY)


def test_a_file_is_whole_once_it_has_not_changed_for_a_while(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.touch()
    changed_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    assert not is_settled(file, changed_at + timedelta(seconds=29))
    assert is_settled(file, changed_at + timedelta(seconds=31))


@pytest.mark.parametrize(
    "name", ["../secret.csv", "/etc/hostname", "link.csv", "folder", "missing.csv", "x" * 300]
)
def test_a_chosen_file_lies_in_the_folder_and_nowhere_else(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "statements"
    (folder / "folder").mkdir(parents=True)
    (folder / "a.csv").touch()
    (tmp_path / "secret.csv").touch()
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    assert named_statement(folder, "a.csv") == folder / "a.csv"
    with pytest.raises(TerminalError, match="no file in STATEMENT_FOLDER"):
        named_statement(folder, name)
