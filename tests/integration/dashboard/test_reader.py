"""Reads for the trading desk: exact, of one moment, unable to write, and never endless."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from typing import TypeVar

import psycopg2
import pytest

from include.dashboard.reader import Query, Reader, UnavailableError
from tests.factories import Database

T = TypeVar("T")


@pytest.fixture
def reader(warehouse_url: str) -> Iterator[Reader]:
    reader = Reader(lambda: warehouse_url, "test", 1, 1)
    yield reader
    reader.close()


def answer(reader: Reader, work: Callable[[Query], T]) -> T:
    return asyncio.run(reader.answer(reader.submit(work)))


def test_numbers_keep_every_digit(reader: Reader) -> None:
    numbers = "SELECT 0.00000001 AS small, 123456789012345678901.10 AS large, NULL::numeric AS none, 7 AS whole"
    rows = answer(reader, lambda query: query(numbers))
    assert rows == [{"small": "0.00000001", "large": "123456789012345678901.10", "none": None, "whole": 7}]


def test_a_reader_cannot_write(reader: Reader) -> None:
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        answer(reader, lambda query: query("DELETE FROM curated.pnl_hourly"))


def test_one_read_sees_one_moment(reader: Reader, database: Database) -> None:
    count = "SELECT count(*) AS count FROM ops.alarms"

    def read(query: Query) -> list[int]:
        first = query(count)[0]["count"]
        database.insert("ops.alarms", alarm="a")
        return [first, query(count)[0]["count"]]

    assert answer(reader, read) == [0, 0]
    assert answer(reader, lambda query: query(count)) == [{"count": 1}]


def test_a_statement_that_takes_too_long_is_ended(reader: Reader) -> None:
    with pytest.raises(UnavailableError, match=r"takes too long"):
        answer(reader, lambda query: query("SELECT pg_sleep(30)"))
    assert answer(reader, lambda query: query("SELECT 1 AS one")) == [{"one": 1}]


def test_a_server_that_is_frozen_is_told_of(reader: Reader, database: Database) -> None:
    pid = "SELECT pg_backend_pid() AS pid"
    (row,) = answer(reader, lambda query: query(pid))
    os.kill(row["pid"], signal.SIGSTOP)
    try:
        with pytest.raises(UnavailableError, match=r"^The database does not answer"):
            answer(reader, lambda query: query(pid))
    finally:
        os.kill(row["pid"], signal.SIGCONT)
    assert answer(reader, lambda query: query(pid)) == [row]


def test_where_there_is_no_server_everybody_is_told_so() -> None:
    reader = Reader(lambda: "postgresql://nobody@127.0.0.1:1/nothing", "test", 1, 1)
    with pytest.raises(UnavailableError, match=r"^The database does not answer"):
        answer(reader, lambda query: query("SELECT 1"))
    reader.close()
