"""Servers that several test folders share: one throw-away PostgreSQL a session, one fresh warehouse a test."""

import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from include.jobs import build_pnl
from include.local.postgres import embedded_postgres
from include.settings import Settings
from include.warehouse.migrate import migrate
from tests.factories import Database

# a full collection takes a third of a second once Great Expectations is imported: a tenth as often is enough
gc.set_threshold(700, 10, 100)

# importing Airflow writes its configuration to AIRFLOW_HOME: not into the developer's home
_airflow_home = tempfile.TemporaryDirectory(prefix="airflow-")
os.environ.setdefault("AIRFLOW_HOME", _airflow_home.name)
# the settings of the platform that somebody runs from this checkout are none of the tests' business
os.environ["ENV_FILE"] = os.devnull

# nor is the proxy of the developer's company: the servers of the tests are on this machine
for _name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[_name]

_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 8 * 2**30
"""For the servers of all workers, with much to spare."""
_numbers = itertools.count()


def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as cores: more than half of its time a test waits for a server or a page."""
    return (os.cpu_count() or 1) * 2


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spreads the files that start a platform over the first half of the others.

    Several at once leave no core for the rest, and one that comes last lets the other cores wait.
    """
    platforms = {item.path for item in items if item.get_closest_marker("e2e")}
    kinds = {True: list[Path](), False: list[Path]()}
    for path in dict.fromkeys(item.path for item in items):
        kinds[path in platforms].append(path)
    kinds[True].reverse()  # the longest are the last ones of all
    places = {
        path: number / len(paths) / (2 if is_platform else 1)
        for is_platform, paths in kinds.items()
        for number, path in enumerate(paths)
    }
    items.sort(key=lambda item: places[item.path])


@pytest.fixture(scope="session")
def postgres_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of the session's server: in memory where there is room, because a warehouse is a thousand files."""
    if _MEMORY.exists() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
        with tempfile.TemporaryDirectory(prefix="postgres-", dir=_MEMORY) as folder:
            yield Path(folder)
    else:
        yield tmp_path_factory.mktemp("postgres")


@pytest.fixture(scope="session")
def postgres(postgres_folder: Path) -> Iterator[str]:
    """URL of the superuser's database on an embedded server that only this session uses."""
    with embedded_postgres(postgres_folder, durable=False) as server:
        yield server.url("postgres")


@pytest.fixture(scope="session")
def migrated_template(postgres: str) -> str:
    """Name of a migrated database that each test's warehouse is copied from."""
    _execute(postgres, sql.SQL("CREATE DATABASE warehouse_template"))
    migrate(postgres.rsplit("/", 1)[0] + "/warehouse_template")
    return "warehouse_template"


@pytest.fixture
def warehouse_url(postgres: str, migrated_template: str) -> Iterator[str]:
    """URL of an empty, migrated warehouse of this test's own."""
    with _warehouse(postgres, migrated_template) as url:
        yield url


@pytest.fixture
def second_warehouse_url(postgres: str, migrated_template: str) -> Iterator[str]:
    """URL of another one, for tests that compare two."""
    with _warehouse(postgres, migrated_template) as url:
        yield url


@pytest.fixture
def settings(warehouse_url: str, tmp_path: Path) -> Settings:
    """Settings of a platform of this test's own; no exchange and no provider runs."""
    return replace(
        Settings(),
        warehouse_url=warehouse_url,
        landing_root=tmp_path / "landing",
        data_docs_root=tmp_path / "data_docs",
        report_root=tmp_path / "reports",
    )


@pytest.fixture
def database(warehouse_url: str) -> Iterator[Database]:
    """The test's warehouse, to be looked at and to put rows into."""
    with closing(Database(warehouse_url)) as database:
        yield database


@pytest.fixture
def without_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Validations write no pages, which have tests of their own."""
    from include.expectations import data_docs  # seconds of imports

    monkeypatch.setattr(data_docs, "publish", lambda *_: None)


@pytest.fixture
def without_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """PnL that was built is not checked, which has tests of its own."""
    monkeypatch.setattr(build_pnl, "_check", lambda *_: None)


@contextmanager
def _warehouse(postgres: str, template: str) -> Iterator[str]:
    name = f"warehouse_{next(_numbers)}"
    _execute(
        postgres,
        sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
            sql.Identifier(name), sql.Identifier(template)
        ),
    )
    yield postgres.rsplit("/", 1)[0] + "/" + name
    _execute(postgres, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(url: str, statement: sql.Composable) -> None:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()
