"""Starts what `make run` starts, in a folder of its own and on free ports, and looks at it from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import requests

from include.local import leftovers
from include.local.ports import free_ports
from include.settings import Settings
from tests.factories import Database

PROJECT = Path(__file__).parents[2]
LONGEST_STOP_SECONDS = 20.0
_OURS = ("WAREHOUSE_URL", "EXCHANGE_URL", "MARKET_DATA_URL", "LANDING_ROOT", "AIRFLOW_HOME", "MAKELEVEL")


class Platform:
    """A running platform.

    Args:
        state: Its folder; made when missing.
        environment: Settings beside the defaults, for example EXCHANGE_URL.
    """

    def __init__(self, state: Path, environment: dict[str, str] | None = None) -> None:
        self.state = state
        self.ports = free_ports(3)
        self.environment = {k: v for k, v in os.environ.items() if k not in _OURS} | (environment or {})
        self._token = ""
        self.start()

    def start(self) -> None:
        """Starts the launcher; for a second time too."""
        airflow, exchange, market_data = map(str, self.ports)
        ports = ["--airflow-port", airflow, "--exchange-port", exchange, "--market-data-port", market_data]
        with (self.state.parent / "make-run.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "include.local", "run", "--state", str(self.state), *ports],
                cwd=PROJECT,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def wait_for(self, what: Callable[[], Any], seconds: float) -> Any:
        """What the function returns once that is neither None nor false."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"ended by itself: {self.log()}"
            if found := what():
                return found
            time.sleep(0.5)
        raise AssertionError(f"nothing after {seconds} s: {self.log()}")

    def log(self) -> str:
        """What the launcher said last, and the scheduler, without the output of tasks."""
        said = (self.state.parent / "make-run.log").read_text()[-2000:]
        scheduler = self.state / "logs" / "scheduler.log"
        if scheduler.exists():
            lines = [line[:300] for line in scheduler.read_text().splitlines() if "SchedulerJobRunner" in line]
            said += "\n".join(["the scheduler:", *lines[-25:]])
        return said

    def credentials(self) -> dict[str, Any] | None:
        """How to reach it, once it says so."""
        path = self.state / "credentials.json"
        return json.loads(path.read_text()) if path.exists() else None

    def settings(self) -> Settings:
        """Settings for jobs that run beside it."""
        found = self.wait_for(self.credentials, 120)
        return replace(Settings(), warehouse_url=found["warehouse_url"], landing_root=self.state / "landing")

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Its warehouse, as soon as that is migrated."""

        def connect() -> Database | None:
            try:
                database = Database(self.settings().warehouse_url)
            except psycopg2.OperationalError:
                return None
            if database.value("SELECT to_regclass('curated.pnl_hourly') IS NULL"):
                database.close()
                return None
            return database

        with closing(self.wait_for(connect, 120)) as database:
            yield database

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Airflow's REST API; None while it does not answer, or not as asked."""
        try:
            response = self.answer(method, path, body)
        except (requests.RequestException, KeyError):
            return None
        return response.json() if response.ok else None

    def answer(self, method: str, path: str, body: Any = None) -> requests.Response:
        """What Airflow's REST API says, refusals included.

        Raises:
            requests.RequestException: Nothing.
            KeyError: It does not know us yet.
        """
        airflow = self.wait_for(self.credentials, 120)["airflow"]
        url = airflow["url"].rstrip("/")
        if not self._token:  # good for a day, restarts included
            login = {"username": airflow["username"], "password": airflow["password"]}
            self._token = requests.post(f"{url}/auth/token", json=login, timeout=10).json()["access_token"]
        headers = {"Authorization": f"Bearer {self._token}"}
        return requests.request(method, f"{url}/api/v2/{path}", json=body, headers=headers, timeout=10)

    def refresh(self, expected: str = "success") -> str:
        """Triggers refresh_pnl, waits until that run has ended as expected, and returns its id."""
        run = self.wait_for(lambda: self.call("POST", "dags/refresh_pnl/dagRuns", {"logical_date": None}), 120)
        self.wait_for_run("refresh_pnl", run["dag_run_id"], expected)
        return str(run["dag_run_id"])

    def wait_for_run(self, dag_id: str, run_id: str, expected: str = "success", seconds: float = 240) -> Any:
        """The run, once it has ended as expected."""

        def ended() -> Any:
            run = self.call("GET", f"dags/{dag_id}/dagRuns/{run_id}")
            return run if run and run["state"] in ("success", "failed") else None

        run = self.wait_for(ended, seconds)
        assert run["state"] == expected, run
        return run

    def has_refreshed(self) -> bool:
        """Whether the run of refresh_pnl that the launcher triggers is over."""
        runs = (self.call("GET", "dags/refresh_pnl/dagRuns?run_type=manual") or {}).get("dag_runs", [])
        return bool(runs) and all(run["state"] in ("success", "failed") for run in runs)

    def task_states(self, run: str) -> dict[str, str]:
        """State of each task of a run of refresh_pnl."""
        tasks = self.wait_for(lambda: self.call("GET", f"dags/refresh_pnl/dagRuns/{run}/taskInstances"), 60)
        return {task["task_id"]: task["state"] for task in tasks["task_instances"]}

    def stop_following(self) -> None:
        """Pauses refresh_pnl, which takes whatever is landed, and ends its runs with their processes."""
        runs = "dags/refresh_pnl/dagRuns"
        self.wait_for(lambda: self.call("PATCH", "dags/refresh_pnl", {"is_paused": True}), 60)

        def is_over() -> bool:
            found = self.call("GET", f"{runs}?state=running&state=queued")
            for run in found["dag_runs"] if found else ():
                self.call("PATCH", f"{runs}/{run['dag_run_id']}", {"state": "failed"})
            return found is not None and not found["dag_runs"]

        self.wait_for(is_over, 60)
        path = f"{runs}/~/taskInstances?limit=1000"
        tasks = self.wait_for(lambda: self.call("GET", path), 60)["task_instances"]
        titles = {f"airflow worker -- {task['id']}" for task in tasks}
        self.wait_for(lambda: not [p for p in leftovers.find(self.state) if titles & set(p.cmdline())], 60)

    def stop(self) -> float:
        """SIGTERM, and how many seconds it then took."""
        before = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(timeout=60) == 0
        finally:
            self.process.kill()
            self.process.wait()
        return time.monotonic() - before


@contextmanager
def running_platform(state: Path, environment: dict[str, str] | None = None) -> Iterator[Platform]:
    """A platform that is stopped at the end, whatever happens."""
    platform = Platform(state, environment)
    try:
        yield platform
    finally:
        if platform.process.poll() is None:
            platform.stop()
