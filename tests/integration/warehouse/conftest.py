"""One warehouse for all tests of this folder, each in a transaction that is rolled back."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from alembic import command
from alembic.config import Config
from psycopg2.extensions import cursor

from include.warehouse import migrations
from tests.factories import Database

MIGRATIONS = Path(next(iter(migrations.__path__)))


@pytest.fixture(scope="package")
def shared_warehouse_url(postgres: str, migrated_template: str) -> Iterator[str]:
    """URL of a migrated warehouse in which no test commits anything."""
    with closing(psycopg2.connect(postgres)) as conn, conn.cursor() as cur:
        conn.autocommit = True
        cur.execute(f"CREATE DATABASE shared_warehouse TEMPLATE {migrated_template}")
        yield postgres.rsplit("/", 1)[0] + "/shared_warehouse"
        cur.execute("DROP DATABASE shared_warehouse WITH (FORCE)")


@pytest.fixture
def cur(shared_warehouse_url: str) -> Iterator[cursor]:
    """A cursor of the warehouse's owner in a transaction of this test's own."""
    with (
        closing(psycopg2.connect(shared_warehouse_url, options="-c TimeZone=UTC")) as conn,
        conn.cursor() as cur,
    ):
        yield cur


def upgrade(url: str, revision: str) -> None:
    """Applies the migrations up to a revision."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["warehouse_url"] = url
    command.upgrade(config, revision)


@pytest.fixture
def older(postgres: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of an empty warehouse whose schema is that of an earlier revision, the parameter of the test."""
    with closing(Database(postgres)) as server:
        server.rows("CREATE DATABASE older")
        url = postgres.rsplit("/", 1)[0] + "/older"
        upgrade(url, request.param)
        yield url
        server.rows("DROP DATABASE older WITH (FORCE)")
