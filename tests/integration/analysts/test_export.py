"""Exported files hold what the warehouse holds: every row, every value, exactly."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from psycopg2.extensions import cursor

from include import export
from include.commands.export import main
from include.errors import TerminalError
from include.export import Selection
from include.settings import Settings
from tests.factories import Database
from tests.integration.analysts.desk import TODAY, YESTERDAY

RELATIONS = (
    "SELECT nspname || '.' || relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
    " WHERE nspname IN ('curated', 'ops') AND relkind IN ('r', 'v') ORDER BY 1"
)


@pytest.fixture(autouse=True)
def warehouse(desk_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", desk_url)
    monkeypatch.delenv("MARKET", raising=False)
    monkeypatch.chdir(tmp_path)


def said(cur: cursor, table: str, where: str = "") -> tuple[list[str], list[tuple[Any, ...]]]:
    cur.execute(f"SELECT * FROM {table}{where}")
    names = [column.name for column in cur.description or ()]
    return names, sorted(cur.fetchall(), key=repr)


def parquet(path: str, columns: str = "*") -> tuple[list[str], list[tuple[Any, ...]]]:
    with duckdb.connect() as duck:
        found = duck.execute(f"SELECT {columns} FROM read_parquet('{path}')")
        names = [column[0] for column in found.description]
        return names, [tuple(map(_plain, row)) for row in found.fetchall()]


def _plain(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows in an order that does not depend on how many zeros a number ends with."""
    return sorted(rows, key=lambda row: repr([float(v) if isinstance(v, Decimal) else v for v in row]))


def test_every_table_and_view_comes_back_as_it_is(analyst: cursor) -> None:
    analyst.execute(RELATIONS)
    for (table,) in analyst.fetchall():
        if table == "ops.freshness":  # ages: other at each look
            continue
        assert main(["--table", table, "--file", "x.parquet"]) == 0
        names, rows = said(analyst, table)
        read_names, read = parquet("x.parquet")
        assert read_names == names
        plain = [tuple(map(_plain, row)) for row in rows]
        assert in_order(read) == in_order(plain), table
    assert Path("x.parquet").exists()


def test_types_are_exact() -> None:
    assert main(["--table", "curated.pnl_hourly_changes", "--file", "changes.parquet"]) == 0
    assert main(["--table", "curated.pnl_hourly"]) == 0
    with duckdb.connect() as duck:
        types = {
            row[0]: row[1]
            for file in ("changes.parquet", "pnl_hourly.parquet")
            for row in duck.execute(f"DESCRIBE SELECT * FROM '{file}'").fetchall()
        }
    assert {types[name] for name in types if name.endswith("_eur")} == {"DECIMAL(38,18)"}
    assert {types[name] for name in types if name.endswith(("_mwh", "_seconds"))} == {"DECIMAL(38,12)"}
    assert (types["delivery_day"], types["valid_from" if "valid_from" in types else "built_at"]) == (
        "DATE",
        "TIMESTAMP WITH TIME ZONE",
    )
    assert (types["causes"], types["trade_count"], types["is_complete"]) == ("VARCHAR[]", "BIGINT", "BOOLEAN")


@pytest.mark.parametrize(
    ("arguments", "where", "name"),
    [
        (["--market", "fi"], " WHERE market = 'FI'", "pnl_hourly-fi"),
        (
            ["--from", "2025-03-18", "--to", "2025-03-19"],
            f" WHERE delivery_day BETWEEN '{YESTERDAY}' AND '{TODAY}'",
            "pnl_hourly-2025-03-18-2025-03-19",
        ),
        (["--from", "2025-03-19", "--market", "DE"], f" WHERE delivery_day >= '{TODAY}' AND market = 'DE'",
         "pnl_hourly-DE-2025-03-19"),
        (["--to", "2000-01-01"], " WHERE false", "pnl_hourly-2000-01-01"),
    ],
)  # fmt: skip
def test_a_part_of_a_table(
    analyst: cursor, arguments: list[str], where: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--table", "curated.pnl_hourly", *arguments]) == 0
    expected = said(analyst, "curated.pnl_hourly", where)[1]
    assert capsys.readouterr().out == f"wrote {name}.parquet: {len(expected):,} rows\n"
    read = parquet(f"{name}.parquet")[1]
    assert in_order(read) == in_order([tuple(map(_plain, row)) for row in expected])


def test_csv_has_every_digit(analyst: cursor) -> None:
    assert main(["--table", "curated.pnl_daily", "--format", "csv", "--file", "daily.csv"]) == 0
    with Path("daily.csv").open(newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    names, rows = said(analyst, "curated.pnl_daily")
    expected = {(row[0], str(row[1]), row[2]): dict(zip(names, row, strict=True)) for row in rows}
    assert len(read) == len(expected) > 5
    for line in read:
        row = expected[line["market"], line["delivery_day"], line["trader_id"]]
        for name, value in row.items():
            match value:
                case None:
                    assert line[name] == ""
                case bool():
                    assert line[name] == ("t" if value else "f")
                case Decimal() | int():
                    assert Decimal(line[name]) == value
                case datetime():
                    assert datetime.fromisoformat(line[name]) == value
                case _:
                    assert line[name] == str(value)


def test_texts_of_any_kind_and_long_numbers(settings: Settings, database: Database, tmp_path: Path) -> None:
    texts = ["", "a,b", 'say "x"', "two\nlines", "\r\n", "NULL", "\\N", "ü€😀", " x ", "=1+1", "'"]
    for number, text in enumerate(texts, 1):
        database.insert(
            "ops.rejected_messages", landing_file_id=1, load_batch_id=database.batch(), line_number=number,
            raw=text, detail=text, delivery_day=TODAY, delivery_hours=[text, "b"],
            reason_code="not_text",
        )  # fmt: skip
    path = tmp_path / "r.parquet"
    assert export.run(settings, Selection("ops.rejected_messages"), "parquet", path) == len(texts)
    _, rows = parquet(str(path), "raw, detail, delivery_hours, review")
    assert rows == [(text, text, [text, "b"], None) for text in texts]

    exact, too_long = Decimal("9999.123456789012345678"), Decimal("0.1234567890123456789")
    database.pnl(date(2026, 3, 2), "10-11", "anna", Decimal(1), buy_value_eur=exact)
    selection = Selection("curated.pnl_hourly")
    assert export.run(settings, selection, "parquet", path) == 1
    assert parquet(str(path), "buy_value_eur, cash_flow_eur")[1] == [(exact, 0 - exact + 1)]
    database.pnl(date(2026, 3, 2), "11-12", "anna", Decimal(1), buy_value_eur=too_long)
    with pytest.raises(TerminalError, match=r"_eur has a number of more than 18 decimals, FORMAT=csv has it"):
        export.run(settings, selection, "parquet", path)
    assert parquet(str(path), "buy_value_eur")[1] == [(exact,)], "the file of before stays"
    assert list(tmp_path.glob(".*")) == []
    assert export.run(settings, selection, "csv", path) == 2
    assert str(too_long) in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--table", "curated.trades", "--from", "2026-03-03", "--to", "2026-03-02"], "FROM 2026-03-03 is"),
        (["--table", "raw.trades"], "there is no table or view 'raw.trades' in curated and ops;"),
        (["--table", "curated.trades; DROP TABLE x"], "there is no table or view"),
        (["--table", "curated.market_today"], "there is no table or view"),
        (["--table", "curated.trades", "--market", "SE"], "there is no market 'SE'; there are: DE, FI"),
        (["--table", "curated.trades", "--from", "1.3."], "FROM must be a delivery day like 2026-03-02"),
        (["--table", "ops.landing_scans", "--to", "2026-03-01"], "ops.landing_scans has no column of days:"),
        (["--table", "curated.trades", "--format", "xls"], "the format must be one of parquet, csv, not 'xls'"),
        (["--table", "curated.trades", "--file", "no/folder.parquet"], "cannot write no/folder.parquet: No"),
        (["--table", "curated.trades", "--format", "csv", "--file", "no/folder.csv"], "cannot write no/folder"),
        (["--table", "ops.connected_intervals", "--market", "DE"], "ops.connected_intervals is not about"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(TerminalError) as error:
        main(arguments)
    assert capsys.readouterr() == ("", "")
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_fails_in_the_middle_leaves_no_file(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    database.rows(
        "CREATE VIEW curated.numbers AS SELECT ARRAY[n, NULL] AS x, n / 4.0 AS y"
        " FROM generate_series(1, 3) AS n"
    )
    assert export.run(settings, Selection("curated.numbers"), "parquet", tmp_path / "x") == 3
    assert parquet(str(tmp_path / "x"))[1] == [([n, None], Decimal(n) / 4) for n in (1, 2, 3)]
    (tmp_path / "x").unlink()
    database.rows(
        "CREATE VIEW curated.broken AS SELECT 1 / (500000 - n) AS x, repeat('x', 100) AS y"
        " FROM generate_series(1, 600000) AS n"
    )
    for form in export.FORMATS:
        with pytest.raises(TerminalError, match="division by zero"):
            export.run(settings, Selection("curated.broken"), form, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []
