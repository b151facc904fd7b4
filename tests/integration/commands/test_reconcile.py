"""`make reconcile`: what a person gives, and what they are told."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from include.commands import reconcile
from include.errors import TerminalError
from include.settings import Settings
from tests.factories import Database
from tests.statements import DAY, line, write_statement


@pytest.fixture(autouse=True)
def _settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "command_settings", lambda: settings)


def test_one_file(database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_statement(tmp_path, [line(), line(id="bad", direction="hold")])
    assert reconcile.main(["--file", str(file)]) == 0
    landed = database.value("SELECT landing_file FROM ops.landing_files")
    assert capsys.readouterr().out == (
        "1 statements, 3 new lines, 1 rejected; 1 days compared: 0 trades matched, 1 added, 0 changed,"
        f" 0 cancelled, 0 unexpected\n{DAY}: {landed} stands\n"
        "1 days wait for a review: make review lists what\n"
    )
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 1
    assert reconcile.main(["--file", str(file)]) == 0
    again = capsys.readouterr().out
    assert "0 days compared" in again
    assert "1 days wait for a review" in again


def test_the_right_file_again_after_one_with_the_wrong_day(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = write_statement(tmp_path, [line(), line(id="z")])
    next_day = DAY + timedelta(days=1)
    wrong = write_statement(tmp_path, [line(id="w", execution_time=f"{next_day}T10:00:00Z")], next_day)
    assert reconcile.main(["--file", str(right)]) == 0
    with pytest.raises(TerminalError, match=f"is no statement of {DAY}, all of its lines are of {next_day}"):
        reconcile.main(["--file", str(wrong), "--day", str(DAY)])
    assert reconcile.main(["--file", str(right)]) == 0
    landed = database.value("SELECT landing_file FROM ops.landing_files")
    assert capsys.readouterr().out.endswith(f"\n{DAY}: {landed} stands\n")
    assert database.rows("SELECT trade_id FROM curated.trades ORDER BY 1") == [("x",), ("z",)]


def test_a_day_that_the_name_does_not_say(database: Database, tmp_path: Path) -> None:
    file = write_statement(tmp_path, [line()]).rename(tmp_path / "trades.csv")
    assert reconcile.main(["--file", str(file), "--day", str(DAY)]) == 0
    assert database.rows("SELECT statement_day FROM ops.reconciliations") == [(DAY,)]


def test_a_folder(database: Database, tmp_path: Path) -> None:
    for number in range(3):
        day = DAY + timedelta(days=number)
        write_statement(tmp_path, [line(id=f"t{number}", execution_time=f"{day}T10:00:00Z")], day)
    assert reconcile.main(["--file", str(tmp_path)]) == 0
    assert database.value("SELECT count(*) FROM ops.reconciliations WHERE state = 'reconciled'") == 3


def test_of_a_folder_the_files_that_the_dag_takes(database: Database, tmp_path: Path) -> None:
    old = write_statement(tmp_path, [line(price=10), line(id="u2")], name="epex_v9")
    new = write_statement(tmp_path, [line(price=99), line(id="u2")], name="epex_v10")
    os.utime(old, (1_700_000_000, 1_700_000_000))
    new.with_name(new.name + ".part").write_text(new.read_text()[:200])
    assert reconcile.main(["--file", str(tmp_path)]) == 0
    assert database.value("SELECT state FROM ops.reconciliations") == "reconciled"
    prices = database.rows("SELECT price_eur_per_mwh FROM curated.trades WHERE trade_id <> 'u2'")
    assert prices == [(99,)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--file", "{}/trades.csv"], "does not say which day"),
        (["--file", "{}/none_20260302.csv"], "cannot be read"),
        (["--file", "{}/none.csv"], "there is no {}/none.csv"),
        (["--file", "{}", "--day", "2026-03-02"], "DAY is for one file"),
        (["--file", "{}"], "trades.csv does not say which day"),
        (["--file", "{}/trades.csv", "--day", "yesterday"], "must be a delivery day"),
        (["--file", "{}/trades.csv", "--day", "2026-03-02"], "names the columns of a known statement"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "trades.csv").write_text("no statement\n" * 30)
    with pytest.raises(TerminalError) as error:
        reconcile.main([argument.format(tmp_path) for argument in arguments])
    assert message.format(tmp_path) in str(error.value)
