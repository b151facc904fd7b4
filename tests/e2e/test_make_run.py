"""What `make run` starts, on free ports: trades and prices to PnL, compared with the specification."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from include.domain.delivery_period import Market
from include.jobs import audit
from include.settings import Settings
from tests.database import Database
from tests.e2e.specification import Specification

PROJECT = Path(__file__).parents[2]
_LONGEST_START_SECONDS = 300.0
_LONGEST_STOP_SECONDS = 20.0
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on right now."""
    sockets = [socket.socket() for _ in range(count)]
    for sock in sockets:
        sock.bind(("127.0.0.1", 0))
    ports = [int(sock.getsockname()[1]) for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def wait_for(what: Callable[[], Any], seconds: float, process: "subprocess.Popen[bytes]") -> Any:
    """What the function returns once it returns something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "make run ended by itself"
        if (found := what()) is not None:
            return found
        time.sleep(1)
    raise AssertionError(f"nothing after {seconds} s")


class Platform:
    """A running platform in a folder of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        airflow, exchange, market_data = free_ports(3)
        environment = {
            k: v for k, v in os.environ.items() if k not in ("WAREHOUSE_URL", "EXCHANGE_URL", "MARKET_DATA_URL")
        }
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "include.local", "run", "--state", str(state),
                "--airflow-port", str(airflow), "--exchange-port", str(exchange),
                "--market-data-port", str(market_data),
            ],
            cwd=PROJECT,
            env=environment,
            stdout=(state.parent / "make-run.log").open("ab"),
            stderr=subprocess.STDOUT,
        )  # fmt: skip

    def credentials(self) -> dict[str, Any] | None:
        path = self.state / "credentials.json"
        return json.loads(path.read_text()) if path.exists() else None

    def settings(self) -> Settings:
        credentials = self.credentials()
        assert credentials is not None
        return replace(
            Settings(), warehouse_url=credentials["warehouse_url"], landing_root=self.state / "landing"
        )

    def stop(self) -> float:
        """SIGTERM, and how long it then took."""
        before = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(timeout=60) == 0
        finally:
            self.process.kill()
        return time.monotonic() - before


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = Platform(tmp_path_factory.mktemp("run") / "state")
    try:
        wait_for(platform.credentials, 120, platform.process)
        yield platform
    finally:
        if platform.process.poll() is None:
            platform.stop()


@pytest.fixture
def database(platform: Platform) -> Iterator[Database]:
    def connect() -> Database | None:
        try:
            database = Database(platform.settings().warehouse_url)
            database.rows("SELECT FROM curated.pnl_hourly LIMIT 1")
        except Exception:  # noqa: BLE001
            return None
        return database

    with closing(wait_for(connect, 120, platform.process)) as database:
        yield database


def test_priced_pnl_without_a_click(platform: Platform, database: Database) -> None:
    def priced() -> int | None:
        return database.value("SELECT count(*) FROM curated.pnl_hourly WHERE pnl_eur IS NOT NULL") or None

    assert wait_for(priced, _LONGEST_START_SECONDS, platform.process) > 0


def test_credentials_are_private_and_log_in(platform: Platform) -> None:
    path = platform.state / "credentials.json"
    assert path.stat().st_mode & 0o777 == 0o600
    airflow = json.loads(path.read_text())["airflow"]
    token = requests.post(
        f"{airflow['url'].rstrip('/')}/auth/token",
        json={"username": airflow["username"], "password": airflow["password"]},
        timeout=30,
    ).json()["access_token"]
    runs = requests.get(
        f"{airflow['url'].rstrip('/')}/api/v2/dags/refresh_pnl/dagRuns",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    ).json()["dag_runs"]
    assert runs
    assert all(run["state"] != "failed" for run in runs)


def test_every_column_equals_the_specification(platform: Platform, database: Database) -> None:
    def snapshot() -> tuple[list[Any], list[Any], list[str]] | None:
        database.rows("BEGIN ISOLATION LEVEL REPEATABLE READ")
        try:
            busy = database.value(
                "SELECT (SELECT count(*) FROM ops.pending_delivery_periods)"
                " + (SELECT count(*) FROM ops.load_batches WHERE state = 'loaded')"
            )
            if busy or not database.value("SELECT count(*) FROM curated.pnl_hourly"):
                return None
            files = database.rows(
                "SELECT source, landing_file, loaded_bytes FROM ops.landing_files"
                " JOIN ops.load_batches USING (landing_file_id, source)"
                " GROUP BY 1, 2, 3 ORDER BY min(load_batch_id)"
            )
            rows = database.rows("SELECT * FROM curated.pnl_hourly")
            assert database.cursor.description is not None
            return files, rows, [column.name for column in database.cursor.description]
        finally:
            database.rows("COMMIT")

    files, rows, names = wait_for(snapshot, 120, platform.process)
    specification = Specification(Market.of("Europe/Berlin"))
    for source, key, loaded_bytes in files:
        path = platform.settings().landing_root / key
        if source == "trades":
            specification.read_trades(path, loaded_bytes)
        else:
            specification.read_prices(path, loaded_bytes)
    built = {row[:3]: dict(zip(names, row, strict=True)) for row in rows}
    assert all(row.pop("built_at") is not None for row in built.values())
    assert built == specification.pnl_hourly()


def test_both_lines_capture(platform: Platform, database: Database) -> None:
    def both() -> bool | None:
        files = [path.name for path in (platform.settings().landing_root / "trades").rglob("*.jsonl")]
        lines = {name.split("-")[0] for name in files}
        return lines >= {"standalone", "airflow"} or None

    assert wait_for(both, 120, platform.process)


def test_every_line_is_accounted_for(platform: Platform) -> None:
    assert not [problem for file in audit.run(platform.settings()) for problem in file.problems]


def test_sigterm_ends_everything(platform: Platform) -> None:
    """The last test of the module: it stops the platform."""
    assert platform.stop() < _LONGEST_STOP_SECONDS
    left = [p for p in psutil.process_iter() if str(platform.state) in " ".join(arguments(p))]
    assert left == []
    last = max(
        (platform.state / "landing" / "trades").rglob("standalone-*.jsonl"), key=lambda p: p.stat().st_mtime
    )
    assert json.loads(last.read_bytes().splitlines()[-1])["event"] == "closed"


def arguments(process: psutil.Process) -> list[str]:
    try:
        return [*process.cmdline(), *(f"{k}={v}" for k, v in process.environ().items())]
    except psutil.Error:
        return []
