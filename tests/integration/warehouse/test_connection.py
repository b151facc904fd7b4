"""What a connection of ours waits for, and what an end of its patience means."""

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from psycopg2.extensions import connection
from sqlalchemy import create_engine, text

from include.errors import TerminalError, TransientError
from include.warehouse.connection import LOCK_TIMEOUT, STATEMENT_TIMEOUT, connect, connection_parameters
from include.warehouse.connection import sqlalchemy_url as with_driver

SETTINGS = {
    "TimeZone": "UTC",
    "search_path": "pg_catalog",
    "statement_timeout": STATEMENT_TIMEOUT,
    "lock_timeout": LOCK_TIMEOUT,
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    "tcp_user_timeout": "30000",
    "client_connection_check_interval": "5s",
    "application_name": "somebody",
}


@pytest.fixture
def holder(shared_warehouse_url: str) -> Iterator[connection]:
    """Somebody else, who holds the advisory lock 1."""
    with closing(psycopg2.connect(shared_warehouse_url)) as conn, conn.cursor() as cur:
        cur.execute("SELECT pg_advisory_lock(1)")
        yield conn


@pytest.mark.parametrize(
    "url",
    ["generic://role:secret@db/warehouse", "mysql://role:secret@db/warehouse", "None://", "postgresql://"],
)
def test_a_connection_of_airflow_that_is_no_address_is_refused_in_words(url: str) -> None:
    """Of the kinds that Airflow's form offers only generic is near, and libpq quotes what it cannot read."""
    with (
        pytest.raises(TerminalError, match=r"connection warehouse, must be a URL .* postgresql://") as refused,
        connect(url, "somebody"),
    ):
        pass
    assert "secret" not in str(refused.value)


def test_every_library_gets_the_same_session(shared_warehouse_url: str) -> None:
    shown = "SELECT current_setting(name) FROM unnest(%s) WITH ORDINALITY AS n (name, at) ORDER BY at"
    with connect(shared_warehouse_url, "somebody") as conn, conn.cursor() as cur:
        cur.execute(shown, (list(SETTINGS),))
        ours = [value for (value,) in cur]
        tcp = conn.info.dsn_parameters
    engine = create_engine(with_driver(shared_warehouse_url), connect_args=connection_parameters("somebody"))
    with engine.connect() as theirs:
        for name, value in zip(SETTINGS, ours, strict=True):
            assert theirs.execute(text(f"SHOW {name}")).scalar() == value
    engine.dispose()
    assert dict(zip(SETTINGS, ours, strict=True)) == SETTINGS
    assert {name: tcp[name] for name in tcp if name.startswith(("keepalives", "tcp_"))} == {
        "keepalives": "1",
        "keepalives_idle": "15",
        "keepalives_interval": "5",
        "keepalives_count": "4",
        "tcp_user_timeout": "30000",
    }


@pytest.mark.usefixtures("holder")
@pytest.mark.parametrize("timeout", ["lock_timeout", "statement_timeout"])
def test_who_waited_too_long_may_try_again(shared_warehouse_url: str, timeout: str) -> None:
    def wait() -> None:
        with connect(shared_warehouse_url, "impatient") as conn, conn, conn.cursor() as cur:
            cur.execute("SELECT set_config(%s, '50ms', false)", (timeout,))
            cur.execute("SELECT pg_advisory_lock(1)")

    with pytest.raises(TransientError, match=timeout.replace("_", " ")):
        wait()


@pytest.mark.parametrize(
    ("session", "statement"),
    [
        ("SELECT 1", "SELECT FROM curated.never_made"),
        ("SELECT 1", "SELECT FROM never_made.pnl_hourly"),
        ("SELECT 1", "SELECT never_made FROM curated.pnl_hourly"),
        ("SELECT 1", "SELECT curated.never_made()"),
        ("CREATE ROLE reads_nothing; SET ROLE reads_nothing", "SELECT FROM curated.pnl_hourly"),
    ],
)
def test_what_is_no_warehouse_of_this_version_is_said_in_a_line(
    shared_warehouse_url: str, session: str, statement: str
) -> None:
    def ask() -> None:
        with connect(shared_warehouse_url, "lost") as conn, conn.cursor() as cur:
            cur.execute(f"{session}; {statement}")

    with pytest.raises(TransientError, match=r"not migrated to this version.*(not exist|denied)") as told:
        ask()
    assert "\n" not in str(told.value)


def test_a_server_that_lets_nobody_write_may_take_it_later(shared_warehouse_url: str) -> None:
    """A standby after a failover, or a provider that waits for a larger disk."""

    def write() -> None:
        with (
            connect(shared_warehouse_url, "refused", default_transaction_read_only="on") as conn,
            conn,
            conn.cursor() as cur,
        ):
            cur.execute("DELETE FROM ops.alarms")

    with pytest.raises(TransientError, match="the warehouse: cannot execute DELETE in a read-only transaction"):
        write()
