"""The golden cases on PostgreSQL 16, as a warehouse that is already there may have it."""

import subprocess
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from include.local import postgres as embedded
from include.local.account import ServerAccount
from include.local.ports import find_free
from include.warehouse.migrate import migrate
from tests.factories import Database
from tests.sql.test_golden import test_golden as test_golden  # with the fixtures of this module
from tests.waiting import eventually


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the superuser's database on a server of version 16, which the wheel brings, too."""
    binaries = embedded.binaries().parent.parent / "pginstall" / "bin"
    folder = tmp_path_factory.mktemp("older")
    account = ServerAccount.choose(binaries / "postgres", folder, folder)
    for shared in (folder, folder.parent):
        shared.chmod(0o755)
    account.give(folder)
    data, port = folder / "data", find_free()
    initdb = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
    subprocess.run(
        [*account.prefix, *initdb, "--locale=C.UTF-8", "--no-sync"], cwd="/", check=True, capture_output=True
    )
    options = ["--listen_addresses=127.0.0.1", "--unix_socket_directories=", "--fsync=off", f"--port={port}"]
    server = subprocess.Popen([*account.prefix, str(binaries / "postgres"), "-D", str(data), *options], cwd="/")
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    try:
        eventually(lambda: _answers(url))
        yield url
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def migrated_template(postgres: str) -> str:
    """Name of a migrated database that each test's warehouse is copied from."""
    with closing(Database(postgres)) as server:
        assert server.value("SHOW server_version_num").startswith("16")
        server.rows("CREATE DATABASE warehouse_template")
    migrate(postgres.rsplit("/", 1)[0] + "/warehouse_template")
    return "warehouse_template"


def _answers(url: str) -> bool:
    try:
        psycopg2.connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True
