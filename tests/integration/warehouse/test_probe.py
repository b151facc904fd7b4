"""A row in bounded time from every kind of server: one that answers, refuses, is stopped or says nothing."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from include.errors import TransientError
from include.local.postgres import EmbeddedPostgres, embedded_postgres
from include.warehouse.probe import answers, fetch_row
from tests.signals import signal_all


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One of our own: it gets stopped."""
    with embedded_postgres(tmp_path_factory.mktemp("database"), durable=False) as running:
        yield running


@contextmanager
def frozen(server: EmbeddedPostgres) -> Iterator[None]:
    master = server.postmaster()
    assert master is not None
    processes = [master, *master.children(recursive=True)]
    signal_all(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        signal_all(processes, signal.SIGCONT)


def test_the_first_row_and_none_where_there_is_none(server: EmbeddedPostgres) -> None:
    url = server.url("warehouse", "pipeline")
    assert fetch_row(url, "SELECT %(n)s + 1, 'x'", {"n": 2}, timeout_seconds=10) == (3, "x")
    assert fetch_row(url, "SELECT 1 WHERE false", timeout_seconds=10) is None
    assert answers(url)


def test_an_error_of_the_statement_is_transient(server: EmbeddedPostgres) -> None:
    with pytest.raises(TransientError, match="no_such_table"):
        fetch_row(server.url("warehouse", "pipeline"), "SELECT FROM no_such_table", timeout_seconds=10)


def test_a_server_whose_processes_are_stopped_does_not_answer(server: EmbeddedPostgres) -> None:
    """It takes the connection all the same: the kernel does."""
    url = server.url("warehouse", "pipeline")
    with frozen(server), pytest.raises(TransientError, match=r"does not answer within 0\.3 s"):
        fetch_row(url, "SELECT 1", timeout_seconds=0.3)
    assert answers(url, timeout_seconds=30)


def test_a_server_that_is_stopped_between_connection_and_answer(server: EmbeddedPostgres) -> None:
    url = server.url("warehouse", "pipeline")

    def stop_the_one_that_sleeps() -> None:
        while not pids:
            with server.connect("postgres") as connection, connection.cursor() as cursor:
                cursor.execute("SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'")
                pids.extend(pid for (pid,) in cursor.fetchall())
        psutil.Process(pids[0]).send_signal(signal.SIGSTOP)

    pids: list[int] = []
    stopper = threading.Thread(target=stop_the_one_that_sleeps)
    stopper.start()
    try:
        with pytest.raises(TransientError, match="does not answer within 3 s"):
            fetch_row(url, "SELECT pg_sleep(2.5)", timeout_seconds=3)
    finally:
        stopper.join()
        psutil.Process(pids[0]).send_signal(signal.SIGCONT)


def test_nobody_there_and_somebody_who_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://a:b@127.0.0.1:{silent.getsockname()[1]}/x"
        assert not answers(url, timeout_seconds=0.2)
    assert not answers(url, timeout_seconds=10)


def test_a_wrong_password_is_no_answer(server: EmbeddedPostgres) -> None:
    assert not answers(f"postgresql://pipeline:wrong@127.0.0.1:{server.port}/warehouse", timeout_seconds=10)
