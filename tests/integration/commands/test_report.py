"""The report against the warehouse: the same numbers as SQL, and one line for what cannot be answered."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from psycopg2.extensions import cursor

from include import day_report
from include.commands.report import main
from include.csv_file import BYTE_ORDER_MARK
from include.domain.pnl import Fill
from include.errors import TerminalError
from include.report import COLUMNS, Report, run
from include.settings import Settings
from tests.factories import Database

DAY = date(2026, 3, 1)
NUMBERS = [column for column in COLUMNS if column.name not in ("delivery_period", "note")]

ANNA = [Fill("sell", Decimal("1.2"), Decimal("10.2")), Fill("sell", Decimal("0.1"), Decimal("11.35"))]
BERT = [Fill("buy", Decimal("3.7"), Decimal("-4.01")), Fill("sell", Decimal("1.5"), Decimal("7"))]


@pytest.fixture
def traded(database: Database) -> cursor:
    """Two traders, two hours each, the later one without a price for one of them."""
    price = Decimal("9.8")
    database.pnl(DAY, "13-14", "bert", None, fills=BERT, capture_gap_seconds=Decimal("725.5"))
    database.pnl(DAY, "12-13", "bert", price, fills=BERT)
    database.pnl(DAY, "12-13", "anna", price, fills=ANNA)
    database.pnl(DAY, "09-10", "anna", Decimal("-3.123456"), fills=ANNA)
    database.pnl(DAY + timedelta(days=1), "12-13", "carl", Decimal(5), fills=ANNA)
    return database.cursor


def expected(cur: cursor, relation: str, where: str) -> list[list[Any]]:
    names = ", ".join(column.name for column in NUMBERS)
    cur.execute(
        f"SELECT {names} FROM {relation} WHERE delivery_day = '2026-03-01'{where} ORDER BY delivery_start_at"
    )
    return [list(row) for row in cur]


def values(of: Report, title: str) -> list[Any]:
    return [row[title] for row in of.table]


def numbers(of: Report) -> list[list[Any]]:
    return [[row[column.title] for column in NUMBERS] for row in of.table]


@pytest.mark.parametrize("trader", ["anna", "bert"])
def test_a_traders_numbers_are_those_of_sql(traded: cursor, settings: Settings, trader: str) -> None:
    rows = numbers(run(settings, DAY, trader))
    assert rows[:-1] == expected(traded, "curated.pnl_hourly", f" AND trader_id = '{trader}'")
    assert len(rows) == 3
    assert all(isinstance(row[1], Decimal) for row in rows)


def test_the_portfolios_numbers_are_those_of_sql(traded: cursor, settings: Settings) -> None:
    of = run(settings, DAY)
    assert numbers(of)[:-1] == expected(traded, "curated.portfolio_pnl_hourly", "")
    assert values(of, "delivery period") == [
        "2026-03-01 09-10",
        "2026-03-01 12-13",
        "2026-03-01 13-14",
        "total",
    ]


@pytest.mark.parametrize(("trader", "view"), [("anna", "pnl_daily"), (None, "portfolio_pnl_daily")])
def test_the_totals_are_those_of_sql(traded: cursor, settings: Settings, trader: str | None, view: str) -> None:
    total = dict(zip([c.name for c in NUMBERS], numbers(run(settings, DAY, trader))[-1], strict=True))
    assert total.pop("reference_price_eur_per_mwh") is None
    where = "" if trader is None else f" AND trader_id = '{trader}'"
    traded.execute(f"SELECT {', '.join(total)} FROM curated.{view} WHERE delivery_day = '2026-03-01'{where}")
    assert traded.fetchone() == tuple(total.values())


def test_a_total_without_all_prices_is_missing_and_says_how_many(traded: cursor, settings: Settings) -> None:
    of = run(settings, DAY, "bert")
    assert values(of, "PnL EUR")[0] is not None
    assert values(of, "PnL EUR")[1] is None
    assert values(of, "PnL EUR")[2] is None
    assert (
        values(of, "note")[2] == "1 of 2 delivery periods without a price; ! 1 of 2 delivery periods incomplete"
    )
    assert values(of, "price is")[2] == "missing"


def test_an_incomplete_hour_says_why(traded: cursor, settings: Settings) -> None:
    notes = values(run(settings, DAY, "bert"), "note")
    assert notes[:2] == ["", "! incomplete: no connection for 12 min while it was tradable"]


def test_an_hour_with_messages_that_wait_says_so(traded: cursor, settings: Settings) -> None:
    traded.execute("UPDATE curated.pnl_versions SET has_unreviewed_messages = true WHERE trader_id = 'bert'")
    assert values(run(settings, DAY, "bert"), "note") == [
        "! incomplete: messages wait for a review",
        "! incomplete: no connection for 12 min while it was tradable; messages wait for a review",
        "1 of 2 delivery periods without a price; ! 2 of 2 delivery periods incomplete",
    ]


def held_back(database: Database, *hours: str) -> None:
    """A trade of each of these hours is in quarantine."""
    batch = database.batch()
    for hour in hours:
        database.trade(batch, DAY, hour, trader="anna")
    columns = (
        "market, trade_id, direction, revision, trader_id, price_eur_per_mwh, quantity_mw, delivery_day,"
        " delivery_hour, received_at, landing_file_id, line_number"
    )
    database.rows(
        f"INSERT INTO ops.quarantined_trades ({columns}, expectation) SELECT {columns}, 'e' FROM raw.trades"
    )


def test_hours_about_which_only_messages_came_are_counted(
    traded: cursor, database: Database, settings: Settings
) -> None:
    held_back(database, "12-13", "20-21", "20:00-20:15", "21-22")
    waiting = "! 2 hours without trades have messages that wait for a review"
    assert values(run(settings, DAY, "anna"), "note") == ["", "", waiting]
    assert values(run(settings, DAY), "note")[-1].endswith(f"incomplete; {waiting}")


def test_an_hour_that_others_traded_is_one_without_trades_of_a_trader(
    traded: cursor, database: Database, settings: Settings
) -> None:
    """As on the trading desk: anna's trade of 13-14 is held back, where bert traded."""
    held_back(database, "13-14")
    waiting = "! 1 hour without trades has messages that wait for a review"
    assert values(run(settings, DAY, "anna"), "note") == ["", "", waiting]
    assert waiting not in values(run(settings, DAY, "bert"), "note")[-1]
    assert waiting not in values(run(settings, DAY), "note")[-1]


def test_files_have_the_market_as_their_last_column(
    traded: cursor, command: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command("--format", "csv") == command("--format", "xlsx") == command() == 0
    text, table = capsys.readouterr().out.split("delivery period  ", 1)
    rows = list(csv.reader(text.removeprefix(BYTE_ORDER_MARK).splitlines()))
    assert [row[-2:] for row in (rows[0], rows[1], rows[-1])] == [
        ["note", "market"], ["", "DE"], [rows[-1][-2], "DE"]
    ]  # fmt: skip
    sheet = openpyxl.load_workbook(tmp_path / "pnl-2026-03-01.xlsx").active
    assert sheet is not None
    assert [cell.value for cell in sheet["L"]] == ["market", "DE", "DE", "DE", "DE"]
    assert "DE" not in table


def test_a_complete_priced_day_has_no_notes(traded: cursor, settings: Settings) -> None:
    assert set(values(run(settings, DAY, "anna"), "note")) == {""}


def test_a_stranger_is_told_who_traded(traded: cursor, settings: Settings) -> None:
    with pytest.raises(
        TerminalError, match=r"^nobody' has no trades for delivery on 2026-03-01; who has: anna, bert$"
    ):
        run(settings, DAY, "nobody'")


def test_who_has_no_trade_but_one_that_is_held_back_is_told_so(
    traded: cursor, database: Database, settings: Settings
) -> None:
    held_back(database, "13-14", "20-21")
    with pytest.raises(
        TerminalError, match=r"anna, bert\n! 2 hours without trades have messages that wait for a review$"
    ):
        run(settings, DAY, "dora")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> Any:
    """The command in an empty folder, against this test's warehouse."""
    monkeypatch.setattr("include.commands.report.command_settings", lambda: settings)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: main(["--day", "2026-03-01", *arguments])


def test_the_command_prints_nothing_but_the_table(
    traded: cursor, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("--trader", "anna") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "\x1b" not in shown.out
    lines = shown.out.splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("delivery period")
    assert " ".join(lines[3].split()) == "2026-03-01 12-13 2 0.0 1.3 -1.3 10.29 9.80 final +0.49 0.64"
    assert lines[4].startswith("total")


def test_empty_arguments_are_none(traded: cursor, command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--trader", "", "--format", "", "--output", "") == 0
    assert len(capsys.readouterr().out.splitlines()) == 6


def test_csv_comes_out_as_it_would_be_in_a_file(
    traded: cursor, command: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command("--format", "csv") == 0
    shown = capsys.readouterr()
    assert command("--format", "csv", "--output", "day.csv") == 0
    assert (tmp_path / "day.csv").read_bytes() == shown.out.encode()
    assert "wrote day.csv" in capsys.readouterr().err
    rows = list(csv.DictReader(shown.out.removeprefix(BYTE_ORDER_MARK).splitlines()))
    traded.execute("SELECT pnl_eur FROM curated.portfolio_pnl_hourly WHERE delivery_hour = '09-10'")
    (pnl,) = traded.fetchone() or (None,)
    assert Decimal(rows[0]["PnL EUR"]) == pnl
    assert rows[-1]["PnL EUR"] == ""


def test_csv_has_the_options_of_the_api(
    traded: cursor, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("--format", "csv") == command("--format", "csv", "--decimal", "comma") == 0
    point, comma = capsys.readouterr().out.split(BYTE_ORDER_MARK)[1:]
    points, commas = (
        list(csv.DictReader(text.splitlines(), delimiter=delimiter))
        for text, delimiter in ((point, ","), (comma, ";"))
    )
    assert "." in points[0]["PnL EUR"]
    assert commas[0]["PnL EUR"] == points[0]["PnL EUR"].replace(".", ",")
    assert [row["note"] for row in commas] == [row["note"] for row in points]


def test_a_spreadsheet_is_named_by_itself(
    traded: cursor, command: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command("--trader", "bert", "--format", "xlsx") == 0
    assert "wrote pnl-2026-03-01-bert.xlsx" in capsys.readouterr().err
    sheet = openpyxl.load_workbook(tmp_path / "pnl-2026-03-01-bert.xlsx").active
    assert sheet is not None
    assert sheet.max_row == 4
    assert [cell.value for cell in sheet["C"]][1:] == [3.7, 3.7, 7.4]


def test_a_day_without_trades_says_what_to_expect(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert command() == 0
    assert capsys.readouterr().out.startswith("no trades for delivery on 2026-03-01")
    assert command("--format", "csv") == 0
    assert capsys.readouterr().out == ""


def test_a_day_that_was_not_captured_does_not_say_that_nobody_traded(
    database: Database, settings: Settings, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    database.batch()
    lost, back = datetime(2026, 2, 28, 13, 30, tzinfo=UTC), datetime(2026, 3, 1, 10, tzinfo=UTC)
    database.connected(1, (lost - timedelta(days=1), lost), (back, back + timedelta(days=2)))
    assert command() == 0
    assert capsys.readouterr().out == (
        "no trades for delivery on 2026-03-01 are known, and some may be missing: nothing was connected to the"
        " exchange from 2026-02-28 14:30 to 2026-03-01 11:00 market time, while it was tradable\n"
    )
    report = day_report.read(settings, DAY)
    assert report.title == "PnL 2026-03-01 DE, preliminary, 1 open point"
    assert "PnL of the portfolio, EUR: no trades are known for delivery on this day" in report.text
    assert "OPEN: capture_gap: nothing was connected to the exchange from 2026-02-28 14:30 to" in report.text


def test_a_day_of_bad_messages_only_says_so(
    database: Database, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    held_back(database, "20-21")
    assert command() == 0
    assert capsys.readouterr().out.endswith(
        "! 1 hour without trades has messages that wait for a review: the trading desk shows them\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--day", "yesterday"], "DAY must be a delivery day like 2026-03-02, not 'yesterday'\n"),
        (["--day", "2026-02-29"], "DAY must be a delivery day like 2026-03-02, not '2026-02-29'\n"),
        (["--day", ""], "DAY must be a delivery day like 2026-03-02, not ''\n"),
        (["--format", "csv", "--decimal", "dot"], "decimal must be point or comma, not 'dot'\n"),
        (["--format", "pdf"], "the format must be one of table, csv, xlsx, not 'pdf'\n"),
        (["--trader", "eve"], "eve has no trades for delivery on 2026-03-01; who has: anna, bert\n"),
        (["--format", "csv", "--output", "no/such/folder.csv"], "cannot write no/such/folder.csv: "),
        (["--format", "xlsx", "--output", "no/such/folder.xlsx"], "cannot write no/such/folder.xlsx: "),
    ],
)
def test_a_mistake_is_one_line(
    traded: cursor, command: Any, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(TerminalError) as error:
        command(*arguments)
    assert capsys.readouterr() == ("", "")
    assert f"{error.value}\n".startswith(message)
    assert "\n" not in str(error.value)
