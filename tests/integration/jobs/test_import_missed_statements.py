"""Days that no run has reconciled: after an outage of Airflow, and when a file came late."""

import os
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from include.errors import TerminalError
from include.health.alarms import check
from include.jobs import import_missed_statements, import_statements
from include.landing import STATEMENTS, list_files
from include.load.statement_files import land_statement
from include.settings import Settings
from tests.factories import MARKET, Database
from tests.statements import line, write_statement

RECONCILED = "SELECT statement_day FROM ops.reconciliations ORDER BY statement_day"


@pytest.fixture
def desk(settings: Settings, database: Database, tmp_path: Path) -> Settings:
    """A platform that first ran twelve days ago."""
    database.ran(60 * 24 * 12)
    return replace(settings, statement_folder=tmp_path / "statements")


def day_before(number: int) -> date:
    return datetime.now(MARKET.timezone).date() - timedelta(days=number)


def put(settings: Settings, day: date, content: str | None = None, age_seconds: int = 60) -> None:
    """A file of the exchange with one trade, or with other content."""
    assert settings.statement_folder is not None
    trade = line(id=f"{day}", delivery_day=day, execution_time=f"{day}T10:13:43Z")
    file = write_statement(settings.statement_folder, [trade], day)
    if content is not None:
        file.write_text(content)
    at = datetime.now().timestamp() - age_seconds
    os.utime(file, (at, at))


def statement_file(settings: Settings, day: date) -> Path:
    assert settings.statement_folder is not None
    return settings.statement_folder / f"epex_trades_{day:%Y%m%d}.csv"


def test_three_days_of_an_outage_are_reconciled(desk: Settings, database: Database) -> None:
    missed = [day_before(number) for number in (4, 3, 2)]
    for day in missed:
        put(desk, day)
    put(desk, day_before(1))  # which the run itself waits for
    assert import_missed_statements.run(desk, day_before(1)) == {"files": 3}
    assert database.rows(RECONCILED) == [(day,) for day in missed]
    assert database.value("SELECT count(*) FROM curated.pnl_hourly") == 3
    assert import_missed_statements.run(desk, day_before(1)) == {"files": 0}


def test_it_looks_back_for_a_week_and_not_before_the_platform_first_ran(
    desk: Settings, database: Database
) -> None:
    for number in range(2, 11):
        put(desk, day_before(number))
    assert import_missed_statements.run(desk, day_before(1)) == {"files": 7}
    database.rows("UPDATE ops.task_runs SET started_at = now() - interval '2 days'")
    database.rows("DELETE FROM ops.statements")
    assert import_missed_statements.run(desk, day_before(1)) == {"files": 1}


def test_a_file_that_is_no_statement_stops_no_other(desk: Settings, database: Database) -> None:
    put(desk, day_before(4), "hello\n")
    put(desk, day_before(3))
    put(desk, day_before(2), age_seconds=0)  # somebody may still be writing it
    with pytest.raises(TerminalError, match=f"^{day_before(4)}: "):
        import_missed_statements.run(desk, day_before(1))
    assert database.rows(RECONCILED) == [(day_before(3),)]


def statement_alarm(settings: Settings) -> tuple[str, str | None] | None:
    found = [alarm for alarm in check(settings)[0] if alarm.alarm == "statement_missing"]
    return (found[0].detail, found[0].page_text) if found else None


def test_a_file_that_changed_after_its_load_is_reconciled_again(desk: Settings, database: Database) -> None:
    day = day_before(2)
    for number in range(1, 9):
        put(desk, day_before(number))
        import_statements.run(desk, [(day_before(number), statement_file(desk, day_before(number)))])
    assert statement_alarm(desk) is None
    assert import_missed_statements.run(desk, day_before(1)) == {"files": 0}

    rest = line(id="rest", delivery_day=day, execution_time=f"{day}T11:00:00Z")
    whole = statement_file(desk, day).read_text() + rest + "\n"
    put(desk, day, whole, age_seconds=0)  # the transfer goes on
    assert import_missed_statements.run(desk, day_before(1)) == {"files": 0}
    assert statement_alarm(desk) is None
    put(desk, day, whole)
    assert statement_alarm(desk) == (
        f"the file in STATEMENT_FOLDER is another one than was reconciled: {day}",
        "The exchange's end-of-day file changed and is not reconciled again yet: trades are as before.",
    )
    assert import_missed_statements.run(desk, day_before(1)) == {"files": 1}
    assert (
        database.value("SELECT statement_count FROM ops.reconciliations WHERE statement_day = %s", (day,)) == 2
    )
    assert import_missed_statements.run(desk, day_before(1)) == {"files": 0}
    assert statement_alarm(desk) is None


def test_what_was_reconciled_by_hand_stands_although_the_folder_has_another_file(
    desk: Settings, database: Database, tmp_path: Path
) -> None:
    day = day_before(2)
    put(desk, day)
    import_missed_statements.run(desk, day_before(1))
    right = line(id="right", delivery_day=day, execution_time=f"{day}T10:13:43Z")
    import_statements.run(desk, [(day, write_statement(tmp_path / "right", [right], day))])
    assert import_missed_statements.run(desk, day_before(1)) == {"files": 0}
    assert database.rows("SELECT trade_id FROM curated.trades") == [("right",)]
    put(desk, day)  # the exchange sends it once more: it is newer
    assert import_missed_statements.run(desk, day_before(1)) == {"files": 1}
    assert database.rows("SELECT trade_id FROM curated.trades") == [(f"{day}",)]


@pytest.mark.parametrize("has_folder", [True, False])
def test_what_is_landed_and_not_loaded_is_reconciled(
    desk: Settings, database: Database, has_folder: bool
) -> None:
    """A dump of the warehouse was restored, or a load was killed; one of the files is damaged."""
    day, settings = day_before(10), desk if has_folder else replace(desk, statement_folder=None)
    for each in (day, day_before(9)):
        put(desk, each)
        land_statement(desk, each, statement_file(desk, each))
    list_files(desk.landing_root, STATEMENTS)[1].path.write_text("damaged\n")
    assert import_missed_statements.run(settings, day_before(1)) == {"files": 1}
    assert database.rows(RECONCILED) == [(day,)]
    assert database.value("SELECT sum(trade_count) FROM curated.pnl_hourly") == 1
    again = import_missed_statements.run(settings, day_before(1))
    assert again == {"files": 0} if has_folder else "skipped" in again


def test_without_a_folder_or_with_one_that_is_away_nothing_is_done(desk: Settings) -> None:
    assert import_missed_statements.run(desk, day_before(1)) == {"files": 0}
    assert "skipped" in import_missed_statements.run(replace(desk, statement_folder=None), day_before(1))


def test_the_alarm_says_which_files_are_there(desk: Settings) -> None:
    put(desk, day_before(3))
    detail, text = statement_alarm(desk) or ("", None)
    absent, _, found = detail.partition("; the file is in STATEMENT_FOLDER and not reconciled: ")
    assert found == str(day_before(3))
    assert absent.startswith("no statement of the exchange by 08:00 of the next day: ")
    assert str(day_before(6)) in absent
    assert text is not None
    assert "has not come" in text
    for number in range(1, 10):
        put(desk, day_before(number))
    detail, text = statement_alarm(desk) or ("", None)
    assert detail.startswith("the file is in STATEMENT_FOLDER and not reconciled: ")
    assert text is not None
    assert "is there but not reconciled" in text
