"""Packets between us and PostgreSQL get lost without an answer: both ends notice, and locks come free."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from include.local.postgres import EmbeddedPostgres
from include.settings import PROJECT_ROOT
from tests.integration.warehouse.lost_client import CLIENTS, LOCKS
from tests.network import Namespace, namespace

NOTICED_WITHIN_SECONDS = 60.0


@pytest.fixture
def network() -> Iterator[Namespace]:
    with namespace() as made:
        yield made


@pytest.fixture
def server(network: Namespace, tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A cluster that listens on the link to the namespace as well."""
    settings = {"listen_addresses": f"127.0.0.1,{network.host_address}"}
    # the server's end has to be told by us: a server elsewhere is not configured by us
    defaults = {
        **{f"tcp_keepalives_{name}": "0" for name in ("idle", "interval", "count")},
        **{"tcp_user_timeout": "0", "client_connection_check_interval": "0"},
    }
    postgres = EmbeddedPostgres(tmp_path / "postgres", durable=False, settings=settings | defaults)
    try:
        postgres.start()
        postgres.create_warehouse()
        with (postgres.directory / "data" / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {network.address}/32 scram-sha-256\n")
        with postgres.connect("postgres") as connection:
            connection.cursor().execute("SELECT pg_reload_conf()")
        yield postgres
    finally:
        postgres.stop()


@pytest.mark.timeout(300)
def test_lost_packets_are_noticed_by_both_ends(network: Namespace, server: EmbeddedPostgres) -> None:
    url = server.url("warehouse", "pipeline").replace("127.0.0.1", network.host_address)
    with ExitStack() as stack:
        clients = {kind: stack.enter_context(lost_client(network, url, kind)) for kind in CLIENTS}
        for kind, client in clients.items():
            assert client.stdout is not None
            assert client.stdout.readline() == "ready\n", kind
        network.black_hole()
        lost_at = time.monotonic()
        for client in clients.values():
            assert client.stdin is not None
            client.stdin.write("\n")
            client.stdin.flush()
        with server.connect("warehouse", "pipeline") as connection, connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '120s'")
            for lock in LOCKS.values():
                cursor.execute("SELECT pg_advisory_lock(%s)", (lock,))
        free_after = time.monotonic() - lost_at
        ends = {kind: client.communicate(timeout=120)[0].split(" ", 1) for kind, client in clients.items()}
        noticed_after = time.monotonic() - lost_at
    assert {kind: words[0] for kind, words in ends.items()} == {
        "idle": "TransientError",
        "waiting": "TransientError",
        "newcomer": "TransientError",
        "sqlalchemy": "OperationalError",
        "airflow": "OperationalError",
    }
    assert free_after < NOTICED_WITHIN_SECONDS
    assert noticed_after < NOTICED_WITHIN_SECONDS


@contextmanager
def lost_client(network: Namespace, url: str, kind: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.integration.warehouse.lost_client", kind]
    with subprocess.Popen(
        network.command(*command),
        cwd=PROJECT_ROOT,
        env=os.environ | {"WAREHOUSE_URL": url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as client:
        try:
            yield client
        finally:
            client.kill()
