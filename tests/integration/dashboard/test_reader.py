"""Reads for the trading desk: exact, of one moment, unable to write, and never endless."""

import asyncio
import os
import signal
from collections.abc import Iterator

import psycopg2
import pytest

from include.dashboard.reader import Query, Reader, UnavailableError
from include.warehouse import connection
from tests.database import Database


@pytest.fixture
def reader(warehouse_url: str) -> Iterator[Reader]:
    reader = Reader(lambda: warehouse_url, "test", 1, 1)
    yield reader
    reader.close()


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Named statements of this test's own."""
    own: dict[str, str] = {}
    monkeypatch.setattr(connection, "named_sql", own.__getitem__)
    return own


def test_numbers_keep_every_digit(reader: Reader, statements: dict[str, str]) -> None:
    statements["x"] = (
        "SELECT 0.00000001 AS small, 123456789012345678901.10 AS large, NULL::numeric AS none, 7 AS whole"
    )
    rows = asyncio.run(reader.read(lambda query: query("x")))
    assert rows == [{"small": "0.00000001", "large": "123456789012345678901.10", "none": None, "whole": 7}]


def test_a_reader_cannot_write(reader: Reader, statements: dict[str, str]) -> None:
    statements["x"] = "DELETE FROM curated.pnl_hourly"
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        asyncio.run(reader.read(lambda query: query("x")))


def test_one_read_sees_one_moment(reader: Reader, statements: dict[str, str], database: Database) -> None:
    statements["count"] = "SELECT count(*) AS count FROM ops.alarms"

    def read(query: Query) -> list[int]:
        first = query("count")[0]["count"]
        database.rows("INSERT INTO ops.alarms (alarm, since_at, detail) VALUES ('a', now(), '')")
        return [first, query("count")[0]["count"]]

    assert asyncio.run(reader.read(read)) == [0, 0]
    assert asyncio.run(reader.read(lambda query: query("count"))) == [{"count": 1}]


def test_a_statement_that_takes_too_long_is_ended(reader: Reader, statements: dict[str, str]) -> None:
    statements |= {"slow": "SELECT pg_sleep(30)", "quick": "SELECT 1 AS one"}
    with pytest.raises(UnavailableError, match=r"takes too long"):
        asyncio.run(reader.read(lambda query: query("slow")))
    assert asyncio.run(reader.read(lambda query: query("quick"))) == [{"one": 1}]


def test_a_server_that_is_frozen_is_told_of(
    reader: Reader, statements: dict[str, str], database: Database
) -> None:
    statements["pid"] = "SELECT pg_backend_pid() AS pid"
    (row,) = asyncio.run(reader.read(lambda query: query("pid")))
    os.kill(row["pid"], signal.SIGSTOP)
    try:
        with pytest.raises(UnavailableError, match=r"^The database does not answer"):
            asyncio.run(reader.read(lambda query: query("pid")))
    finally:
        os.kill(row["pid"], signal.SIGCONT)
    assert asyncio.run(reader.read(lambda query: query("pid"))) == [row]


def test_where_there_is_no_server_everybody_is_told_so() -> None:
    reader = Reader(lambda: "postgresql://nobody@127.0.0.1:1/nothing", "test", 1, 1)
    with pytest.raises(UnavailableError, match=r"^The database does not answer"):
        asyncio.run(reader.read(lambda query: query("x")))
    reader.close()
